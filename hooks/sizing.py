"""
How much the containers of a Function get: a profile or what the user wrote, always with requests and limits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hooks import quantity
from hooks.config import Config
from hooks.function import ResourceChoice, ResourceConfiguration

CUSTOM = "custom"
"""What the status calls resources that were written out in the Function."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Maps of resource name to canonical quantity, and the profile they come from (or "custom")."""

    profile: str
    requests: Mapping[str, str]
    limits: Mapping[str, str]


def sized(chosen: ResourceConfiguration | None, config: Config) -> Resources:
    """
    A profile as it stands; resources as written, where a side left out entirely comes from the default profile.

    What comes from the profile gives way to what the user wrote, so that no request ends above its limit.
    """
    choice = (chosen and chosen.function) or ResourceChoice()
    if not choice.resources:
        name = choice.profile or config.default_profile
        profile = config.profiles[name]
        return Resources(profile=name, requests=profile.requests, limits=profile.limits)
    default = config.profiles[config.default_profile]
    requests, limits = _canonical(choice.resources.requests), _canonical(choice.resources.limits)
    return Resources(
        profile=CUSTOM,
        requests=requests or _each(min, default.requests, limits),
        limits=limits or _each(max, default.limits, requests),
    )


def _canonical(amounts: Mapping[str, str | int] | None) -> dict[str, str]:
    return {name: quantity.amount(given) for name, given in (amounts or {}).items()}


def install_limits(resources: Resources, config: Config) -> dict[str, str]:
    """Return the Function's limits, raised: at 150 millicores three packages take more than half a minute."""
    floor = _each(max, config.install.limits, resources.requests)
    raised = _each(max, floor, resources.limits)
    return {name: raised[name] for name in (*config.install.limits, *resources.limits)}


def _each(choose: Callable[..., str], base: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Return, for each resource in either map, what `choose` takes of the two amounts, or the only one there is."""
    chosen = {name: choose(amount, other.get(name, amount), key=quantity.parse) for name, amount in base.items()}
    return {**other, **chosen}
