"""An edited Function gets the variables of a new one with the same spec, with Metacontroller's own merge."""

from typing import Any

import pytest
from support import kubelet
from support.cluster.control_plane import wait_until
from support.cluster.functions import create_function, edit_function, wait_until_ready
from support.cluster.stack import Stack

Manifest = dict[str, Any]


def literal(**values: str) -> list[Manifest]:
    return [{"name": name, "value": value} for name, value in values.items()]


TOKEN = {"name": "TOKEN", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
EDITS: dict[str, tuple[list[Manifest], list[Manifest]]] = {
    "added": (literal(URL="http://$(HOST)/"), literal(HOST="h", URL="http://$(HOST)/")),
    "renamed": (literal(HOST="h", URL="http://$(HOST)/"), literal(SERVER="h", URL="http://$(SERVER)/")),
    "swapped": (literal(A="$(B)", B="b"), literal(B="b", A="$(B)")),
    "of a secret": (literal(URL="http://$(TOKEN)@h/"), [TOKEN, *literal(URL="http://$(TOKEN)@h/")]),
    "overrides ours": (literal(A="$(FUNC_NAME)"), literal(FUNC_NAME="mine", A="$(FUNC_NAME)")),
    "one after another": (literal(C="$(B)"), literal(A="a", B="$(A)", C="$(B)")),
}


def deployment(stack: Stack, namespace: str, name: str) -> Manifest:
    found: Manifest = (stack.get("deployments", namespace, name) or {}).get("spec", {})
    return found


def variables(stack: Stack, namespace: str, name: str) -> dict[str, str]:
    """Return the live Deployment's variables as the kubelet expands them; one with valueFrom is "it"."""
    (container,) = deployment(stack, namespace, name)["template"]["spec"]["containers"]
    literals = [
        entry if "valueFrom" not in entry else {"name": entry["name"], "value": "it"} for entry in container["env"]
    ]
    return kubelet.environment(literals)


@pytest.mark.parametrize(("before", "after"), EDITS.values(), ids=EDITS)
def test_references_work_whatever_the_order_was(
    stack: Stack, namespace: str, before: list[Manifest], after: list[Manifest]
) -> None:
    """The variables are those of a new Function, one ReplicaSet is added, and the Deployment is not left paused."""
    create_function(stack, namespace, "edited", env=before)
    create_function(stack, namespace, "fresh", env=after)
    for name in ("edited", "fresh"):
        wait_until_ready(stack, namespace, name)
    edit_function(stack, namespace, "edited", env=after)
    fresh = without_own_name(stack, namespace, "fresh")
    wait_until(lambda: without_own_name(stack, namespace, "edited") == fresh, "the order of a new Function")
    wait_until(lambda: not deployment(stack, namespace, "edited").get("paused"), "the Deployment to be unpaused")
    wait_until_ready(stack, namespace, "edited")
    sets = [each for each in stack.list("replicasets", namespace) if each["metadata"]["name"].startswith("edited-")]
    assert len(sets) == 2  # one for each spec, none for the steps between them


def without_own_name(stack: Stack, namespace: str, name: str) -> dict[str, str]:
    """Return the variables with NAME in place of the Function's name."""
    found = variables(stack, namespace, name)
    return {key: value.replace(name, "NAME") for key, value in found.items()}
