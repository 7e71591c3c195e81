"""Rules for how much a Function gets: replicas, profile, requests and limits."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from hooks import quantity
from hooks.config import Config
from hooks.function import Function, ResourceChoice, ResourceRequirements
from hooks.kubernetes_names import RESOURCE_SHAPE, amount_fault, is_overcommitted, is_page, is_resource
from hooks.rules import cel
from hooks.rules.violation import Cel, Rule, Violation, invalid, required, rule, unsupported

_FIELD = "spec.resourceConfiguration"
_CHOICES = (f"{_FIELD}.function", f"{_FIELD}.build")
_RESOURCES = tuple(f"{choice}.resources" for choice in _CHOICES)
_SIDES = tuple(f"{resources}.{side}" for resources in _RESOURCES for side in ("requests", "limits"))
_AMOUNTS = tuple(f"{side}[*]" for side in _SIDES)
Amounts = Mapping[str, str | int]


@rule("cel", "scale_config", cel=[Cel("self.minReplicas <= self.maxReplicas", ["spec.scaleConfig"])])
def scale(function: Function, config: Config) -> Iterator[Violation]:
    """The autoscaler's upper bound is not below its lower one."""
    wanted = function.spec.scale_config
    if wanted and wanted.max_replicas < wanted.min_replicas:
        detail = f"must be greater than or equal to minReplicas of {wanted.min_replicas}"
        yield invalid("spec.scaleConfig.maxReplicas", detail, wanted.max_replicas)


@rule(
    "cel",
    "scale_config",
    cel=[
        Cel(f"!has(self.scaleConfig) || {cel.measurable('cpu')}", ["spec"]),
        Cel(
            "!has(self.scaleConfig) || !has(self.scaleConfig.targetMemoryUtilizationPercentage) || "
            + cel.measurable("memory"),
            ["spec"],
        ),
    ],
)
def measurable(function: Function, config: Config) -> Iterator[Violation]:
    """An autoscaler has the request in percent of which it measures."""
    wanted, chosen = function.spec.scale_config, _written(function)
    if not wanted or not chosen or not (chosen.requests and chosen.limits):
        return  # a side that is left out comes from the default profile
    targets = ("cpu", "memory") if wanted.target_memory else ("cpu",)
    for name in targets:
        if name not in chosen.requests and name not in chosen.limits:
            yield required(f"{_FIELD}.function.resources.requests", f"scaleConfig measures {name} in percent of it")


@rule("cel", "resource_configuration", cel=[Cel("has(self.profile) != has(self.resources)", _CHOICES)])
def one_choice(function: Function, config: Config) -> Iterator[Violation]:
    """Resources come from a profile or are written out."""
    for field, choice in _choices(function):
        if (choice.profile is None) == (choice.resources is None):
            yield invalid(field, "expected exactly one of profile and resources")


@rule("policy", "resource_configuration")
def known_profile(function: Function, config: Config) -> Iterator[Violation]:
    """The profile is one of the operator's."""
    chosen = function.spec.resource_configuration and function.spec.resource_configuration.function
    if chosen and chosen.profile is not None and chosen.profile not in config.profiles:
        yield unsupported(f"{_FIELD}.function.profile", chosen.profile, sorted(config.profiles))


@rule(
    "cel", "resource_configuration", cel=[Cel("self.size() == 0", [f"{resources}.claims" for resources in _RESOURCES])]
)
def no_claims(function: Function, config: Config) -> Iterator[Violation]:
    """Resource claims are not supported."""
    for field, choice in _choices(function):
        if choice.resources and choice.resources.claims:
            yield invalid(f"{field}.resources.claims", "resource claims are not supported, use requests and limits")


@rule("cel", "resource_configuration", cel=[Cel(cel.RESOURCE_NAMES, _SIDES)])
def resource_names(function: Function, config: Config) -> Iterator[Violation]:
    """Requests and limits are of resources that a container can have."""
    for side, given in _sides(function):
        for name in sorted(given):
            if not is_resource(name):
                yield invalid(side, RESOURCE_SHAPE, name)


@rule("cel", "resource_configuration", cel=[Cel("isQuantity(string(self)) && string(self).matches('[0-9]')", _AMOUNTS)])
def quantities(function: Function, config: Config) -> Iterator[Violation]:
    """Requests and limits are quantities."""
    for field, _, amount in _amounts(function):
        if _number(amount) is None:
            yield invalid(field, "is not a quantity such as 250m, 1.5 or 64Mi", amount)


@rule(
    "cel",
    "resource_configuration",
    cel=[Cel("!isQuantity(string(self)) || !quantity(string(self)).isLessThan(quantity('0'))", _AMOUNTS)],
)
def not_negative(function: Function, config: Config) -> Iterator[Violation]:
    """Requests and limits are not negative."""
    for field, _, amount in _amounts(function):
        if (number := _number(amount)) is not None and number < 0:
            yield invalid(field, "must be greater than or equal to 0", amount)


