"""Every row of docs/drift.md on the real Metacontroller: what becomes of it, in how many writes, then silence."""

import json
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from support.cluster.control_plane import wait_until
from support.cluster.existing import ExistingCluster
from support.cluster.stack import GROUP, PREFIX, RESOURCES, Stack
from support.drift_rows import ROWS, SPEC, Row

from hooks.records import LAST_APPLIED

Manifest = dict[str, Any]

NAMESPACE = "drift"
ADDRESS = {"clusterIP", "clusterIPs"}
COUNTERS = {"resourceVersion", "generation", "managedFields", "creationTimestamp"}
POLICIES = "/apis/admissionregistration.k8s.io/v1"
DEPLOYMENTS_WRITTEN = {
    "apiGroups": ["apps"],
    "apiVersions": ["v1"],
    "operations": ["CREATE", "UPDATE"],
    "resources": ["deployments"],
}
ADDED_ON_EVERY_WRITE = """
Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{
  containers: [Object.spec.template.spec.containers{name: "function", env: [
    Object.spec.template.spec.containers.env{name: "THEIRS", value: "x"}]}],
  initContainers: [Object.spec.template.spec.initContainers{name: "theirs", image: "example.com/theirs:1"}]
}}}}
"""

pytestmark = pytest.mark.own_stack


@dataclass
class Story:
    """A child before somebody changed it, changed, and in the end; the codes of Metacontroller's writes to it."""

    before: Manifest
    changed: Manifest
    after: Manifest
    codes: list[int]


@pytest.fixture(scope="module")
def drifting(running: Stack) -> Iterator[Stack]:
    """The running system with a namespace for all rows, which have Functions of their own but happen together."""
    if isinstance(running.plane, ExistingCluster):
        pytest.skip("counts requests: not on an existing cluster")
    running.plane.kubectl("create", "namespace", NAMESPACE)
    yield running
    running.plane.kubectl("delete", "functions", "--all", "-n", NAMESPACE, "--wait=false")
    running.plane.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="module")
def stories(drifting: Stack) -> dict[str, Story]:
    """Carry out every row, wait until nothing is written any more, and tell what became of each."""
    names = named_rows()
    for name, spec in {name: row.spec for name, row in names}.items():
        create(drifting, name, spec)
    wait_until(lambda: all_ready(drifting), "every Function to be ready", 120)
    time.sleep(2)
    mark = drifting.plane.mark()
    pairs = [wait_until(lambda name=name, row=row: change(drifting, name, row), row.line()) for name, row in names]
    wait_until(lambda: is_quiet(drifting), "Metacontroller to have nothing to do", 60)
    codes: dict[str, list[int]] = {}
    for event, what in drifting.plane.events(mark):
        if event["verb"] == "update":
            codes.setdefault(what, []).append(event["responseStatus"]["code"])
    return {
        row.line(): Story(
            *pair, read(drifting, name, row.kind), codes.get(f"{RESOURCES[row.kind]} {NAMESPACE}/{name}", [])
        )
        for (name, row), pair in zip(names, pairs, strict=True)
    }


def named_rows() -> list[tuple[str, Row]]:
    """Return each row with the name of its Function; rows of different kinds share one."""
    seen: dict[tuple[str, bool], int] = {}
    named = []
    for row in ROWS:
        scaled = "scaleConfig" in row.spec
        number = seen[row.kind, scaled] = seen.get((row.kind, scaled), 0) + 1
        named.append((f"{'scaled' if scaled else 'plain'}-{number}", row))
    return named


def create(stack: Stack, name: str, spec: Manifest) -> None:
    body = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": {"name": name}}
    path = f"{GROUP}/namespaces/{NAMESPACE}/functions"
    code, created = stack.plane.call("POST", path, body | {"spec": spec})
    assert code == 201, created


def change(stack: Stack, name: str, row: Row) -> tuple[Manifest, Manifest] | None:
    """Replace the child by the changed one; return both, None where somebody wrote it in between."""
    before = read(stack, name, row.kind)
    path = f"{PREFIX[RESOURCES[row.kind]]}/namespaces/{NAMESPACE}/{RESOURCES[row.kind]}/{name}"
    code, changed = stack.plane.call("PUT", path, row.changed(before))
    assert code in (200, 409), changed
    return (before, changed) if code == 200 else None


def read(stack: Stack, name: str, kind: str) -> Manifest:
    return stack.get(RESOURCES[kind], NAMESPACE, name) or {}


def all_ready(stack: Stack) -> bool:
    stack.make_pods_ready(NAMESPACE)
    return all(is_ready(function) for function in stack.list("functions", NAMESPACE))


def is_ready(function: Manifest) -> bool:
    conditions = function.get("status", {}).get("conditions", [])
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


def is_quiet(stack: Stack, seconds: int = 2) -> bool:
    """Tell whether every Function is ready and Metacontroller wrote nothing for a while."""
    mark = stack.plane.mark()
    ready = all_ready(stack)
    time.sleep(seconds)
    return ready and not writes(stack, mark)


