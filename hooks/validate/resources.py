"""Rules for how much a Function gets: replicas, profile, requests and limits."""

from collections.abc import Iterator
from decimal import Decimal

from hooks import quantity
from hooks.config import Config
from hooks.function import Function, ResourceChoice
from hooks.validate.violation import Rule, Violation, quoted, rule

_FIELD = "spec.resourceConfiguration"


@rule("cel")
def scale(function: Function, config: Config) -> Iterator[Violation]:
    """The autoscaler's upper bound is not below its lower one."""
    wanted = function.spec.scale_config
    if wanted and wanted.max_replicas < wanted.min_replicas:
        yield Violation(
            "spec.scaleConfig.maxReplicas", f"{wanted.max_replicas} is below minReplicas ({wanted.min_replicas})"
        )


@rule("cel")
def one_choice(function: Function, config: Config) -> Iterator[Violation]:
    """Resources come from a profile or are written out."""
    for field, choice in _choices(function):
        if (choice.profile is None) == (choice.resources is None):
            yield Violation(field, "expected exactly one of profile and resources")


@rule("policy")
def known_profile(function: Function, config: Config) -> Iterator[Violation]:
    """The profile is one of the operator's."""
    chosen = function.spec.resource_configuration and function.spec.resource_configuration.function
    if chosen and chosen.profile is not None and chosen.profile not in config.profiles:
        known = ", ".join(sorted(config.profiles))
        yield Violation(
            f"{_FIELD}.function.profile", f"cannot find profile {quoted(chosen.profile)}, known are: {known}"
        )


@rule("cel")
def no_claims(function: Function, config: Config) -> Iterator[Violation]:
    """Resource claims are not supported."""
    for field, choice in _choices(function):
        if choice.resources and choice.resources.claims:
            yield Violation(f"{field}.resources.claims", "resource claims are not supported, use requests and limits")


@rule("cel")
def quantities(function: Function, config: Config) -> Iterator[Violation]:
    """Requests and limits are quantities."""
    for field, amount in _amounts(function):
        try:
            quantity.parse(amount)
        except ValueError as error:
            yield Violation(field, str(error))


@rule("cel")
def not_negative(function: Function, config: Config) -> Iterator[Violation]:
    """Requests and limits are not negative."""
    for field, amount in _amounts(function):
        if (number := _number(amount)) is not None and number < 0:
            yield Violation(field, f"{amount} is below the minimum of 0")


@rule("cel")
def requests_within_limits(function: Function, config: Config) -> Iterator[Violation]:
    """No request is above its limit, where there is one."""
    for field, choice in _choices(function):
        requests = (choice.resources and choice.resources.requests) or {}
        limits = (choice.resources and choice.resources.limits) or {}
        for name in sorted(requests.keys() & limits.keys()):
            request, limit = _number(requests[name]), _number(limits[name])
            if request is not None and limit is not None and request > limit:
                yield Violation(
                    f"{field}.resources.requests.{name}", f"{requests[name]} is above its limit of {limits[name]}"
                )


@rule("policy")
def minimum(function: Function, config: Config) -> Iterator[Violation]:
    """Requests and limits are not below the operator's minimum."""
    for field, amount in _amounts(function, build=False):
        least = config.minimum_resources.get(field.partition(".resources.")[2].partition(".")[2])
        number = _number(amount)
        if least and number is not None and number < quantity.parse(least):
            yield Violation(field, f"{amount} is below the minimum of {least}")


def _choices(function: Function) -> Iterator[tuple[str, ResourceChoice]]:
    """Yield what is chosen for the pods, and for a build: that is ignored, but the schema looks at it."""
    if both := function.spec.resource_configuration:
        if both.function:
            yield f"{_FIELD}.function", both.function
        if both.build:
            yield f"{_FIELD}.build", both.build


def _amounts(function: Function, *, build: bool = True) -> Iterator[tuple[str, str | int]]:
    """Yield the path and the value of each request and limit."""
    for field, choice in _choices(function):
        if choice.resources and (build or field.endswith(".function")):
            for side, given in (("requests", choice.resources.requests), ("limits", choice.resources.limits)):
                for name, amount in sorted((given or {}).items()):
                    yield f"{field}.resources.{side}.{name}", amount


def _number(amount: str | int) -> Decimal | None:
    try:
        return quantity.parse(amount)
    except ValueError:
        return None


RULES: tuple[Rule, ...] = (
    scale,
    one_choice,
    known_profile,
    no_claims,
    quantities,
    not_negative,
    requests_within_limits,
    minimum,
)
