"""What a pod asks for, as the real API server defaults and admits it."""

from copy import deepcopy
from typing import Any

import pytest
from support.cases import NOW, complete
from support.cluster.control_plane import wait_until
from support.cluster.stack import Stack
from test_functions import apply

from hooks.config import Config
from hooks.protocol import HookRequest
from hooks.quantity import parse
from hooks.sync import sync

Manifest = dict[str, Any]

PACKAGES = {"inline": {"source": "x", "dependencies": "{}"}}
RESOURCES: list[Manifest] = [
    {},
    {"requests": {"memory": "64Mi"}, "limits": {"memory": "128Mi"}},
    {"requests": {"cpu": "20m"}, "limits": {"cpu": "2"}},
    {"requests": {"ephemeral-storage": "1Gi"}},
    {"limits": {"memory": "128Mi"}},
    {"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"ephemeral-storage": "2Gi"}},
    {"limits": {"example.com/gpu": "1", "memory": "1Gi", "cpu": "1"}},
]


def admitted(stack: Stack, namespace: str, spec: Manifest) -> Manifest:
    """Return the pod as the API server stores it."""
    answer = sync(HookRequest.parse({"parent": complete({"spec": deepcopy(spec)}), "children": {}}), Config(), now=NOW)
    template = next(child for child in answer.children if child["kind"] == "Deployment")["spec"]["template"]
    body = {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"], "metadata": {"name": "pod"}}
    code, pod = stack.plane.call("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", body)
    assert code == 201, pod
    return pod


def asked(pod: Manifest) -> dict[str, Any]:
    """Return what a pod asks for: of each resource the sum of its containers, or its largest init container's."""
    (main,), install = pod["spec"]["containers"], pod["spec"].get("initContainers", [])
    found = {name: parse(amount) for name, amount in main["resources"]["requests"].items()}
    for container in install:
        for name, amount in container["resources"]["requests"].items():
            found[name] = max(found.get(name, parse(0)), parse(amount))
    return {name: amount for name, amount in found.items() if amount}


@pytest.mark.parametrize("resources", RESOURCES, ids=str)
@pytest.mark.parametrize("build", [{}, {"limits": {"cpu": "3", "memory": "2Gi"}, "requests": {"cpu": "3"}}], ids=str)
def test_packages_cost_no_request(api: Stack, namespace: str, resources: Manifest, build: Manifest) -> None:
    """A pod with packages asks for exactly what the same pod without them does."""
    spec = {"resourceConfiguration": {"function": {"resources": resources}, "build": {"resources": build}}}
    without, packed = (admitted(api, namespace, spec | more) for more in ({}, {"source": PACKAGES}))
    assert asked(packed) == asked(without)


def test_a_limit_range_can_be_met(stack: Stack, namespace: str) -> None:
    """Where a LimitRange is below the limits of installs, resourceConfiguration.build.resources brings them down."""
    limits = {"limits": [{"type": "Container", "max": {"cpu": "500m", "memory": "256Mi"}}]}
    body = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": limits}
    assert stack.plane.call("POST", f"/api/v1/namespaces/{namespace}/limitranges", body)[0] == 201
    source = {"inline": {"source": "def main(event, context):\n    return 'hi'\n", "dependencies": "requests\n"}}
    small = {"function": {"profile": "XS"}}
    build = {"build": {"resources": {"limits": {"cpu": "500m", "memory": "256Mi"}}}}
    apply(stack, namespace, "large", source=source, resourceConfiguration=small)
    apply(stack, namespace, "small", source=source, resourceConfiguration=small | build)
    pods = wait_until(lambda: stack.list("pods", namespace), "a pod")
    assert {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in pods} == {"small"}
    refusal = wait_until(lambda: message(stack, namespace, "large"), "the refusal of the other")
    assert "maximum cpu usage per Container is 500m" in refusal


def message(stack: Stack, namespace: str, name: str) -> str | None:
    """Return what keeps a Function's pods away."""
    found = stack.condition(namespace, name, "Ready").get("message", "")
    return found if "forbidden" in found else None
