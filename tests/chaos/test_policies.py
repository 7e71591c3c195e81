"""A webhook or policy adds a field on every write that the hook removes otherwise: that ends, and is reported."""

import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from support.cluster.admission import mutating_policy
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.functions import create_function, edit_function, is_ready
from support.cluster.stack import RESOURCES, Stack
from support.drift_rows import ROWS, Row
from support.faults.chaos import Chaos
from support.faults.mutating_webhook import MutatingWebhook

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
NAMESPACE = "policies"
WITHOUT_RESULT = ("number and name changed", "`ExternalName`")
"""The first would find its port no more if it met the Service again, the second gives it another address each time."""
REMOVED = [
    row for row in ROWS if row.outcome == "removed" and row.kind != "GitRepository" and row.what not in WITHOUT_RESULT
]
RESTORED = [
    row
    for row in ROWS
    if row.outcome == "restored" and row.kind in ("Service", "Deployment") and row.field != "metadata.ownerReferences"
]
NAMES = {row.line(): f"{row.kind.lower()}-{number}" for number, row in enumerate(REMOVED + RESTORED)}
QUIET_SECONDS = 4


@pytest.fixture(scope="module")
def webhook(components: Chaos) -> Iterator[MutatingWebhook]:
    """A webhook that makes the change of each row on every write of the row's child, but is not installed."""
    made = MutatingWebhook(components.plane.directory)
    made.changes |= {(row.kind, NAMES[row.line()]): row.changed for row in REMOVED + RESTORED}
    yield made
    made.close()


@pytest.fixture(scope="module")
def stack(components: Chaos) -> Iterator[Stack]:
    """All components and the namespace of the rows, each of which has its own Function; all are ready."""
    stack = components.stack
    stack.plane.kubectl("create", "namespace", NAMESPACE)
    for row in REMOVED + RESTORED:
        create_function(stack, NAMESPACE, NAMES[row.line()], **row.spec)
    wait_until(lambda: all(map(is_ready, functions(stack))), "every Function to be ready", 240)
    yield stack
    stack.plane.kubectl("delete", "functions", "--all", "-n", NAMESPACE, "--wait=false")
    stack.plane.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def functions(stack: Stack) -> list[Manifest]:
    stack.make_pods_ready(NAMESPACE)
    return stack.list("functions", NAMESPACE)


def updates(stack: Stack, mark: int) -> dict[str, int]:
    """Return Metacontroller's stored updates of children since then."""
    found: dict[str, int] = {}
    for event, what in stack.plane.events(mark):
        is_child = f" {NAMESPACE}/" in what and not what.startswith("functions")
        if event["verb"] == "update" and event["responseStatus"]["code"] == 200 and is_child:
            found[what] = found.get(what, 0) + 1
    return found


def is_quiet(stack: Stack) -> bool:
    mark = stack.plane.mark()
    functions(stack)
    time.sleep(QUIET_SECONDS)
    return updates(stack, mark) == {}


def install(stack: Stack, configuration: Manifest, resource: str) -> Callable[[], object]:
    """Create an admission configuration; return the function that deletes it."""
    path = f"{ADMISSION}/{resource}"
    code, answer = stack.plane.call("POST", path, configuration)
    assert code == 201, answer
    time.sleep(2)  # until the API server has seen it
    return partial(stack.plane.call, "DELETE", f"{path}/{configuration['metadata']['name']}")


def child(stack: Stack, row: Row) -> Manifest:
    return stack.get(RESOURCES[row.kind], NAMESPACE, NAMES[row.line()]) or {}


def specs(stack: Stack) -> dict[str, Manifest]:
    """Return the spec of each row's child, without the label of edits."""
    found = {row.line(): child(stack, row)["spec"] for row in REMOVED}
    for spec in found.values():
        spec.get("template", {}).get("metadata", {}).get("labels", {}).pop("edited", None)
    return found


