"""Every row of docs/changes-by-others.md on the real Metacontroller: result, number of writes, then no write."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from support import drift_rows
from support.cluster.admission import mutating_policy
from support.cluster.control_plane import wait_until
from support.cluster.existing import ExistingCluster
from support.cluster.functions import comparable, create_function, is_ready
from support.cluster.stack import PREFIX, RESOURCES, Stack
from support.drift_rows import SPEC, Row

Manifest = dict[str, Any]

NAMESPACE = "drift"
ADDED_ON_EVERY_WRITE = """
Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{
  containers: [Object.spec.template.spec.containers{name: "function", env: [
    Object.spec.template.spec.containers.env{name: "THEIRS", value: "x"}]}],
  initContainers: [Object.spec.template.spec.initContainers{name: "theirs", image: "example.com/theirs:1"}]
}}}}
"""
ROWS = [row for row in drift_rows.ROWS if row.kind != "GitRepository"]
"""Those whose kinds the cluster has: Flux is not installed; test_git_additions.py has the others."""

pytestmark = pytest.mark.own_stack


@dataclass
class Change:
    """A child before a change, changed, and settled again; the HTTP statuses of Metacontroller's updates of it."""

    before: Manifest
    changed: Manifest
    after: Manifest
    codes: list[int]


@pytest.fixture(scope="module")
def drifting(running: Stack) -> Iterator[Stack]:
    """All components and a namespace for the rows, each of which has its own Function."""
    if isinstance(running.plane, ExistingCluster):
        pytest.skip("counts requests: not on an existing cluster")
    running.plane.kubectl("create", "namespace", NAMESPACE)
    yield running
    running.plane.kubectl("delete", "functions", "--all", "-n", NAMESPACE, "--wait=false")
    running.plane.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="module")
def changes(drifting: Stack) -> dict[str, Change]:
    """Make the change of every row, wait until Metacontroller writes nothing more, and return the results by row."""
    names = named_rows()
    for name, spec in {name: row.spec for name, row in names}.items():
        create_function(drifting, NAMESPACE, name, **spec)
    wait_until(lambda: all_ready(drifting), "every Function to be ready", 120)
    time.sleep(2)
    mark = drifting.plane.mark()
    pairs = [wait_until(partial(replace_child, drifting, name, row), row.line()) for name, row in names]
    wait_until(lambda: is_quiet(drifting), "Metacontroller to write nothing more", 60)
    codes: dict[str, list[int]] = {}
    for event, what in drifting.plane.events(mark):
        if event["verb"] == "update":
            codes.setdefault(what, []).append(event["responseStatus"]["code"])
    return {
        row.line(): Change(
            before=before,
            changed=changed,
            after=child_of(drifting, name, row.kind),
            codes=codes.get(f"{RESOURCES[row.kind]} {NAMESPACE}/{name}", []),
        )
        for (name, row), (before, changed) in zip(names, pairs, strict=True)
    }


def named_rows() -> list[tuple[str, Row]]:
    """Return each row with the name of its Function; rows of different kinds share one."""
    counts: dict[tuple[str, bool], int] = {}
    named = []
    for row in ROWS:
        scaled = "scaleConfig" in row.spec
        number = counts[row.kind, scaled] = counts.get((row.kind, scaled), 0) + 1
        named.append((f"{'scaled' if scaled else 'plain'}-{number}", row))
    return named


def replace_child(stack: Stack, name: str, row: Row) -> tuple[Manifest, Manifest] | None:
    """Replace the child by the changed one; return both, None after a conflict."""
    before = child_of(stack, name, row.kind)
    path = f"{PREFIX[RESOURCES[row.kind]]}/namespaces/{NAMESPACE}/{RESOURCES[row.kind]}/{name}"
    code, changed = stack.plane.call("PUT", path, row.changed(before))
    assert code in (200, 409), changed
    return (before, changed) if code == 200 else None


def child_of(stack: Stack, name: str, kind: str) -> Manifest:
    return stack.get(RESOURCES[kind], NAMESPACE, name) or {}