@rule("cel", "resource_configuration", cel=[Cel(cel.PAGES, _SIDES), Cel(cel.INTEGERS, _SIDES)])
def whole(function: Function, config: Config) -> Iterator[Violation]:
    """Extended resources come whole, huge pages in pages."""
    for field, name, amount in _amounts(function):
        if fault := amount_fault(name, amount):
            yield invalid(field, fault, amount)


@rule("cel", "resource_configuration", cel=[Cel(cel.WITHIN_LIMITS, _RESOURCES)])
def requests_within_limits(function: Function, config: Config) -> Iterator[Violation]:
    """No request is above its limit, where there is one."""
    for field, requests, limits in _pairs(function):
        for name in sorted(requests.keys() & limits.keys()):
            request, limit = _number(requests[name]), _number(limits[name])
            if request is not None and limit is not None and request > limit:
                detail = f"must be less than or equal to its limit of {limits[name]}"
                yield invalid(f"{field}.requests.{name}", detail, requests[name])


@rule("cel", "resource_configuration", cel=[Cel(cel.ARE_LIMITS, _RESOURCES)])
def requests_are_limits(function: Function, config: Config) -> Iterator[Violation]:
    """What cannot be shared, extended resources and huge pages, is limited to what is requested."""
    for field, requests, limits in _pairs(function):
        for name in sorted(requests) if limits else ():
            if not is_overcommitted(name) and _differ(requests[name], limits.get(name)):
                yield invalid(f"{field}.requests.{name}", "must be equal to its limit", requests[name])


@rule("cel", "resource_configuration", cel=[Cel(cel.PAGES_NEED_MORE, _RESOURCES)])
def pages_need_more(function: Function, config: Config) -> Iterator[Violation]:
    """Huge pages come with CPU or memory."""
    for field, requests, limits in _pairs(function):
        names = requests.keys() | limits.keys()
        if requests and limits and any(map(is_page, names)) and not names & {"cpu", "memory"}:
            yield invalid(field, "huge pages require cpu or memory")


@rule("policy", "resource_configuration")
def minimum(function: Function, config: Config) -> Iterator[Violation]:
    """Requests and limits are not below the operator's minimum."""
    for field, name, amount in _amounts(function, build=False):
        least, number = config.minimum_resources.get(name), _number(amount)
        if least and number is not None and number < quantity.parse(least):
            yield invalid(field, f"must be greater than or equal to {least}", amount)


def _choices(function: Function) -> Iterator[tuple[str, ResourceChoice]]:
    """Yield what is chosen for the pods, and for a build: that is ignored, but the schema looks at it."""
    if both := function.spec.resource_configuration:
        if both.function:
            yield f"{_FIELD}.function", both.function
        if both.build:
            yield f"{_FIELD}.build", both.build


def _written(function: Function) -> ResourceRequirements | None:
    """Return the resources that are written out for the pods, None where there are none."""
    choice = function.spec.resource_configuration and function.spec.resource_configuration.function
    return choice.resources if choice else None


def _pairs(function: Function) -> Iterator[tuple[str, Amounts, Amounts]]:
    """Yield the path, the requests and the limits of each choice that writes resources out."""
    for field, choice in _choices(function):
        if choice.resources:
            yield f"{field}.resources", choice.resources.requests or {}, choice.resources.limits or {}


def _sides(function: Function) -> Iterator[tuple[str, Amounts]]:
    """Yield the path and the amounts of the requests and limits of each choice."""
    for field, requests, limits in _pairs(function):
        yield f"{field}.requests", requests
        yield f"{field}.limits", limits


def _amounts(function: Function, *, build: bool = True) -> Iterator[tuple[str, str, str | int]]:
    """Yield the path, the resource and the value of each request and limit."""
    for side, given in _sides(function):
        if build or side.startswith(f"{_FIELD}.function."):
            for name, amount in sorted(given.items()):
                yield f"{side}.{name}", name, amount


def _differ(request: str | int, limit: str | int | None) -> bool:
    """Tell whether these are different amounts; what is no quantity is another rule's."""
    wanted, given = _number(request), None if limit is None else _number(limit)
    return wanted is not None and (limit is None or (given is not None and given != wanted))


def _number(amount: str | int) -> Decimal | None:
    try:
        return quantity.parse(amount)
    except ValueError:
        return None


RULES: tuple[Rule, ...] = (
    scale,
    measurable,
    one_choice,
    known_profile,
    no_claims,
    resource_names,
    quantities,
    not_negative,
    whole,
    requests_within_limits,
    requests_are_limits,
    pages_need_more,
    minimum,
)
