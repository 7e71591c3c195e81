"""What users rely on, on the real API server with the real Metacontroller."""

import time
from typing import Any

import pytest
from support.cluster.control_plane import wait_until
from support.cluster.stack import GROUP, KINDS, Stack

from hooks.records import LAST_APPLIED
from hooks.rules.size import OTHER_BYTES, SOURCE_BYTES

Manifest = dict[str, Any]

FOUR = {"scaleConfig": {"minReplicas": 2, "maxReplicas": 5}}


def apply(stack: Stack, namespace: str, name: str = "hello", **spec: Any) -> Manifest:
    """Create a Function and return it."""
    source = {"inline": {"source": "def main(event, context):\n    return 'hi'\n"}}
    body = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": {"name": name}}
    body |= {"spec": {"runtime": "python312", "source": source} | spec}
    code, created = stack.plane.call("POST", f"{GROUP}/namespaces/{namespace}/functions", body)
    assert code in (200, 201), created
    return created


def ready(stack: Stack, namespace: str, name: str = "hello") -> None:
    wait_until(lambda: stack.is_ready(namespace, name), f"{name} to be ready")


def edit(stack: Stack, namespace: str, name: str = "hello", **spec: Any) -> None:
    stack.patch("functions", namespace, name, {"spec": spec})


def source_of(stack: Stack, namespace: str) -> str:
    deployment = stack.get("deployments", namespace, "hello") or {}
    env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    return str(next(entry["value"] for entry in env if entry["name"] == "FUNC_HANDLER_SOURCE"))


def replicas(stack: Stack, namespace: str) -> int:
    deployment = stack.get("deployments", namespace, "hello") or {}
    return int(deployment["spec"]["replicas"])


def test_children_appear_and_are_owned(stack: Stack, namespace: str) -> None:
    """An autoscaled Function gets four children of its name, each controlled by it."""
    uid = apply(stack, namespace, **FOUR)["metadata"]["uid"]
    children = wait_until(
        lambda: all(found := [stack.get(kind, namespace, "hello") for kind in KINDS]) and found, "four children"
    )
    for child in children:
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == (uid, True)
    ready(stack, namespace)


def test_an_edit_reaches_the_deployment(stack: Stack, namespace: str) -> None:
    """A changed source is in the Deployment, and the Function is ready again only after that."""
    apply(stack, namespace)
    ready(stack, namespace)
    edit(stack, namespace, source={"inline": {"source": "def main(e, c): return '$(HOME) $$'\n"}})
    wait_until(lambda: "$$(HOME) $$$$" in source_of(stack, namespace), "the new source")
    ready(stack, namespace)
    assert stack.condition(namespace, "hello", "Ready")["observedGeneration"] == 2


