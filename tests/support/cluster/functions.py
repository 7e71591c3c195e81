"""Functions on a real API server: how tests create, edit and await them."""

import json
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import yaml
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.stack import GROUP, ROOT, Stack

from hooks.records import LAST_APPLIED

EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.yaml") if not path.name.startswith("config-"))
AUTOSCALED: Manifest = {"scaleConfig": {"minReplicas": 2, "maxReplicas": 5}}
"""The part of a spec that gives a Function all four children."""
ADDRESS = {"clusterIP", "clusterIPs"}
COUNTERS = {"resourceVersion", "generation", "managedFields", "creationTimestamp"}


def function(name: str = "hello", **spec: Any) -> Manifest:
    """Return a Python Function with these fields in its spec."""
    source = {"inline": {"source": "def main(event, context):\n    return 'hi'\n"}}
    return {
        "apiVersion": "serverless.kyma-project.io/v1alpha2",
        "kind": "Function",
        "metadata": {"name": name},
        "spec": {"runtime": "python312", "source": source} | spec,
    }


def create_function(stack: Stack, namespace: str, name: str = "hello", **spec: Any) -> Manifest:
    """Create such a Function; return it as the API server stored it."""
    code, created = stack.plane.call("POST", f"{GROUP}/namespaces/{namespace}/functions", function(name, **spec))
    assert code == 201, created
    return created


def edit_function(stack: Stack, namespace: str, name: str = "hello", **spec: Any) -> None:
    """Merge these fields into the spec; None removes one."""
    stack.patch("functions", namespace, name, {"spec": spec})


def wait_until_ready(stack: Stack, namespace: str, name: str = "hello", seconds: float = 30) -> None:
    """Return once the Function is Ready; every pod of the namespace is marked as ready meanwhile."""
    wait_until(lambda: stack.is_ready(namespace, name), f"{name} to be ready", seconds)


def is_ready(function: Manifest) -> bool:
    """Return whether the status of a Function has Ready=True."""
    return is_true(function, "Ready")


def is_true(function: Manifest, condition: str) -> bool:
    """Return whether a condition of a Function is True."""
    conditions = function.get("status", {}).get("conditions", [])
    return any((each["type"], each["status"]) == (condition, "True") for each in conditions)


def replicas(stack: Stack, namespace: str, name: str = "hello") -> int:
    """Return spec.replicas of the Function's Deployment."""
    deployment = stack.get("deployments", namespace, name) or {}
    return int(deployment["spec"]["replicas"])


def comparable(child: Manifest, ignored: Iterable[str] = ()) -> Manifest:
    """Return a child without status, address, counters and `ignored` metadata, and with its record parsed."""
    child = deepcopy(child)
    child.pop("status", None)
    metadata = {key: value for key, value in child["metadata"].items() if key not in {*COUNTERS, *ignored}}
    metadata["annotations"].pop("deployment.kubernetes.io/revision", None)
    metadata["annotations"][LAST_APPLIED] = json.loads(metadata["annotations"][LAST_APPLIED])
    spec = {key: value for key, value in child.get("spec", {}).items() if key not in ADDRESS}
    return child | {"metadata": metadata, "spec": spec}


def example_names() -> list[str]:
    """Return the names of all Functions in examples/."""
    documents = [document for file in EXAMPLES for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    return [document["metadata"]["name"] for document in documents if document["kind"] == "Function"]
