"""`buildless diff` and a real cluster: a new ReplicaSet appears exactly when it says that pods restart."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from support.cluster.control_plane import wait_until
from support.cluster.stack import GROUP, KINDS, Stack
from support.edited_functions import pair

from hooks.cli import main

Manifest = dict[str, Any]
Difference = Callable[[Manifest], tuple[int, str]]

PAIRS = 40
LABEL = "serverless.kyma-project.io/function-name"
REORDERED: tuple[Manifest, Manifest] = (
    {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}]},
    {"env": [{"name": "B", "value": "$(A)"}, {"name": "A", "value": "1"}]},
)


def edits() -> list[tuple[str, Manifest, Manifest]]:
    """Return a name for each pair of specs."""
    random = Random(1)
    found: list[tuple[str, Manifest, Manifest]] = []
    while len(found) < PAIRS:
        first, second = (each["spec"] for each in pair(random))
        if "inline" in first["source"] and "inline" in second["source"]:
            found.append((f"pair-{len(found)}", first, second))
    least = {"runtime": "nodejs22", "source": {"inline": {"source": "x"}}}
    return [*found, ("reordered", least | REORDERED[0], least | REORDERED[1])]


def function(namespace: str, name: str, spec: Manifest) -> Manifest:
    head = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function"}
    return head | {"metadata": {"name": name, "namespace": namespace}, "spec": spec}


@pytest.fixture
def difference(stack: Stack, namespace: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Difference:
    """Compare the live objects with a Function; return exit code and output."""

    def difference(new: Manifest) -> tuple[int, str]:
        name = new["metadata"]["name"]
        live = [stack.get(kind, namespace, name) for kind in ("functions", *KINDS)]
        items = [each for each in live if each]
        (tmp_path / "live.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        (tmp_path / "new.yaml").write_text(yaml.safe_dump(new))
        capsys.readouterr()
        code = main(["diff", str(tmp_path / "live.json"), str(tmp_path / "new.yaml")])
        return code, "".join(capsys.readouterr())

    return difference


def replica_sets(stack: Stack, namespace: str, name: str) -> set[str]:
    """Return the UIDs of a Function's ReplicaSets, once the controller has seen its Deployment."""

    def observed() -> bool:
        found = stack.get("deployments", namespace, name) or {"metadata": {"generation": 1}}
        generation: int = found["metadata"]["generation"]
        return bool(found.get("status", {}).get("observedGeneration") == generation)

    wait_until(observed, f"the Deployment {name} to be observed")
    sets = stack.list("replicasets", namespace)
    return {each["metadata"]["uid"] for each in sets if each["metadata"]["labels"][LABEL] == name}


@pytest.mark.parametrize(
    ("name", "first", "second"), edits(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_pods_restart_as_the_command_says(
    stack: Stack, namespace: str, difference: Difference, name: str, first: Manifest, second: Manifest
) -> None:
    """The edit makes a new ReplicaSet or none, as predicted, and then nothing differs any more."""
    path = f"{GROUP}/namespaces/{namespace}/functions"
    code, answer = stack.plane.call("POST", path, function(namespace, name, first))
    assert code == 201, answer
    wait_until(lambda: difference(function(namespace, name, first))[0] == 0, f"{name} to have its children")
    before = replica_sets(stack, namespace, name)
    new = function(namespace, name, second)
    code, said = difference(new)
    assert code in (0, 1), said
    wait_until(lambda: replaced(stack, f"{path}/{name}", second), "the edit")
    wait_until(lambda: difference(new) == (0, ""), f"{name} to have what was said: {said}")
    assert bool(replica_sets(stack, namespace, name) - before) == ("restarts pods" in said), said


def replaced(stack: Stack, path: str, spec: Manifest) -> bool:
    """Replace the spec; return whether it has not met another write."""
    live = stack.plane.call("GET", path)[1]
    code, answer = stack.plane.call("PUT", path, live | {"spec": spec})
    assert code in (200, 409), answer
    return code == 200
