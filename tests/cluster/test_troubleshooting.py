"""The commands of docs/troubleshooting.md show the cause: a hook that is stopped, a selector, a quota, a refusal."""

import json
import time
from collections.abc import Iterator

import pytest
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.functions import create_function, function, wait_until_ready
from support.cluster.helm import NAMESPACE, Helm, run_hook, start_metacontroller
from support.cluster.pages import Shell, commands
from support.cluster.stack import GROUP, Stack, own_stack

pytestmark = pytest.mark.own_stack

PAGE = "troubleshooting.md"
FINALIZER = "metacontroller.io/compositecontroller-function-controller"
CRD = "functions.serverless.kyma-project.io"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The chart's objects, Metacontroller and the hook, which are processes: the Deployment has no pods."""
    with own_stack(tmp_path_factory.mktemp("troubleshooting")) as stack:
        start_metacontroller(stack)
        Helm("helm4", stack.plane).install()
        stack.wait_until_established(CRD)
        stack.plane.kubectl("create", "namespace", "metacontroller")
        stack.plane.kubectl("scale", "deployment/function-hook", "-n", NAMESPACE, "--replicas=0")
        wait_until(lambda: not stack.list("pods", NAMESPACE), "the pods of the hook to be deleted")
        run_hook(stack)
        yield stack


def shown(stack: Stack, heading: str, name: str) -> str:
    """Run the commands below a heading for a Function in the namespace default; return what they print."""
    (block,) = commands(PAGE, heading)
    return Shell(stack.plane, {}).run(block.replace("NAME", name))


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("A Function without a status", FINALIZER),
        ("Metacontroller", '"resource":"functions"'),
        ("The hook", '"kubernetes.io/metadata.name":"metacontroller"'),
        ("A status that does not change", "Ready True DeploymentReady"),
        ("Pods that do not appear", "replicaset.apps/hello"),
        ("A Function that the API server refuses", "python314"),
    ],
)
def test_each_command_runs(installed: Stack, heading: str, text: str) -> None:
    """With a Function that is ready, each command succeeds and prints what its section explains."""
    if installed.get("functions", "default", "hello") is None:
        create_function(installed, "default")
    wait_until_ready(installed, "default")
    assert text in shown(installed, heading, "hello")


def test_a_hook_that_does_not_run(installed: Stack) -> None:
    """The Function has the finalizer, generation -1, and an event with the error of the connection."""
    installed.processes.stop("hook")
    try:
        create_function(installed, "default", "waiting")
        heading = "A Function without a status"
        output = wait_until(
            lambda: "SyncError" in (found := shown(installed, heading, "waiting")) and found, "an event"
        )
        assert FINALIZER in output
        assert "connection refused" in output
        assert shown(installed, "A status that does not change", "waiting").startswith("1 -1\n")
    finally:
        run_hook(installed)
    wait_until_ready(installed, "default", "waiting")


def test_a_quota(installed: Stack) -> None:
    """The events of the ReplicaSet have the API server's message."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    installed.plane.kubectl("create", "-f", "-", stdin=quota)
    try:
        # No controller of quotas runs.
        status = json.dumps({"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}})
        installed.plane.kubectl("patch", "resourcequota", "none", "--subresource=status", "--type=merge", "-p", status)
        create_function(installed, "default", "full")
        wait_until(lambda: "exceeded quota: none" in shown(installed, "Pods that do not appear", "full"), "an event")
    finally:
        installed.plane.kubectl("delete", "resourcequota", "none")


def test_a_refusal_by_the_policy(installed: Stack) -> None:
    """Its message contains the word that the page names."""
    code, answer = installed.plane.call(
        "POST", f"{GROUP}/namespaces/default/functions", function("refused", runtime="cobol")
    )
    assert code == 422
    assert "ValidatingAdmissionPolicy" in answer["message"]


def test_a_function_that_no_install_selects(installed: Stack) -> None:
    """It has neither finalizer nor event; the commands for Metacontroller print the selector."""
    select(installed, {"matchLabels": {"channel": "stable"}})
    try:
        time.sleep(2)
        create_function(installed, "default", "ignored")
        time.sleep(3)
        output = shown(installed, "A Function without a status", "ignored")
        assert FINALIZER not in output
        assert "No resources found" in output
        assert '"channel":"stable"' in shown(installed, "Metacontroller", "ignored")
    finally:
        select(installed, None)
    wait_until(lambda: FINALIZER in shown(installed, "A Function without a status", "ignored"), "the finalizer")


def select(stack: Stack, selector: Manifest | None) -> None:
    patch = json.dumps({"spec": {"parentResource": {"labelSelector": selector}}})
    stack.plane.kubectl("patch", "compositecontroller", "function-controller", "--type=merge", "-p", patch)
