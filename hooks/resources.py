"""
Requests and limits of the containers: from a profile of the config or from spec.resourceConfiguration.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hooks import quantity
from hooks.config import Config
from hooks.function import ResourceChoice, ResourceConfiguration
from hooks.kubernetes_names import is_overcommitted

CUSTOM = "custom"
"""The profile name that the status shows for resources that the Function sets itself."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Resource names to canonical quantities, and the name of their profile or CUSTOM."""

    profile: str
    requests: Mapping[str, str]
    limits: Mapping[str, str]


def function_resources(configuration: ResourceConfiguration | None, config: Config) -> Resources:
    """
    Return the resources of the main container.

    Without `resources` they are those of the profile. If only requests or only limits are set, the other side comes
    from the default profile, adjusted so that no request exceeds its limit. Where the limits come from the profile, its
    requests do too, since Kubernetes would use a limit as the missing request.
    """
    choice = (configuration and configuration.function) or ResourceChoice()
    if not choice.resources:
        name = choice.profile or config.default_profile
        profile = config.profiles[name]
        return Resources(profile=name, requests=profile.requests, limits=profile.limits)
    default = config.profiles[config.default_profile]
    requests, limits = _canonical_amounts(choice.resources.requests), _canonical_amounts(choice.resources.limits)
    if not limits:
        limits, requests = _merge(max, default.limits, requests), {**default.requests, **requests}
        limits |= {name: amount for name, amount in requests.items() if not is_overcommitted(name)}
    elif not requests:
        defaults = {name: amount for name, amount in default.requests.items() if is_overcommitted(name)}
        requests = _merge(min, defaults, limits)
    return Resources(profile=CUSTOM, requests=requests, limits=limits)


def install_resources(configuration: ResourceConfiguration | None, main: Resources, config: Config) -> Resources:
    """
    Return the resources of the container that installs packages, given those of the `main` container.

    The limits are those of spec.resourceConfiguration.build.resources, else those of `main`, raised to the operator's
    install limits: with 150 millicores, three packages take more than half a minute. A request never exceeds that of
    `main`, and is 0 where `main` has none, so that dependencies do not raise the pod's requests: Kubernetes uses a
    limit as the missing request, and a pod's request is at least that of its largest init container.
    Source: Kubernetes, Resource Management for Pods and Containers; Init Containers, "Resource sharing".
    """
    build = (configuration and configuration.build and configuration.build.resources) or None
    build_requests, build_limits = (
        (_canonical_amounts(build.requests), _canonical_amounts(build.limits)) if build else ({}, {})
    )
    floor = {name: amount for name, amount in config.install.limits.items() if is_overcommitted(name)}
    main_requests = {name: main.requests[name] for name in floor if name in main.requests}
    raised = _merge(max, _merge(max, floor, main_requests), main.limits)
    limits = {name: raised[name] for name in (*floor, *main.limits)}
    limits |= {name: amount for name, amount in build_limits.items() if is_overcommitted(name)}
    names = dict.fromkeys((*main.requests, *limits))
    requests = {name: _install_request(name, main, build_requests, limits) for name in names}
    return Resources(profile=main.profile, requests=requests, limits=limits)


def _install_request(name: str, main: Resources, build: Mapping[str, str], limits: Mapping[str, str]) -> str:
    if not is_overcommitted(name):
        return main.requests.get(name) or limits[name]
    bounds = (main.requests.get(name, "0"), limits.get(name), build.get(name))
    return min((amount for amount in bounds if amount is not None), key=quantity.parse)


def _canonical_amounts(amounts: Mapping[str, str | int] | None) -> dict[str, str]:
    return {name: quantity.amount(given) for name, given in (amounts or {}).items()}


def _merge(choose: Callable[..., str], base: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Merge two maps of amounts; `choose` is min or max and picks the amount of a resource that both have."""
    chosen = {name: choose(amount, other.get(name, amount), key=quantity.parse) for name, amount in base.items()}
    return {**other, **chosen}