def writes(stack: Stack, mark: int) -> dict[str, int]:
    return {what: number for what, number in stack.plane.writes(mark).items() if f" {NAMESPACE}/" in what}


def essence(child: Manifest) -> Manifest:
    """A child without its status, its address and what counts its changes; lists by key have no order."""
    child = deepcopy(child)
    child.pop("status", None)
    metadata = {key: value for key, value in child["metadata"].items() if key not in COUNTERS}
    annotations = {key: value for key, value in metadata["annotations"].items() if "revision" not in key}
    annotations[LAST_APPLIED] = json.loads(annotations[LAST_APPLIED])
    spec = {key: value for key, value in child.get("spec", {}).items() if key not in ADDRESS}
    if child["kind"] == "Deployment":
        for container in spec["template"]["spec"]["containers"]:
            container["env"] = sorted(container.get("env", []), key=lambda entry: str(entry["name"]))
    return child | {"metadata": metadata | {"annotations": annotations}, "spec": spec}


@pytest.mark.parametrize("row", ROWS, ids=Row.line)
def test_row(stories: dict[str, Story], row: Row) -> None:
    """The change is undone or kept in as many writes as the table says, none is refused, the object is the same."""
    story = stories[row.line()]
    assert [code for code in story.codes if code != 409] == [200] * row.writes, "409: somebody else was faster"
    assert story.after["metadata"]["uid"] == story.before["metadata"]["uid"]
    if ADDRESS & set(story.changed.get("spec", {})):
        assert story.after["spec"]["clusterIP"] == story.before["spec"]["clusterIP"]
    match row.outcome:
        case "healed" | "removed":
            assert essence(story.after) == essence(story.before)
        case "joined":
            assert essence(story.after) not in (essence(story.before), essence(story.changed))
        case "echoed":
            assert story.after["spec"] == story.changed["spec"]
        case "kept":
            assert essence(story.after) == essence(story.changed)


def test_then_nothing_is_written(drifting: Stack, stories: dict[str, Story], request: pytest.FixtureRequest) -> None:
    """After all rows, 0 writes in 5 s of resyncs every second."""
    drifting.install(resync_seconds=1)
    request.addfinalizer(drifting.install)
    time.sleep(2)
    mark = drifting.plane.mark()
    time.sleep(5)
    assert writes(drifting, mark) == {}
    assert drifting.plane.events(mark), "the resyncs did not happen, so silence says nothing"


def test_the_address_is_back_at_once(drifting: Stack) -> None:
    """A Service that selects nothing selects the pods again within a second."""
    create(drifting, "quick", SPEC)
    wait_until(lambda: all_ready(drifting), "ready", 60)
    before = read(drifting, "quick", "Service")
    drifting.patch("services", NAMESPACE, "quick", {"spec": {"selector": {"theirs": "x"}}})
    begin = time.monotonic()
    wait_until(lambda: read(drifting, "quick", "Service")["spec"] == before["spec"], "the selector", interval=0.01)
    took = time.monotonic() - begin
    print(f"a foreign selector key was gone after {took:.2f} s")
    assert took < 1


def test_additions_of_a_policy_engine_stay(drifting: Stack, request: pytest.FixtureRequest) -> None:
    """What an admission policy adds to a pod template on every write stays, without a write at rest."""
    policy: Manifest = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": "theirs"},
        "spec": {
            "reinvocationPolicy": "Never",
            "matchConstraints": {"resourceRules": [DEPLOYMENTS_WRITTEN]},
            "matchConditions": [{"name": "one", "expression": "object.metadata.name == 'mutated'"}],
            "mutations": [
                {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": ADDED_ON_EVERY_WRITE}}
            ],
        },
    }
    binding = policy | {"kind": "MutatingAdmissionPolicyBinding", "spec": {"policyName": "theirs"}}
    for resource, body in (("policies", policy), ("policybindings", binding)):
        path = f"{POLICIES}/mutatingadmission{resource}"
        request.addfinalizer(removal(drifting, f"{path}/theirs"))
        code, answer = drifting.plane.call("POST", path, body)
        assert code == 201, answer
    time.sleep(2)
    create(drifting, "mutated", SPEC)
    wait_until(lambda: is_quiet(drifting), "silence", 60)
    pod = read(drifting, "mutated", "Deployment")["spec"]["template"]["spec"]
    assert "theirs" in [container["name"] for container in pod["initContainers"]], "the policy was not at work"
    drifting.patch("functions", NAMESPACE, "mutated", {"spec": {"replicas": 2}})
    wait_until(lambda: is_quiet(drifting), "silence after an edit", 60)
    assert read(drifting, "mutated", "Deployment")["spec"]["replicas"] == 2


def removal(stack: Stack, path: str) -> Callable[[], object]:
    return lambda: stack.plane.call("DELETE", path)
