"""
The chart as it is installed: hook and Metacontroller in the cluster, from images, under the documented permissions.

There need be no cluster DNS: Metacontroller's pod is told the address of the hook's Service.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.helm import NAMESPACE, RELEASE, Helm, objects, one
from support.cluster.stack import GROUP, ROOT, Stack
from support.node import images, network_policy
from support.node.testbed import import_image

HOOK = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/function-hook"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
METACONTROLLER = "localhost/metacontroller:4.17.2"
VALUES = yaml.safe_load((ROOT / "metacontroller" / "values.yaml").read_text(encoding="utf-8"))
COUNT = 20
"""Functions that are asked about every second."""
PAUSE = 15
"""Seconds of load around each mishap."""


class Installed:
    """The chart and Metacontroller on the node."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.plane, self.helm = stack, stack.plane, Helm("helm4", stack.plane)

    def pods(self) -> list[Manifest]:
        """Return the hook's pods that are not on their way out."""
        found = self.plane.call("GET", f"{PODS}?labelSelector=app.kubernetes.io/name=function-hook")[1]["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def restarts(self) -> int:
        return sum(status["restartCount"] for pod in self.pods() for status in pod["status"]["containerStatuses"])

    def is_whole(self) -> bool:
        """Whether both hook pods are ready, and none of an older revision is left."""
        status = self.plane.call("GET", HOOK)[1]["status"]
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        return [status.get(count) for count in counts] == [2, 2, 2, 2] and len(self.pods()) == 2

    def left(self) -> list[str]:
        """Return what is still there of all that the chart makes, but for what it is to leave behind."""
        kinds = "all,serviceaccounts,configmaps,networkpolicies,poddisruptionbudgets,clusterroles"
        found = self.plane.kubectl(
            "get", kinds, "-A", "-l", "app.kubernetes.io/part-of=buildless-functions", "-o", "name"
        )
        return found.split()

    def address(self, service: str, namespace: str = NAMESPACE) -> str:
        found = self.plane.call("GET", f"/api/v1/namespaces/{namespace}/services/{service}")[1]
        return str(found["spec"]["clusterIP"])

    def failed_syncs(self, namespace: str) -> Counter[str]:
        """Count the failed syncs that Metacontroller has told of, by its words."""
        found: Counter[str] = Counter()
        for each in self.plane.call("GET", f"/api/v1/namespaces/{namespace}/events")[1]["items"]:
            if each["reason"] == "SyncError":
                found[each["message"]] += each.get("count") or 1
        return found

    def syncs(self) -> dict[str, int]:
        """Return how many questions each HTTP status has answered, by Metacontroller's own count."""
        found: dict[str, int] = {}
        for (code, _), count in self.questions().items():
            found[code] = found.get(code, 0) + count
        return found

    def questions(self) -> dict[tuple[str, str], int]:
        """Return the same by status and URL."""
        address = self.plane.call("GET", "/api/v1/namespaces/metacontroller/pods/metacontroller-0")[1]["status"][
            "podIP"
        ]
        with urllib.request.urlopen(f"http://{address}:9999/metrics", timeout=5) as answer:
            text = answer.read().decode()
        pattern = r'^metacontroller_sync_requests_total\{code="(\d+)".*url="([^"]+)".*\} (\S+)$'
        return {(code, url): int(float(count)) for code, url, count in re.findall(pattern, text, re.MULTILINE)}


@pytest.fixture(scope="module")
def installed(stack: Stack) -> Iterator[Installed]:
    """The chart in the place of the hook and the Metacontroller of the other tests."""
    if not os.environ.get("BUILDLESS_IMAGE_IMPORT"):
        pytest.skip("BUILDLESS_IMAGE_IMPORT does not say how the node gets images")
    found = Installed(stack)
    stack.processes.stop("metacontroller")
    stack.processes.stop("hook")
    program = shutil.which("metacontroller")
    assert program is not None
    image = hook_image(found)
    import_image(images.hook_archive(image))
    import_image(images.program_archive(Path(program), METACONTROLLER))
    try:
        found.helm.install("--take-ownership", "--force-conflicts", "--set", "config.defaultProfile=XS")
        enforce(stack, NAMESPACE)
        for manifest in metacontroller(stack):
            stack.plane.kubectl("apply", "-f", "-", stdin=manifest)
        wait_until(found.is_whole, "both hook pods to be ready", 120)
        yield found
    finally:
        found.helm.run("uninstall", RELEASE, "-n", NAMESPACE, "--timeout", "2m", check=False)
        stack.plane.kubectl("delete", "namespace", "metacontroller", NAMESPACE, "--ignore-not-found")
        stack.plane.kubectl("delete", "clusterrole,clusterrolebinding", "metacontroller", "--ignore-not-found")
        stack.install()
        stack.start_hook("--config", str(stack.plane.directory / "config.yaml"))
        stack.start_metacontroller()


def hook_image(found: Installed) -> str:
    deployment = one(objects(found.helm.template()), "Deployment")
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def enforce(stack: Stack, namespace: str) -> None:
    """Have a namespace refuse every pod that is not restricted."""
    stack.plane.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted", "--overwrite")


def metacontroller(stack: Stack) -> list[Manifest]:
    """Return what Metacontroller's own chart makes of metacontroller/values.yaml, as far as it counts here."""
    where = {"name": "metacontroller", "namespace": "metacontroller"}
    rbac = "rbac.authorization.k8s.io"
    address = Installed(stack).address("function-hook")
    container = {
        "name": "metacontroller",
        "image": METACONTROLLER,
        "command": ["/metacontroller"],
        "args": VALUES["commandArgs"],
        "env": VALUES["env"],
        "resources": VALUES["resources"],
        "securityContext": VALUES["securityContext"],
    }
    pod = {
        "serviceAccountName": "metacontroller",
        "securityContext": VALUES["podSecurityContext"],
        "hostAliases": [{"ip": address, "hostnames": [f"function-hook.{NAMESPACE}.svc"]}],
        "containers": [container],
    }
    labels = {"app.kubernetes.io/name": "metacontroller"}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"serviceName": "", "selector": {"matchLabels": labels}, "template": template}
    role = {"apiGroup": rbac, "kind": "ClusterRole", "name": "metacontroller"}
    subjects = [{"kind": "ServiceAccount", **where}]
    enforced = {"pod-security.kubernetes.io/enforce": "restricted"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "metacontroller", "labels": enforced}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": where},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": "metacontroller"}}
        | {"rules": VALUES["clusterRole"]["rules"]},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "metacontroller"}}
        | {"roleRef": role, "subjects": subjects},
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": where | {"labels": labels}, "spec": spec},
    ]