def all_ready(stack: Stack) -> bool:
    stack.make_pods_ready(NAMESPACE)
    return all(is_ready(function) for function in stack.list("functions", NAMESPACE))


def is_quiet(stack: Stack, seconds: int = 2) -> bool:
    """Return whether every Function is ready and Metacontroller writes nothing for `seconds`."""
    mark = stack.plane.mark()
    ready = all_ready(stack)
    time.sleep(seconds)
    return ready and not writes(stack, mark)


def writes(stack: Stack, mark: int) -> dict[str, int]:
    return {what: number for what, number in stack.plane.writes(mark).items() if f" {NAMESPACE}/" in what}


def unordered(child: Manifest) -> Manifest:
    """Return the child as comparable() does, with its variables sorted: merging keeps the observed order."""
    child = comparable(child)
    if child["kind"] == "Deployment":
        for container in child["spec"]["template"]["spec"]["containers"]:
            container["env"] = sorted(container.get("env", []), key=lambda entry: str(entry["name"]))
    return child


@pytest.mark.parametrize("row", ROWS, ids=Row.line)
def test_row(changes: dict[str, Change], row: Row) -> None:
    """The change has the outcome and number of writes of its row, no write fails, and the object keeps its UID."""
    change = changes[row.line()]
    assert [code for code in change.codes if code != 409] == [200] * row.writes, "409 is a conflict with another writer"
    assert change.after["metadata"]["uid"] == change.before["metadata"]["uid"]
    if "clusterIP" in change.changed.get("spec", {}):
        assert change.after["spec"]["clusterIP"] == change.before["spec"]["clusterIP"]
    match row.outcome:
        case "restored" | "removed":
            assert unordered(change.after) == unordered(change.before)
        case "joined":
            assert unordered(change.after) not in (unordered(change.before), unordered(change.changed))
        case "echoed":
            assert change.after["spec"] == change.changed["spec"]
        case "kept":
            assert unordered(change.after) == unordered(change.changed)


def test_then_nothing_is_written(drifting: Stack, changes: dict[str, Change], request: pytest.FixtureRequest) -> None:
    """After all rows Metacontroller writes nothing in 5 s of resyncs every second."""
    drifting.install(resync_seconds=1)
    request.addfinalizer(drifting.install)
    time.sleep(2)
    mark = drifting.plane.mark()
    time.sleep(5)
    assert writes(drifting, mark) == {}
    assert drifting.plane.events(mark), "without resyncs silence proves nothing"


def test_a_selector_is_restored_within_a_second(drifting: Stack) -> None:
    """A Service whose selector was changed selects the pods again within a second."""
    create_function(drifting, NAMESPACE, "quick", **SPEC)
    wait_until(lambda: all_ready(drifting), "ready", 60)
    before = child_of(drifting, "quick", "Service")
    drifting.patch("services", NAMESPACE, "quick", {"spec": {"selector": {"theirs": "x"}}})
    begin = time.monotonic()
    wait_until(lambda: child_of(drifting, "quick", "Service")["spec"] == before["spec"], "the selector", interval=0.01)
    took = time.monotonic() - begin
    print(f"a foreign selector key was removed after {took:.2f} s")
    assert took < 1


def test_additions_of_a_policy_engine_stay(drifting: Stack) -> None:
    """What an admission policy adds to a pod template on every write stays, and causes no write at rest."""
    with mutating_policy(drifting.plane, "mutated", ADDED_ON_EVERY_WRITE):
        create_function(drifting, NAMESPACE, "mutated", **SPEC)
        wait_until(lambda: is_quiet(drifting), "silence", 60)
        pod = child_of(drifting, "mutated", "Deployment")["spec"]["template"]["spec"]
        assert "theirs" in [container["name"] for container in pod["initContainers"]], "the policy was not enforced"
        drifting.patch("functions", NAMESPACE, "mutated", {"spec": {"replicas": 2}})
        wait_until(lambda: is_quiet(drifting), "silence after an edit", 60)
        assert child_of(drifting, "mutated", "Deployment")["spec"]["replicas"] == 2
