"""What keeps a child from being created or updated, on the real thing, and how a user finds out."""

import json
import shlex
from datetime import timedelta
from typing import Any

import pytest
from support.cluster.control_plane import wait_until
from support.cluster.pages import Shell, commands
from support.cluster.stack import GROUP, Stack

from hooks.manifest import as_time
from hooks.records import LAST_APPLIED
from hooks.resources import Resources
from hooks.status.pods import explain_pods
from hooks.status.stopped_steps import STOPPED_POD_GRACE

Manifest = dict[str, Any]


def create(stack: Stack, namespace: str, **spec: Any) -> None:
    source = {"inline": {"source": "def main(event, context):\n    return 'hi'\n"}}
    body: Manifest = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function"}
    body |= {"metadata": {"name": "hello"}, "spec": {"runtime": "python312", "source": source} | spec}
    code, answer = stack.plane.call("POST", f"{GROUP}/namespaces/{namespace}/functions", body)
    assert code == 201, answer


def ready(stack: Stack, namespace: str) -> None:
    wait_until(lambda: stack.is_ready(namespace, "hello"), "hello to be ready", 60)


def stalled(stack: Stack, namespace: str, reason: str) -> str:
    """Wait until the Function is stalled for this reason; return the message."""
    said = wait_until(lambda: stack.condition(namespace, "hello", "Stalled"), "Stalled", 60)
    assert said["reason"] == reason
    return str(said["message"])


def sync_errors(stack: Stack, namespace: str) -> list[str]:
    """Return what Metacontroller's events on the Function say."""
    found = json.loads(stack.plane.kubectl("get", "events", "-n", namespace, "-o", "json"))["items"]
    ours = [event for event in found if event["involvedObject"]["kind"] == "Function"]
    return [event["message"] for event in ours if event["reason"] == "SyncError"]


def record(stack: Stack, namespace: str, resource: str, text: str) -> None:
    stack.patch(resource, namespace, "hello", {"metadata": {"annotations": {LAST_APPLIED: text}}})


def found_out(stack: Stack, namespace: str, kind: str) -> tuple[str, str]:
    """Return what the two commands of docs/status.md print about a child of this kind."""
    (block,) = commands("status.md", "A child that is not created")
    here = block.replace("NAME", "hello").replace("service", kind).replace("kubectl get", f"kubectl get -n {namespace}")
    child, events = here.strip().splitlines()
    shell = Shell(stack.plane, {})
    return shell.run(f"{child} --ignore-not-found"), shell.run(events)


def test_a_taken_name_leaves_no_event(stack: Stack, namespace: str) -> None:
    """Metacontroller takes it for success: the object is there to be found, and there is no event."""
    stack.plane.kubectl("create", "service", "clusterip", "hello", "--tcp=99:99", "-n", namespace)
    create(stack, namespace)
    assert "Service hello: not created" in stalled(stack, namespace, "ChildrenNotCreated")
    child, events = found_out(stack, namespace, "service")
    assert (child.strip(), events.strip()) == ("", f"No resources found in {namespace} namespace.")
    assert stack.get("services", namespace, "hello")
    stack.plane.kubectl("delete", "service", "hello", "-n", namespace)
    ready(stack, namespace)


def test_a_refusal_leaves_an_event(stack: Stack, namespace: str) -> None:
    """What the API server refuses is not there, and an event on the Function says why."""
    stack.forbid(namespace, "A")
    create(stack, namespace, env=[{"name": "A", "value": "x"}])
    assert "Deployment hello: not created" in stalled(stack, namespace, "ChildrenNotCreated")
    assert "A is forbidden" in wait_until(lambda: sync_errors(stack, namespace), "the event")[0]
    child, events = found_out(stack, namespace, "deployment")
    assert (child, "A is forbidden" in events) == ("", True)
    assert stack.get("deployments", namespace, "hello") is None


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "1"])
@pytest.mark.parametrize("resource", ["services", "deployments"])
def test_a_record_that_is_no_object_is_named(stack: Stack, namespace: str, resource: str, text: str) -> None:
    """Metacontroller cannot update the child any more; the command in the message makes it heal."""
    create(stack, namespace)
    ready(stack, namespace)
    record(stack, namespace, resource, text)
    message = stalled(stack, namespace, "RecordUnreadable")
    assert "unmarshal" in wait_until(lambda: sync_errors(stack, namespace), "the event")[0]
    command = message.partition("Remove it: kubectl ")[2]
    stack.plane.kubectl(*shlex.split(command), "-n", namespace)
    ready(stack, namespace)
    mended = (stack.get(resource, namespace, "hello") or {})["metadata"]["annotations"][LAST_APPLIED]
    assert json.loads(mended)["metadata"]["name"] == "hello"


@pytest.mark.parametrize("text", ["", "null", "{}", '{"spec": []}', '{"metadata": "x", "spec": {"ports": {}}}'])
def test_a_record_of_another_shape_is_repaired(stack: Stack, namespace: str, text: str) -> None:
    """Whatever is a JSON object, or nothing, Metacontroller merges and writes anew: no reason for a word."""
    create(stack, namespace)
    ready(stack, namespace)
    record(stack, namespace, "services", text)
    wait_until(lambda: '"name":"hello"' in repaired(stack, namespace), "a new record")
    assert sync_errors(stack, namespace) == []
    ready(stack, namespace)


def repaired(stack: Stack, namespace: str) -> str:
    return str((stack.get("services", namespace, "hello") or {})["metadata"]["annotations"][LAST_APPLIED])


def test_gates_are_read_as_the_api_server_writes_them(stack: Stack, namespace: str) -> None:
    """A scheduling gate has no time of its own there; once the grace since the pod was made is over it is a cause."""
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
