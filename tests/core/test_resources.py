"""Requests and limits of both containers, for any combination of settings of a user and an operator."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cases import complete

from hooks.config import Config
from hooks.function import Function
from hooks.quantity import parse
from hooks.resources import Resources, function_resources, install_resources

Manifest = dict[str, Any]
AMOUNTS = {"cpu": ["10m", "300m", "2"], "memory": ["16Mi", "300Mi", "3Gi"], "ephemeral-storage": ["1Mi", "1Gi"]}
DEVICE = "example.com/gpu"


def both(written: Manifest, config: Config) -> tuple[Resources, Resources]:
    """Return the resources of the main and of the install container."""
    spec = Function.model_validate(complete({"spec": {"resourceConfiguration": written}})).spec
    own = function_resources(spec.resource_configuration, config)
    return own, install_resources(spec.resource_configuration, own, config)


def effective(resources: Resources) -> dict[str, Any]:
    """Return a container's requests with the API server's defaults: a missing request is the limit."""
    return {name: parse(amount) for name, amount in {**resources.limits, **resources.requests}.items()}


def amounts() -> st.SearchStrategy[Manifest]:
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in AMOUNTS.items()})


@st.composite
def choices(draw: st.DrawFn) -> Manifest:
    """Return resources without a request above its limit."""
    requests, limits = draw(amounts()), draw(amounts())
    requests = {
        name: amount for name, amount in requests.items() if name not in limits or parse(amount) <= parse(limits[name])
    }
    if draw(st.booleans()):
        limits[DEVICE] = requests[DEVICE] = "1"
    sides = {"requests": requests, "limits": limits}
    return {"resources": {side: sides[side] for side in draw(st.sets(st.sampled_from(["requests", "limits"])))}}


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Return a config with other install limits, and sometimes with a device in the default profile."""
    profile = Config().profiles["L"].model_dump()
    if draw(st.booleans()):
        profile = {side: amounts | {DEVICE: "2"} for side, amounts in profile.items()}
    return Config.model_validate({"install": {"limits": draw(amounts())}, "profiles": {"L": profile}})


CONFIGS = configs()
WRITTEN = st.fixed_dictionaries({}, optional={"function": choices(), "build": choices()})


@given(WRITTEN, CONFIGS)
def test_dependencies_add_no_request(written: Manifest, config: Config) -> None:
    """A pod's requests are the same with and without dependencies: no request of the install container is higher."""
    own, install = both(written, config)
    requests = effective(own)
    for name, amount in effective(install).items():
        assert amount <= requests.get(name, 0), name


@given(WRITTEN, CONFIGS)
def test_every_limit_has_a_request_below_it(written: Manifest, config: Config) -> None:
    """Each limit of the install container has a request that is not higher; for a device they are equal."""
    _, install = both(written, config)
    for name, limit in install.limits.items():
        assert parse(install.requests[name]) <= parse(limit)
        assert name != DEVICE or install.requests[name] == limit


@given(WRITTEN, CONFIGS)
def test_devices_are_limited_to_what_is_requested(written: Manifest, config: Config) -> None:
    """Kubernetes requires a limit for each device, equal to its request."""
    for resources in both(written, config):
        if DEVICE in {*resources.requests, *resources.limits}:
            assert resources.requests.get(DEVICE, resources.limits.get(DEVICE)) == resources.limits.get(DEVICE)


@given(WRITTEN, CONFIGS)
def test_limits_of_the_profile_bring_its_requests(written: Manifest, config: Config) -> None:
    """If the spec sets no limits, each limit of the profile comes with a request."""
    own, _ = both(written, config)
    choice = written.get("function", {}).get("resources", {})
    if not choice.get("limits"):
        assert set(own.limits) == set(own.requests)


@pytest.mark.parametrize(
    ("written", "requests", "limits"),
    [
        ({}, {"cpu": "400m", "memory": "512Mi"}, {"cpu": "1", "memory": "1Gi"}),
        (
            {"function": {"resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "128Mi"}}}},
            {"memory": "64Mi", "cpu": "0"},
            {"cpu": "1", "memory": "512Mi"},
        ),
        (
            {"function": {"profile": "XS"}, "build": {"resources": {"limits": {"cpu": "500m", "memory": "256Mi"}}}},
            {"cpu": "50m", "memory": "64Mi"},
            {"cpu": "500m", "memory": "256Mi"},
        ),
        (
            {"function": {"profile": "XS"}, "build": {"resources": {"requests": {"cpu": "1100m", "memory": "32Mi"}}}},
            {"cpu": "50m", "memory": "32Mi"},
            {"cpu": "1", "memory": "512Mi"},
        ),
        (
            {"function": {"profile": "XS"}, "build": {"profile": "fast"}},
            {"cpu": "50m", "memory": "64Mi"},
            {"cpu": "1", "memory": "512Mi"},
        ),
        (
            {"function": {"profile": "L"}, "build": {"resources": {"limits": {"cpu": "100m", DEVICE: "1"}}}},
            {"cpu": "100m", "memory": "512Mi"},
            {"cpu": "100m", "memory": "1Gi"},
        ),
    ],
)
def test_installing(written: Manifest, requests: Manifest, limits: Manifest) -> None:
    """Limits are those of `build`, else the raised ones; requests are at most those of the main container."""
    _, install = both(written, Config())
    assert (dict(install.requests), dict(install.limits)) == (requests, limits)


@pytest.mark.parametrize(
    ("resources", "requests"),
    [
        ({"requests": {"ephemeral-storage": "1Gi"}}, {"cpu": "400m", "memory": "512Mi", "ephemeral-storage": "1Gi"}),
        ({"requests": {"cpu": "20m"}}, {"cpu": "20m", "memory": "512Mi"}),
        ({"requests": {"cpu": "2"}}, {"cpu": "2", "memory": "512Mi"}),
        ({"limits": {"memory": "128Mi"}}, {"cpu": "400m", "memory": "128Mi"}),
        ({"requests": {"memory": "64Mi"}, "limits": {"memory": "128Mi"}}, {"memory": "64Mi"}),
    ],
)
def test_requests(resources: Manifest, requests: Manifest) -> None:
    """Requests that the spec omits come from the default profile."""
    own, _ = both({"function": {"resources": resources}}, Config())
    assert dict(own.requests) == requests