def check_edits(stack: Stack, label: str, most: int) -> None:
    """Edit every Function; fail if a child is updated more than so many times until nothing is written."""
    mark = stack.plane.mark()
    for row in REMOVED:
        edit_function(stack, NAMESPACE, NAMES[row.line()], labels={"edited": label})
    wait_until(lambda: is_quiet(stack), "Metacontroller to write nothing", 180)
    assert {what: number for what, number in updates(stack, mark).items() if number > most} == {}


def touch(stack: Stack, rows: list[Row]) -> None:
    """Label the child of each row, so that the webhook changes it."""
    for row in rows:
        patch = {"metadata": {"labels": {"touched": "x"}}}
        stack.patch(RESOURCES[row.kind], NAMESPACE, NAMES[row.line()], patch)


def is_reported(each: Manifest) -> bool:
    return "AddedByPolicy" in [condition["reason"] for condition in each["status"]["conditions"]]


def test_policies_prevail(stack: Stack, webhook: MutatingWebhook) -> None:
    """
    Every row: the field stays after at most one update of the child, the status has it, and nothing more is written.

    An edit of the Function costs an update or two more than it does alone. Once the webhook is gone, an edit removes
    every field.
    """
    before = specs(stack)
    remove = install(stack, webhook.configuration("theirs", NAMESPACE), "mutatingwebhookconfigurations")
    mark = stack.plane.mark()
    touch(stack, REMOVED)
    wait_until(lambda: is_quiet(stack), "Metacontroller to write nothing", 180)
    assert {what: number for what, number in updates(stack, mark).items() if number > 1} == {}
    after = specs(stack)
    assert [line for line in before if after[line] == before[line]] == [], "the webhook was not called"
    reported = {each["metadata"]["name"] for each in functions(stack) if is_reported(each)}
    assert [row.line() for row in REMOVED if NAMES[row.line()] not in reported and "minReady" not in row.field] == []
    check_edits(stack, "first", most=4)
    remove()
    time.sleep(1)
    check_edits(stack, "second", most=2)
    assert [line for line, spec in specs(stack).items() if spec != before[line]] == []


def test_policies_that_change_fields_of_the_hook(stack: Stack, webhook: MutatingWebhook) -> None:
    """What Metacontroller restores is changed again by the same write: the API server stores nothing, and that ends."""
    remove = install(stack, webhook.configuration("theirs", NAMESPACE), "mutatingwebhookconfigurations")
    mark = stack.plane.mark()
    touch(stack, RESTORED)
    wait_until(lambda: is_quiet(stack), "Metacontroller to write nothing", 180)
    print(f"updates of {len(RESTORED)} children: {updates(stack, mark)}")
    remove()
    time.sleep(1)
    touched = {"metadata": {"labels": {"touched": None}}}
    for row in RESTORED:
        stack.patch(RESOURCES[row.kind], NAMESPACE, NAMES[row.line()], touched)
    wait_until(lambda: is_quiet(stack), "Metacontroller to write nothing", 180)
    wait_until(lambda: all(map(is_ready, functions(stack))), "every Function to be ready", 240)


def test_a_mutating_admission_policy(stack: Stack) -> None:
    """The same holds for a policy inside the API server, from the first write of the Function on."""
    template = "Object.spec.template{spec: Object.spec.template.spec{hostPID: true}}"
    expression = f"Object{{spec: Object.spec{{template: {template}}}}}"
    with mutating_policy(stack.plane, "new", expression):
        mark = stack.plane.mark()
        create_function(stack, NAMESPACE, "new")
        wait_until(lambda: any(map(is_reported, functions(stack))), "the reason in the status", 180)
        wait_until(lambda: is_quiet(stack), "Metacontroller to write nothing", 180)
        assert updates(stack, mark).get(f"deployments {NAMESPACE}/new", 0) <= 2
        assert (stack.get("deployments", NAMESPACE, "new") or {})["spec"]["template"]["spec"]["hostPID"]
