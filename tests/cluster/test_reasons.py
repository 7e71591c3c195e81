"""Children that cannot be created or updated on a real API server, and how a user finds the cause."""

import json
import shlex
from datetime import timedelta
from typing import Any

import pytest
from support.cluster.admission import forbid_variable
from support.cluster.control_plane import wait_until
from support.cluster.functions import create_function, wait_until_ready
from support.cluster.pages import Shell, commands
from support.cluster.stack import Stack

from hooks.manifest import as_time
from hooks.records import LAST_APPLIED
from hooks.resources import Resources
from hooks.status.pods import explain_pods
from hooks.status.stopped_steps import STOPPED_POD_GRACE

Manifest = dict[str, Any]


def stalled(stack: Stack, namespace: str, reason: str) -> str:
    """Wait until the Function is stalled for this reason; return the message."""
    condition = wait_until(lambda: stack.condition(namespace, "hello", "Stalled"), "Stalled", 60)
    assert condition["reason"] == reason
    return str(condition["message"])


def sync_errors(stack: Stack, namespace: str) -> list[str]:
    """Return the messages of Metacontroller's SyncError events on Functions."""
    found = json.loads(stack.plane.kubectl("get", "events", "-n", namespace, "-o", "json"))["items"]
    ours = [event for event in found if event["involvedObject"]["kind"] == "Function"]
    return [event["message"] for event in ours if event["reason"] == "SyncError"]


def write_record(stack: Stack, namespace: str, resource: str, text: str) -> None:
    stack.patch(resource, namespace, "hello", {"metadata": {"annotations": {LAST_APPLIED: text}}})


def diagnosis(stack: Stack, namespace: str, kind: str) -> tuple[str, str]:
    """Run the two commands of docs/status.md for a child of this kind; return their outputs."""
    (block,) = commands("status.md", "A child that is not created")
    here = block.replace("NAME", "hello").replace("service", kind).replace("kubectl get", f"kubectl get -n {namespace}")
    child, events = here.strip().splitlines()
    shell = Shell(stack.plane, {})
    return shell.run(f"{child} --ignore-not-found"), shell.run(events)


def test_a_taken_name_leaves_no_event(stack: Stack, namespace: str) -> None:
    """Metacontroller takes a conflict for success: it writes no event, and the foreign object is found by its name."""
    stack.plane.kubectl("create", "service", "clusterip", "hello", "--tcp=99:99", "-n", namespace)
    create_function(stack, namespace)
    assert "Service hello: not created" in stalled(stack, namespace, "ChildrenNotCreated")
    child, events = diagnosis(stack, namespace, "service")
    assert (child.strip(), events.strip()) == ("", f"No resources found in {namespace} namespace.")
    assert stack.get("services", namespace, "hello")
    stack.plane.kubectl("delete", "service", "hello", "-n", namespace)
    wait_until_ready(stack, namespace, seconds=60)


def test_a_refusal_leaves_an_event(stack: Stack, namespace: str) -> None:
    """A child that the API server refuses does not exist, and an event on the Function has the API server's message."""
    forbid_variable(stack, namespace, "A")
    create_function(stack, namespace, env=[{"name": "A", "value": "x"}])
    assert "Deployment hello: not created" in stalled(stack, namespace, "ChildrenNotCreated")
    assert "A is forbidden" in wait_until(lambda: sync_errors(stack, namespace), "the event")[0]
    child, events = diagnosis(stack, namespace, "deployment")
    assert (child, "A is forbidden" in events) == ("", True)
    assert stack.get("deployments", namespace, "hello") is None


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "1"])
@pytest.mark.parametrize("resource", ["services", "deployments"])
def test_an_unreadable_record_is_reported(stack: Stack, namespace: str, resource: str, text: str) -> None:
    """Metacontroller cannot update a child with such a record; the command in the message repairs it."""
    create_function(stack, namespace)
    wait_until_ready(stack, namespace, seconds=60)
    write_record(stack, namespace, resource, text)
    message = stalled(stack, namespace, "RecordUnreadable")
    assert "unmarshal" in wait_until(lambda: sync_errors(stack, namespace), "the event")[0]
    command = message.partition("Remove it: kubectl ")[2]
    stack.plane.kubectl(*shlex.split(command), "-n", namespace)
    wait_until_ready(stack, namespace, seconds=60)
    repaired = (stack.get(resource, namespace, "hello") or {})["metadata"]["annotations"][LAST_APPLIED]
    assert json.loads(repaired)["metadata"]["name"] == "hello"


@pytest.mark.parametrize("text", ["", "null", "{}", '{"spec": []}', '{"metadata": "x", "spec": {"ports": {}}}'])
def test_other_records_are_overwritten(stack: Stack, namespace: str, text: str) -> None:
    """Metacontroller overwrites an empty record or any JSON object without an error, so nothing is reported."""
    create_function(stack, namespace)
    wait_until_ready(stack, namespace, seconds=60)
    write_record(stack, namespace, "services", text)
    wait_until(lambda: '"name":"hello"' in record_of(stack, namespace), "a new record")
    assert sync_errors(stack, namespace) == []
    wait_until_ready(stack, namespace, seconds=60)


def record_of(stack: Stack, namespace: str) -> str:
    return str((stack.get("services", namespace, "hello") or {})["metadata"]["annotations"][LAST_APPLIED])


def test_gates_are_read_as_the_api_server_writes_them(stack: Stack, namespace: str) -> None:
    """A scheduling gate has no time; it is a cause once the pod is older than the grace period."""
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    closed = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "function", "image": "example.com/a:1", "securityContext": closed}
    gates = {"schedulingGates": [{"name": "example.com/later"}]}
    pod: Manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "gated"}}
    pod |= {"spec": {"containers": [container], "securityContext": security} | gates}
    stack.plane.kubectl("create", "-n", namespace, "-f", "-", stdin=pod)
    live = next(each for each in stack.list("pods", namespace) if each["metadata"]["name"] == "gated")
    made = as_time(live["metadata"]["creationTimestamp"])
    assert made is not None
    nothing = Resources(profile="XS", requests={}, limits={})
    assert explain_pods([live], nothing, made + timedelta(seconds=1)).seconds == 4
    late = explain_pods([live], nothing, made + STOPPED_POD_GRACE).cause
    assert late is not None
    assert (late.reason, late.message.endswith(": example.com/later")) == ("SchedulingGated", True)
