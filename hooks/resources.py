"""
How much the containers of a Function get: a profile or what the user wrote, always with requests and limits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hooks import quantity
from hooks.config import Config
from hooks.function import ResourceChoice, ResourceConfiguration
from hooks.kubernetes_names import is_overcommitted

CUSTOM = "custom"
"""What the status calls resources that were written out in the Function."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Maps of resource name to canonical quantity, and the profile they come from (or "custom")."""

    profile: str
    requests: Mapping[str, str]
    limits: Mapping[str, str]


def function_resources(chosen: ResourceConfiguration | None, config: Config) -> Resources:
    """
    A profile as it stands; resources as written, where a side left out entirely comes from the default profile.

    What comes from the profile gives way to what the user wrote, so that no request ends above its limit. A limit of
    the profile brings the profile's request with it: Kubernetes would take the limit for the request.
    """
    choice = (chosen and chosen.function) or ResourceChoice()
    if not choice.resources:
        name = choice.profile or config.default_profile
        profile = config.profiles[name]
        return Resources(profile=name, requests=profile.requests, limits=profile.limits)
    default = config.profiles[config.default_profile]
    requests, limits = _canonical(choice.resources.requests), _canonical(choice.resources.limits)
    if not limits:
        limits, requests = _each(max, default.limits, requests), {**default.requests, **requests}
        limits |= _whole(requests)
    elif not requests:
        wanted = {name: amount for name, amount in default.requests.items() if is_overcommitted(name)}
        requests = _each(min, wanted, limits)
    return Resources(profile=CUSTOM, requests=requests, limits=limits)


def _whole(amounts: Mapping[str, str]) -> dict[str, str]:
    """Return the amounts of devices and huge pages: of these Kubernetes takes no request but the limit."""
    return {name: amount for name, amount in amounts.items() if not is_overcommitted(name)}


def install_resources(chosen: ResourceConfiguration | None, resources: Resources, config: Config) -> Resources:
    """
    Return the resources of the step that installs packages, for a Function that has these.

    Its limits are those of spec.resourceConfiguration.build.resources, else the Function's, raised to the operator's:
    at 150 millicores three packages take more than half a minute. Its requests are the Function's at most, and 0 where
    the Function has none, so that a pod asks for the same with and without packages: Kubernetes takes the limit for a
    missing request, and a pod asks for as much as its largest init container.
    Source: Kubernetes, Resource Management for Pods and Containers; Init Containers, "Resource sharing".
    """
    build = (chosen and chosen.build and chosen.build.resources) or None
    asked, bounds = (_canonical(build.requests), _canonical(build.limits)) if build else ({}, {})
    floor = {name: amount for name, amount in config.install.limits.items() if is_overcommitted(name)}
    asked_for = {name: resources.requests[name] for name in floor if name in resources.requests}
    raised = _each(max, _each(max, floor, asked_for), resources.limits)
    limits = {name: raised[name] for name in (*floor, *resources.limits)}
    limits |= {name: amount for name, amount in bounds.items() if is_overcommitted(name)}
    requests = {
        name: _install_request(name, resources, asked, limits) for name in dict.fromkeys((*resources.requests, *limits))
    }
    return Resources(profile=resources.profile, requests=requests, limits=limits)


def _install_request(name: str, own: Resources, asked: Mapping[str, str], limits: Mapping[str, str]) -> str:
    if not is_overcommitted(name):
        return own.requests.get(name) or limits[name]
    known = (own.requests.get(name, "0"), limits.get(name), asked.get(name))
    return min((amount for amount in known if amount is not None), key=quantity.parse)


def _canonical(amounts: Mapping[str, str | int] | None) -> dict[str, str]:
    return {name: quantity.amount(given) for name, given in (amounts or {}).items()}


def _each(choose: Callable[..., str], base: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Return, for each resource in either map, what `choose` takes of the two amounts, or the only one there is."""
    chosen = {name: choose(amount, other.get(name, amount), key=quantity.parse) for name, amount in base.items()}
    return {**other, **chosen}
