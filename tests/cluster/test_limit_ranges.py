"""The requests of a pod after the defaulting and admission of a real API server."""

from copy import deepcopy
from typing import Any

import pytest
from support.cases import NOW, complete
from support.cluster.control_plane import wait_until
from support.cluster.functions import create_function
from support.cluster.stack import Stack

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


def effective_requests(pod: Manifest) -> dict[str, Any]:
    """Return the larger of the main container's and the init containers' requests, per resource."""
    (main,), install = pod["spec"]["containers"], pod["spec"].get("initContainers", [])
    found = {name: parse(amount) for name, amount in main["resources"]["requests"].items()}
    for container in install:
        for name, amount in container["resources"]["requests"].items():
            found[name] = max(found.get(name, parse(0)), parse(amount))
    return {name: amount for name, amount in found.items() if amount}


@pytest.mark.parametrize("resources", RESOURCES, ids=str)
@pytest.mark.parametrize("build", [{}, {"limits": {"cpu": "3", "memory": "2Gi"}, "requests": {"cpu": "3"}}], ids=str)
def test_dependencies_add_no_request(api: Stack, namespace: str, resources: Manifest, build: Manifest) -> None:
    """A pod with dependencies has the same effective requests as the same pod without them."""
    spec = {"resourceConfiguration": {"function": {"resources": resources}, "build": {"resources": build}}}
    without, packed = (admitted(api, namespace, spec | more) for more in ({}, {"source": PACKAGES}))
    assert effective_requests(packed) == effective_requests(without)


def test_install_limits_can_be_lowered(stack: Stack, namespace: str) -> None:
    """Under a LimitRange below the default install limits, resourceConfiguration.build.resources lowers them."""
    limits = {"limits": [{"type": "Container", "max": {"cpu": "500m", "memory": "256Mi"}}]}
    body = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": limits}
    assert stack.plane.call("POST", f"/api/v1/namespaces/{namespace}/limitranges", body)[0] == 201
    source = {"inline": {"source": "def main(event, context):\n    return 'hi'\n", "dependencies": "requests\n"}}
    small = {"function": {"profile": "XS"}}
    build = {"build": {"resources": {"limits": {"cpu": "500m", "memory": "256Mi"}}}}
    create_function(stack, namespace, "large", source=source, resourceConfiguration=small)
    create_function(stack, namespace, "small", source=source, resourceConfiguration=small | build)
    pods = wait_until(lambda: stack.list("pods", namespace), "a pod")
    assert {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in pods} == {"small"}
    refusal = wait_until(lambda: message(stack, namespace, "large"), "the refusal of the large one")
    assert "maximum cpu usage per Container is 500m" in refusal


def message(stack: Stack, namespace: str, name: str) -> str | None:
    """Return the message of a refused pod from the Function's status, None if there is none."""
    found = stack.condition(namespace, name, "Ready").get("message", "")
    return found if "forbidden" in found else None