def test_helm_test_passes(installed: Installed) -> None:
    """`helm test` applies a Function, which the hook in the cluster turns into a pod, and calls it."""
    said = installed.helm.run("test", RELEASE, "-n", NAMESPACE, "--logs", "--timeout", "4m")
    assert "it works" in said


@pytest.fixture(scope="module")
def busy(installed: Installed) -> Iterator[str]:
    """A namespace with Functions that have no pods, each asked about every second."""
    namespace = "buildless-busy"
    installed.plane.kubectl("create", "namespace", namespace)
    installed.plane.kubectl("patch", "compositecontroller", "function-controller", "--type=merge", "-p",
                            '{"spec": {"resyncPeriodSeconds": 1}}')  # fmt: skip
    for number in range(COUNT):
        inline = {"source": "def main(event, context): return 1"}
        spec = {"runtime": "python312", "replicas": 0, "source": {"inline": inline}}
        body: Manifest = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "spec": spec}
        body["metadata"] = {"name": f"busy-{number}"}
        assert installed.plane.call("POST", f"{GROUP}/namespaces/{namespace}/functions", body)[0] == 201
    for number in range(COUNT):
        wait_until(
            lambda name=f"busy-{number}": installed.stack.condition(namespace, name, "Ready").get("status") == "True",
            f"busy-{number} to be Ready",
        )
    yield namespace
    installed.plane.kubectl("delete", "functions", "--all", "-n", namespace, "--timeout=60s")
    installed.plane.kubectl("delete", "namespace", namespace, "--wait=false")


