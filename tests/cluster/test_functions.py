"""The behaviour that users rely on, with a real API server and a real Metacontroller."""

import time
from typing import Any

import pytest
from support.cluster.control_plane import wait_until
from support.cluster.functions import AUTOSCALED, create_function, edit_function, replicas, wait_until_ready
from support.cluster.stack import KINDS, Stack

from hooks.records import LAST_APPLIED
from hooks.rules.size import OTHER_BYTES, SOURCE_BYTES

Manifest = dict[str, Any]


def source_of(stack: Stack, namespace: str) -> str:
    deployment = stack.get("deployments", namespace, "hello") or {}
    env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    return str(next(entry["value"] for entry in env if entry["name"] == "FUNC_HANDLER_SOURCE"))


def test_children_are_created_and_owned(stack: Stack, namespace: str) -> None:
    """An autoscaled Function gets four children with its name, each with the Function as controller."""
    uid = create_function(stack, namespace, **AUTOSCALED)["metadata"]["uid"]
    children = wait_until(
        lambda: all(found := [stack.get(kind, namespace, "hello") for kind in KINDS]) and found, "four children"
    )
    for child in children:
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == (uid, True)
    wait_until_ready(stack, namespace)


def test_an_edit_reaches_the_deployment(stack: Stack, namespace: str) -> None:
    """An edited source reaches the Deployment, and the Function is ready again only after that."""
    create_function(stack, namespace)
    wait_until_ready(stack, namespace)
    edit_function(stack, namespace, source={"inline": {"source": "def main(e, c): return '$(HOME) $$'\n"}})
    wait_until(lambda: "$$(HOME) $$$$" in source_of(stack, namespace), "the new source")
    wait_until_ready(stack, namespace)
    assert stack.condition(namespace, "hello", "Ready")["observedGeneration"] == 2


