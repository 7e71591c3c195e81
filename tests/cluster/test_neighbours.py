"""Functions that are made to be expensive delay no sync in other namespaces."""

import re
import statistics
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from support.cluster.control_plane import wait_until
from support.cluster.functions import create_function
from support.cluster.stack import PREFIX, Stack, own_stack

pytestmark = pytest.mark.own_stack

Manifest = dict[str, Any]

ROUNDS = 15
PACKAGES = {
    "a run of spaces": "a" + " " * 130_000 + "!",
    "lines with runs of spaces": ("a" + " " * 300 + "!\n") * 430,
    "extras that never end": "a[" + "b," * 65_000,
    "versions that never end": "a==1" + ",==1" * 32_000 + "!",
    "markers that never end": "a; " + "(" * 130_000,
    "continued lines": "a\\\n" * 43_000,
    "options": "--index-url " * 10_000,
}
LEFT_TO_THE_INSTALLER = {"markers that never end", "options"}
ENV = [{"name": f"A{n}", "value": "$(" * 100} for n in range(100)]
MESSAGE = ("passw" * 800 + "://" * 20)[:4000]


@pytest.fixture(scope="module")
def two_namespaces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The hook, and Metacontroller with its default number of workers."""
    with own_stack(tmp_path_factory.mktemp("neighbours")) as stack:
        for name in ("hostile", "quiet"):
            stack.plane.kubectl("create", "namespace", name)
        stack.install()
        stack.metacontroller_flags = [flag for flag in stack.metacontroller_flags if "workers" not in flag]
        stack.metacontroller_flags.append("--workers=5")
        stack.start_hook()
        stack.start_metacontroller()
        yield stack


def seconds(stack: Stack, prefix: str) -> float:
    """Return the median time from apply to Deployment in the quiet namespace."""
    found = []
    for n in range(ROUNDS):
        begin = time.monotonic()
        create_function(stack, "quiet", f"{prefix}-{n}")
        wait_until(partial(stack.get, "deployments", "quiet", f"{prefix}-{n}"), "the Deployment", 60, interval=0.01)
        found.append(time.monotonic() - begin)
    return statistics.median(found)


def workers(stack: Stack) -> list[str]:
    """Return the PIDs of all workers that the hook has started, from its log."""
    return re.findall(r"Booting worker with pid: (\d+)", stack.processes.log("hook"))


def attack(stack: Stack) -> None:
    """Create ten Functions that are as expensive as the CRD allows, and 40 pods with long messages."""
    labels = {f"{n}.{'x' * 200}.example.com/{'y' * 60}": "z" * 63 for n in range(60)}
    for n, text in enumerate(PACKAGES.values()):
        source = {"inline": {"source": "x" * 60_000, "dependencies": text}}
        create_function(stack, "hostile", f"packages-{n}", source=source)
    create_function(stack, "hostile", "labels", labels=labels, nodeSelector=labels)
    create_function(stack, "hostile", "variables", env=ENV)
    create_function(stack, "hostile", "pods", replicas=40)
    pods = wait_until(lambda: len(found := stack.list("pods", "hostile")) >= 40 and found, "the pods")
    for pod in pods:
        set_message(stack, pod["metadata"]["name"])


def set_message(stack: Stack, pod: str) -> None:
    """Write the longest termination message that a kubelet reports into a pod's status."""
    ended = {"exitCode": 1, "reason": "Error", "message": MESSAGE, "containerID": "a://b"}
    state = {"name": "install-dependencies", "image": "a", "imageID": "", "ready": False, "restartCount": 1}
    status = {"initContainerStatuses": [state | {"state": {"terminated": ended}}], "phase": "Pending"}
    path = f"{PREFIX['pods']}/namespaces/hostile/pods/{pod}/status"
    stack.plane.call("PATCH", path, {"status": status}, kind="application/merge-patch+json")


def test_other_namespaces_do_not_wait(two_namespaces: Stack) -> None:
    """While ten hostile Functions are synced, a Deployment takes at most twice as long, and no worker is killed."""
    stack = two_namespaces
    seconds(stack, "warm")
    before, booted = seconds(stack, "before"), workers(stack)
    attack(stack)
    after = seconds(stack, "after")
    print(f"\nfrom apply to Deployment: {before:.3f} s, with hostile Functions {after:.3f} s")
    assert workers(stack) == booted
    assert "WORKER TIMEOUT" not in stack.processes.log("hook")
    assert after <= 2 * before + 0.05
    for n, name in enumerate(PACKAGES):
        stalled = stack.condition("hostile", f"packages-{n}", "Stalled").get("message", "")
        assert ("spec.source.inline.dependencies" in stalled) != (name in LEFT_TO_THE_INSTALLER), name