def test_the_largest_function_fits(stack: Stack, namespace: str) -> None:
    """What the size rules just let through, Metacontroller can still record in an annotation."""
    source = {"inline": {"source": "<" * (SOURCE_BYTES // 6 - 2)}}
    apply(stack, namespace, source=source, annotations={"example.com/large": "&" * (OTHER_BYTES // 6 - 20)})
    ready(stack, namespace)
    record = (stack.get("deployments", namespace, "hello") or {})["metadata"]["annotations"][LAST_APPLIED]
    assert len(record) > SOURCE_BYTES + OTHER_BYTES - 200


def test_a_mistake_touches_nothing(stack: Stack, namespace: str) -> None:
    """A broken edit changes the status only, and mending it goes on where it was."""
    apply(stack, namespace, **FOUR)
    ready(stack, namespace)
    time.sleep(2)
    before = stack.versions(namespace, "hello")
    edit(stack, namespace, resourceConfiguration={"function": {"profile": "HUGE"}})
    stalled = wait_until(lambda: stack.condition(namespace, "hello", "Stalled"), "Stalled")
    assert 'spec.resourceConfiguration.function.profile: Unsupported value: "HUGE"' in stalled["message"]
    time.sleep(3)
    assert stack.versions(namespace, "hello") == before
    edit(stack, namespace, resourceConfiguration={"function": {"profile": "XS"}})
    wait_until(lambda: not stack.condition(namespace, "hello", "Stalled"), "the end of Stalled")
    ready(stack, namespace)
    deployment = stack.get("deployments", namespace, "hello") or {}
    assert deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] == "150m"


def test_replicas_never_pass_through_one(stack: Stack, namespace: str) -> None:
    """An autoscaler added to three running pods leaves them three at every version of the Deployment."""
    apply(stack, namespace, replicas=3)
    ready(stack, namespace)
    seen: set[int] = set()
    edit(stack, namespace, scaleConfig={"minReplicas": 1, "maxReplicas": 5})
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        seen.add(replicas(stack, namespace))
    assert stack.get("horizontalpodautoscalers", namespace, "hello")
    assert seen == {3}


@pytest.mark.parametrize(
    "spec", [{}, {"resourceConfiguration": {"function": {"profile": "HUGE"}}}], ids=["sound", "held"]
)
def test_the_autoscaler_is_not_fought(stack: Stack, namespace: str, spec: Manifest) -> None:
    """Replicas that the autoscaler sets stay, whether the Function is sound or held."""
    apply(stack, namespace, **FOUR)
    ready(stack, namespace)
    if spec:
        edit(stack, namespace, **spec)
        wait_until(lambda: stack.condition(namespace, "hello", "Stalled"), "Stalled")
    for wanted in (4, 3):
        stack.patch("deployments", namespace, "hello", {"spec": {"replicas": wanted}})
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            assert replicas(stack, namespace) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_a_deleted_child_comes_back(stack: Stack, namespace: str, kind: str) -> None:
    """Any child that somebody deletes is there again, as a new object."""
    apply(stack, namespace, **FOUR)
    ready(stack, namespace)
    old = (stack.get(kind, namespace, "hello") or {})["metadata"]["uid"]
    stack.plane.kubectl("delete", kind, "hello", "-n", namespace, "--wait=false")
    wait_until(lambda: (stack.get(kind, namespace, "hello") or {})["metadata"]["uid"] != old, f"a new {kind}")
    ready(stack, namespace)


def test_a_changed_child_is_restored(stack: Stack, namespace: str) -> None:
    """What we own is put right, what others added stays."""
    apply(stack, namespace)
    ready(stack, namespace)
    stack.patch("services", namespace, "hello", {"metadata": {"labels": {"theirs": "x"}}, "spec": {"type": "NodePort"}})
    stack.patch("deployments", namespace, "hello", {"spec": {"replicas": 4, "revisionHistoryLimit": 9}})
    wait_until(lambda: replicas(stack, namespace) == 1, "one replica")
    wait_until(lambda: (stack.get("services", namespace, "hello") or {})["spec"]["type"] == "ClusterIP", "ClusterIP")
    assert (stack.get("services", namespace, "hello") or {})["metadata"]["labels"]["theirs"] == "x"
    assert (stack.get("deployments", namespace, "hello") or {})["spec"]["revisionHistoryLimit"] == 2


def test_rollout_restart_survives(stack: Stack, namespace: str) -> None:
    """kubectl rollout restart rolls the pods, and its annotation stays."""
    apply(stack, namespace)
    ready(stack, namespace)
    stack.plane.kubectl("rollout", "restart", "deployment/hello", "-n", namespace)
    time.sleep(3)
    template = (stack.get("deployments", namespace, "hello") or {})["spec"]["template"]
    assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]
    assert len(stack.list("replicasets", namespace)) == 2
    ready(stack, namespace)


def test_a_foreign_service_is_not_touched(stack: Stack, namespace: str) -> None:
    """A Service of that name that is not ours is named in the status, left alone, and once gone no obstacle."""
    stack.plane.kubectl("create", "service", "clusterip", "hello", "--tcp=99:99", "-n", namespace)
    foreign = stack.get("services", namespace, "hello")
    apply(stack, namespace)
    stalled = wait_until(lambda: stack.condition(namespace, "hello", "Stalled"), "Stalled")
    assert stalled["reason"] == "ChildrenNotCreated"
    assert "Service hello" in stalled["message"]
    time.sleep(2)
    assert stack.get("services", namespace, "hello") == foreign
    stack.plane.kubectl("delete", "service", "hello", "-n", namespace)
    wait_until(lambda: stack.is_ready(namespace, "hello"), "ready", 60)


def test_deletion_leaves_nothing(stack: Stack, namespace: str) -> None:
    """A deleted Function goes with all its children, and its finalizer does not keep it."""
    apply(stack, namespace, **FOUR)
    ready(stack, namespace)
    stack.plane.kubectl("delete", "function", "hello", "-n", namespace, "--timeout=20s")
    assert not stack.versions(namespace, "hello")
    wait_until(lambda: not stack.list("pods", namespace), "the pods to go")


@pytest.mark.own_stack
def test_deletion_is_ordered(stack: Stack, namespace: str) -> None:
    """The autoscaler goes first, then the Deployment, then Service and account."""
    apply(stack, namespace, **FOUR)
    ready(stack, namespace)
    mark = stack.plane.mark()
    stack.plane.kubectl("delete", "function", "hello", "-n", namespace, "--timeout=20s")
    deleted = [what.partition(" ")[0] for event, what in stack.plane.events(mark) if event["verb"] == "delete"]
    assert deleted[:2] == ["horizontalpodautoscalers", "deployments"]
    assert set(deleted[2:]) == {"services", "serviceaccounts"}


@pytest.mark.own_stack
def test_an_absent_hook_loses_nothing(stack: Stack, namespace: str) -> None:
    """While the hook is away for 10 s nothing is touched, and an edit made meanwhile arrives afterwards."""
    apply(stack, namespace, **FOUR)
    ready(stack, namespace)
    time.sleep(2)
    before = stack.versions(namespace, "hello")
    stack.processes.stop("hook")
    try:
        edit(stack, namespace, source={"inline": {"source": "def main(e, c): return 'later'\n"}})
        time.sleep(10)
        assert stack.versions(namespace, "hello") == before
    finally:
        stack.start_hook()
    wait_until(lambda: "later" in source_of(stack, namespace), "the edit to arrive", 60)
    assert set(stack.versions(namespace, "hello")) == set(before)