def delete_pod(installed: Installed) -> None:
    installed.plane.kubectl("delete", "pod", "-n", NAMESPACE, installed.pods()[0]["metadata"]["name"], "--wait=false")


def drain(installed: Installed) -> None:
    """Evict both pods as `kubectl drain` does: the second only when the disruption budget has room for it."""
    for pod in installed.pods():
        name = pod["metadata"]["name"]
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": NAMESPACE}}
        path = f"{PODS}/{name}/eviction"
        wait_until(lambda path=path, body=eviction: installed.plane.call("POST", path, body)[0] == 201, "room", 120, 1)


def upgrade(installed: Installed) -> None:
    installed.helm.install("--reuse-values", "--set", "config.minimumResources.cpu=5m")


def kill_worker(installed: Installed) -> None:
    """End a gunicorn worker as the kernel does when memory runs out."""
    os.kill(processes()[-1], signal.SIGKILL)


def processes() -> list[int]:
    """Return the ids of the gunicorn processes of the hook's pods, which this machine sees: it is the node."""
    command = ["pgrep", "--full", "/opt/buildless/bin/python -m gunicorn"]
    return [int(pid) for pid in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]


def given_up(failed: Counter[str]) -> Counter[str]:
    """
    Return what Metacontroller itself gave up: a changed CompositeController ends its old controller and what that asks.

    The new one asks about every Function at once, so nothing is lost; whether anything is in flight is chance.
    """
    found = Counter({words: count for words, count in failed.items() if words.endswith("context canceled")})
    print(f"given up by Metacontroller because its CompositeController changed: {found.total()}")
    return found


@pytest.mark.parametrize("mishap", [delete_pod, drain, upgrade, kill_worker])
def test_no_sync_fails(installed: Installed, busy: str, mishap: Callable[[Installed], None]) -> None:
    """Under 20 questions a second a hook pod is deleted, drained, upgraded or loses a worker: none fails."""
    before, failed, began = installed.syncs(), installed.failed_syncs(busy), time.monotonic()
    time.sleep(PAUSE / 3)
    mishap(installed)
    time.sleep(1)  # until the Deployment knows
    wait_until(installed.is_whole, "both hook pods to be ready again", 180)
    time.sleep(PAUSE / 3)
    seconds, after = time.monotonic() - began, installed.syncs()
    answered = {code: count - before.get(code, 0) for code, count in after.items()}
    found = installed.failed_syncs(busy) - failed
    if mishap is upgrade:
        found -= given_up(found)
    print(f"{mishap.__name__}: {answered} in {seconds:.0f} s")
    assert sum(answered.values()) > 0.8 * COUNT * seconds, "that was no load"
    assert found == Counter()
    assert set(answered) <= {"200", "429"}


def test_after_a_crash_all_are_answered_again(installed: Installed, busy: str) -> None:
    """A hook container that is killed outright fails what it was asked until its address is taken away, and no more."""
    failed = installed.failed_syncs(busy)
    restarts = installed.restarts()
    first = next(pid for pid in processes() if Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: installed.restarts() == restarts + 1, "the container to be started again", 60)
    time.sleep(1)
    wait_until(installed.is_whole, "both hook pods to be ready again", 120)
    time.sleep(PAUSE / 3)
    print(f"container killed: {(installed.failed_syncs(busy) - failed).total()} failed syncs")
    settled, before = installed.failed_syncs(busy), installed.syncs()["200"]
    time.sleep(PAUSE / 3)
    assert installed.failed_syncs(busy) == settled
    assert installed.syncs()["200"] > before + COUNT


