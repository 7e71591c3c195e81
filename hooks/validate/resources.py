"""Rules for how much a Function gets: replicas, profile, requests and limits."""

from collections.abc import Iterator

from hooks import quantity
from hooks.config import Config
from hooks.function import FunctionSpec, ResourceChoice
from hooks.validate.violation import Rule, Violation


def _scale(spec: FunctionSpec, config: Config) -> Iterator[Violation]:
    scale = spec.scale_config
    if scale and scale.max_replicas < scale.min_replicas:
        yield Violation(
            "spec.scaleConfig.maxReplicas",
            f"{scale.max_replicas} is below minReplicas ({scale.min_replicas})",
        )


def _profile(spec: FunctionSpec, config: Config) -> Iterator[Violation]:
    field, chosen = "spec.resourceConfiguration.function", _choice(spec)
    if chosen and (chosen.profile is None) == (chosen.resources is None):
        yield Violation(field, "expected exactly one of profile and resources")
    if chosen and chosen.profile is not None and chosen.profile not in config.profiles:
        known = ", ".join(config.profiles)
        yield Violation(f"{field}.profile", f"cannot find profile {chosen.profile!r}, known are: {known}")


def _resources(spec: FunctionSpec, config: Config) -> Iterator[Violation]:
    field, chosen = "spec.resourceConfiguration.function.resources", _choice(spec)
    if not chosen or not chosen.resources:
        return
    if chosen.resources.claims:
        yield Violation(f"{field}.claims", "resource claims are not supported, use requests and limits")
    amounts: dict[tuple[str, str], str] = {}
    for side, given in (("requests", chosen.resources.requests), ("limits", chosen.resources.limits)):
        for name, amount in sorted((given or {}).items()):
            try:
                quantity.parse(amount)
            except ValueError as error:
                yield Violation(f"{field}.{side}.{name}", str(error))
            else:
                amounts[side, name] = str(amount)
    yield from _amounts(field, amounts, config)


def _amounts(field: str, amounts: dict[tuple[str, str], str], config: Config) -> Iterator[Violation]:
    for (side, name), amount in amounts.items():
        least, limit = config.minimum_resources.get(name, "0"), amounts.get(("limits", name), amount)
        if quantity.parse(amount) < quantity.parse(least):
            yield Violation(f"{field}.{side}.{name}", f"{amount} is below the minimum of {least}")
        if side == "requests" and quantity.parse(amount) > quantity.parse(limit):
            yield Violation(f"{field}.requests.{name}", f"{amount} is above its limit of {limit}")


def _choice(spec: FunctionSpec) -> ResourceChoice | None:
    return spec.resource_configuration.function if spec.resource_configuration else None


RULES: tuple[Rule, ...] = (_scale, _profile, _resources)