def test_the_largest_function_fits(stack: Stack, namespace: str) -> None:
    """Metacontroller can still record the largest Function of the size rules in an annotation."""
    source = {"inline": {"source": "<" * (SOURCE_BYTES // 6 - 2)}}
    create_function(stack, namespace, source=source, annotations={"example.com/large": "&" * (OTHER_BYTES // 6 - 20)})
    wait_until_ready(stack, namespace)
    record = (stack.get("deployments", namespace, "hello") or {})["metadata"]["annotations"][LAST_APPLIED]
    assert len(record) > SOURCE_BYTES + OTHER_BYTES - 200


def test_an_invalid_edit_changes_no_child(stack: Stack, namespace: str) -> None:
    """An invalid edit changes the status only; once the Function is valid again it is applied."""
    create_function(stack, namespace, **AUTOSCALED)
    wait_until_ready(stack, namespace)
    time.sleep(2)
    before = stack.versions(namespace, "hello")
    edit_function(stack, namespace, resourceConfiguration={"function": {"profile": "HUGE"}})
    stalled = wait_until(lambda: stack.condition(namespace, "hello", "Stalled"), "Stalled")
    assert 'spec.resourceConfiguration.function.profile: Unsupported value: "HUGE"' in stalled["message"]
    time.sleep(3)
    assert stack.versions(namespace, "hello") == before
    edit_function(stack, namespace, resourceConfiguration={"function": {"profile": "XS"}})
    wait_until(lambda: not stack.condition(namespace, "hello", "Stalled"), "Stalled to be removed")
    wait_until_ready(stack, namespace)
    deployment = stack.get("deployments", namespace, "hello") or {}
    assert deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] == "150m"


def test_replicas_never_pass_through_one(stack: Stack, namespace: str) -> None:
    """An autoscaler that is added to three replicas leaves three in every version of the Deployment."""
    create_function(stack, namespace, replicas=3)
    wait_until_ready(stack, namespace)
    seen: set[int] = set()
    edit_function(stack, namespace, scaleConfig={"minReplicas": 1, "maxReplicas": 5})
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        seen.add(replicas(stack, namespace))
    assert stack.get("horizontalpodautoscalers", namespace, "hello")
    assert seen == {3}


@pytest.mark.parametrize(
    "spec", [{}, {"resourceConfiguration": {"function": {"profile": "HUGE"}}}], ids=["valid", "frozen"]
)
def test_the_autoscaler_s_replicas_stay(stack: Stack, namespace: str, spec: Manifest) -> None:
    """Replicas that the autoscaler sets stay, whether the Function is valid or frozen."""
    create_function(stack, namespace, **AUTOSCALED)
    wait_until_ready(stack, namespace)
    if spec:
        edit_function(stack, namespace, **spec)
        wait_until(lambda: stack.condition(namespace, "hello", "Stalled"), "Stalled")
    for wanted in (4, 3):
        stack.patch("deployments", namespace, "hello", {"spec": {"replicas": wanted}})
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            assert replicas(stack, namespace) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_a_deleted_child_is_created_again(stack: Stack, namespace: str, kind: str) -> None:
    """A deleted child of any kind is created again."""
    create_function(stack, namespace, **AUTOSCALED)
    wait_until_ready(stack, namespace)
    old = (stack.get(kind, namespace, "hello") or {})["metadata"]["uid"]
    stack.plane.kubectl("delete", kind, "hello", "-n", namespace, "--wait=false")
    wait_until(lambda: (stack.get(kind, namespace, "hello") or {})["metadata"]["uid"] != old, f"a new {kind}")
    wait_until_ready(stack, namespace)


def test_a_changed_child_is_restored(stack: Stack, namespace: str) -> None:
    """A changed field that we own is restored; an added field stays."""
    create_function(stack, namespace)
    wait_until_ready(stack, namespace)
    stack.patch("services", namespace, "hello", {"metadata": {"labels": {"theirs": "x"}}, "spec": {"type": "NodePort"}})
    stack.patch("deployments", namespace, "hello", {"spec": {"replicas": 4, "revisionHistoryLimit": 9}})
    wait_until(lambda: replicas(stack, namespace) == 1, "one replica")
    wait_until(lambda: (stack.get("services", namespace, "hello") or {})["spec"]["type"] == "ClusterIP", "ClusterIP")
    assert (stack.get("services", namespace, "hello") or {})["metadata"]["labels"]["theirs"] == "x"
    assert (stack.get("deployments", namespace, "hello") or {})["spec"]["revisionHistoryLimit"] == 2


def test_rollout_restart_works(stack: Stack, namespace: str) -> None:
    """`kubectl rollout restart` starts a rollout, and its annotation stays."""
    create_function(stack, namespace)
    wait_until_ready(stack, namespace)
    stack.plane.kubectl("rollout", "restart", "deployment/hello", "-n", namespace)
    time.sleep(3)
    template = (stack.get("deployments", namespace, "hello") or {})["spec"]["template"]
    assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]
    assert len(stack.list("replicasets", namespace)) == 2
    wait_until_ready(stack, namespace)


def test_a_foreign_service_is_not_touched(stack: Stack, namespace: str) -> None:
    """A foreign Service with the Function's name stays; the status names it. Once it is deleted, ours is created."""
    stack.plane.kubectl("create", "service", "clusterip", "hello", "--tcp=99:99", "-n", namespace)
    foreign = stack.get("services", namespace, "hello")
    create_function(stack, namespace)
    stalled = wait_until(lambda: stack.condition(namespace, "hello", "Stalled"), "Stalled")
    assert stalled["reason"] == "ChildrenNotCreated"
    assert "Service hello" in stalled["message"]
    time.sleep(2)
    assert stack.get("services", namespace, "hello") == foreign
    stack.plane.kubectl("delete", "service", "hello", "-n", namespace)
    wait_until(lambda: stack.is_ready(namespace, "hello"), "ready", 60)


def test_deletion_leaves_nothing(stack: Stack, namespace: str) -> None:
    """A deleted Function disappears with all its children."""
    create_function(stack, namespace, **AUTOSCALED)
    wait_until_ready(stack, namespace)
    stack.plane.kubectl("delete", "function", "hello", "-n", namespace, "--timeout=20s")
    assert not stack.versions(namespace, "hello")
    wait_until(lambda: not stack.list("pods", namespace), "the pods to be deleted")


@pytest.mark.own_stack
def test_deletion_is_ordered(stack: Stack, namespace: str) -> None:
    """The autoscaler is deleted first, then the Deployment, then Service and ServiceAccount."""
    create_function(stack, namespace, **AUTOSCALED)
    wait_until_ready(stack, namespace)
    mark = stack.plane.mark()
    stack.plane.kubectl("delete", "function", "hello", "-n", namespace, "--timeout=20s")
    deleted = [what.partition(" ")[0] for event, what in stack.plane.events(mark) if event["verb"] == "delete"]
    assert deleted[:2] == ["horizontalpodautoscalers", "deployments"]
    assert set(deleted[2:]) == {"services", "serviceaccounts"}


@pytest.mark.own_stack
def test_a_stopped_hook_loses_nothing(stack: Stack, namespace: str) -> None:
    """While the hook is stopped for 10 s no child changes; an edit made meanwhile is applied afterwards."""
    create_function(stack, namespace, **AUTOSCALED)
    wait_until_ready(stack, namespace)
    time.sleep(2)
    before = stack.versions(namespace, "hello")
    stack.processes.stop("hook")
    try:
        edit_function(stack, namespace, source={"inline": {"source": "def main(e, c): return 'later'\n"}})
        time.sleep(10)
        assert stack.versions(namespace, "hello") == before
    finally:
        stack.start_hook()
    wait_until(lambda: "later" in source_of(stack, namespace), "the edit to be applied", 60)
    assert set(stack.versions(namespace, "hello")) == set(before)