def test_https(installed: Installed, busy: str) -> None:
    """With a certificate that Helm made Metacontroller asks over HTTPS, and goes on asking after another upgrade."""
    installed.helm.install("--reuse-values", "--set", "tls.mode=helm")
    wait_until(lambda: https_answers(installed) > COUNT, "answers over HTTPS", 120)
    wait_until(installed.is_whole, "both hook pods to be ready", 120)
    time.sleep(PAUSE / 3)  # until nobody is sent to the last pod that speaks HTTP
    before, failed = https_answers(installed), installed.failed_syncs(busy)
    installed.helm.install("--reuse-values", "--set", "tls.mode=helm", "--set", "config.minimumResources.cpu=7m")
    time.sleep(1)
    wait_until(installed.is_whole, "both hook pods to be ready again", 120)
    wait_until(lambda: https_answers(installed) > before + COUNT, "more answers over HTTPS", 60)
    found = installed.failed_syncs(busy) - failed
    assert found - given_up(found) == Counter()


def https_answers(installed: Installed) -> int:
    """Return how many questions were answered with 200 over HTTPS."""
    return sum(count for (code, url), count in installed.questions().items() if code == "200" and "https:" in url)


def test_only_metacontroller_may_call_the_hook(installed: Installed, tmp_path: Path) -> None:
    """Where policies are enforced: Metacontroller's pods get in, others do not, and the hook itself gets nowhere."""
    hook = (installed.address("function-hook"), 8080)
    with network_policy.enforced(installed.plane, tmp_path):
        with caller(installed, "default", {"app.kubernetes.io/name": "metacontroller"}) as stranger:
            wait_until(lambda: not stranger(*hook), "a pod of another namespace to be refused", 30)
        with caller(installed, "metacontroller", {"app": "other"}) as stranger:
            assert not stranger(*hook)
        with caller(installed, "metacontroller", {"app.kubernetes.io/name": "metacontroller"}) as metacontroller:
            assert metacontroller(*hook)
        name, api = installed.pods()[0]["metadata"]["name"], installed.address("kubernetes", "default")
        assert not network_policy.reaches(installed.plane, NAMESPACE, name, api, 443, "/opt/buildless/bin/python")
        before = installed.syncs()["200"]
        wait_until(lambda: installed.syncs()["200"] > before, "Metacontroller to go on asking", 60)
        assert installed.is_whole(), "probes are let in"


@contextlib.contextmanager
def caller(installed: Installed, namespace: str, labels: dict[str, str]) -> Iterator[Callable[[str, int], bool]]:
    """Give what tells whether a pod of this namespace with these labels can open a connection to a host and port."""
    body = network_policy.pod("caller", "import time; time.sleep(600)", labels)
    installed.plane.kubectl("create", "-n", namespace, "-f", "-", stdin=body)
    installed.plane.kubectl("wait", "--for=condition=Ready", "pod/caller", "-n", namespace, "--timeout=50s")
    try:
        time.sleep(1)  # a new pod's address is let in a moment later
        yield lambda host, port: network_policy.reaches(installed.plane, namespace, "caller", host, port)
    finally:
        installed.plane.kubectl("delete", "pod", "caller", "-n", namespace)


def test_uninstalling_lets_go_of_functions(installed: Installed, busy: str) -> None:
    """`helm uninstall` ends by itself, and leaves Functions that can be deleted, with what runs for them."""
    before = installed.stack.versions(busy, "busy-0")
    installed.helm.run("uninstall", RELEASE, "-n", NAMESPACE, "--timeout", "3m")
    functions = installed.stack.list("functions", busy)
    assert len(functions) == COUNT
    assert not any(each["metadata"].get("finalizers") for each in functions)
    assert installed.stack.versions(busy, "busy-0") == before
    wait_until(lambda: not installed.left(), "all that the chart made to be gone", 60)
