"""An edit ends where a fresh install of the same spec begins, with the real merge of Metacontroller."""

from typing import Any

import pytest
from support import kubelet
from support.cluster.control_plane import wait_until
from support.cluster.stack import Stack
from test_functions import apply, edit, ready

Manifest = dict[str, Any]


def literal(**values: str) -> list[Manifest]:
    return [{"name": name, "value": value} for name, value in values.items()]


TOKEN = {"name": "TOKEN", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
EDITS: dict[str, tuple[list[Manifest], list[Manifest]]] = {
    "added": (literal(URL="http://$(HOST)/"), literal(HOST="h", URL="http://$(HOST)/")),
    "renamed": (literal(HOST="h", URL="http://$(HOST)/"), literal(SERVER="h", URL="http://$(SERVER)/")),
    "swapped": (literal(A="$(B)", B="b"), literal(B="b", A="$(B)")),
    "of a secret": (literal(URL="http://$(TOKEN)@h/"), [TOKEN, *literal(URL="http://$(TOKEN)@h/")]),
    "over ours": (literal(A="$(FUNC_NAME)"), literal(FUNC_NAME="mine", A="$(FUNC_NAME)")),
    "one after another": (literal(C="$(B)"), literal(A="a", B="$(A)", C="$(B)")),
}


def deployment(stack: Stack, namespace: str, name: str) -> Manifest:
    found: Manifest = (stack.get("deployments", namespace, name) or {}).get("spec", {})
    return found


def variables(stack: Stack, namespace: str, name: str) -> dict[str, str]:
    """Return what the kubelet makes of a live container's variables; one from elsewhere has its own name as value."""
    (container,) = deployment(stack, namespace, name)["template"]["spec"]["containers"]
    literals = [
        entry if "valueFrom" not in entry else {"name": entry["name"], "value": "it"} for entry in container["env"]
    ]
    return kubelet.environment(literals)


@pytest.mark.parametrize(("before", "after"), EDITS.values(), ids=EDITS)
def test_references_work_whatever_the_order_was(
    stack: Stack, namespace: str, before: list[Manifest], after: list[Manifest]
) -> None:
    """The variables are those of a Function made anew, no pod ran with others, and the rollout goes on by itself."""
    apply(stack, namespace, "edited", env=before)
    apply(stack, namespace, "fresh", env=after)
    for name in ("edited", "fresh"):
        ready(stack, namespace, name)
    edit(stack, namespace, "edited", env=after)
    wait_until(lambda: mine(stack, namespace, "edited") == mine(stack, namespace, "fresh"), "the order to come about")
    wait_until(lambda: not deployment(stack, namespace, "edited").get("paused"), "the Deployment to go on")
    ready(stack, namespace, "edited")
    sets = [each for each in stack.list("replicasets", namespace) if each["metadata"]["name"].startswith("edited-")]
    assert len(sets) == 2  # one for each spec, and none for what stood in between


def mine(stack: Stack, namespace: str, name: str) -> dict[str, str]:
    """Return the variables but for the Function's own name."""
    found = variables(stack, namespace, name)
    return {key: value.replace(name, "NAME") for key, value in found.items()}
