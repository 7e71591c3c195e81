"""
Hook and Metacontroller as pods, from their images and with the permissions of the docs.

No cluster DNS is needed: Metacontroller's pod has the address of the hook's Service in hostAliases.
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
from functools import partial
from pathlib import Path

import pytest
import yaml
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.functions import create_function, is_ready
from support.cluster.helm import NAMESPACE, RELEASE, Helm, objects, one
from support.cluster.stack import ROOT, Stack
from support.node import images, network_policy
from support.node.testbed import import_image

HOOK = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/function-hook"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
METACONTROLLER = "localhost/metacontroller:4.17.2"
VALUES = yaml.safe_load((ROOT / "metacontroller" / "values.yaml").read_text(encoding="utf-8"))
COUNT = 20
"""Functions that are synced every second."""
PAUSE = 15
"""Seconds of load around each disruption."""


class Installed:
    """The chart and Metacontroller on the node."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.plane, self.helm = stack, stack.plane, Helm("helm4", stack.plane)

    def pods(self) -> list[Manifest]:
        """Return the hook's pods without those that are being deleted."""
        found = self.plane.call("GET", f"{PODS}?labelSelector=app.kubernetes.io/name=function-hook")[1]["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def restarts(self) -> int:
        return sum(status["restartCount"] for pod in self.pods() for status in pod["status"]["containerStatuses"])

    def is_rolled_out(self) -> bool:
        """Return whether two hook pods are ready and no pod of an older revision exists."""
        status = self.plane.call("GET", HOOK)[1]["status"]
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        return [status.get(count) for count in counts] == [2, 2, 2, 2] and len(self.pods()) == 2

    def chart_objects(self) -> list[str]:
        """Return the chart's objects of the kinds that an uninstall deletes."""
        kinds = "all,serviceaccounts,configmaps,networkpolicies,poddisruptionbudgets,clusterroles"
        found = self.plane.kubectl(
            "get", kinds, "-A", "-l", "app.kubernetes.io/part-of=buildless-functions", "-o", "name"
        )
        return found.split()

    def address(self, service: str, namespace: str = NAMESPACE) -> str:
        found = self.plane.call("GET", f"/api/v1/namespaces/{namespace}/services/{service}")[1]
        return str(found["spec"]["clusterIP"])

    def failed_syncs(self, namespace: str) -> Counter[str]:
        """Count the failed syncs in Metacontroller's events, by their message."""
        found: Counter[str] = Counter()
        for each in self.plane.call("GET", f"/api/v1/namespaces/{namespace}/events")[1]["items"]:
            if each["reason"] == "SyncError":
                found[each["message"]] += each.get("count") or 1
        return found

    def syncs(self) -> dict[str, int]:
        """Return the number of hook requests by HTTP status, from Metacontroller's metrics."""
        found: dict[str, int] = {}
        for (code, _), count in self.hook_requests().items():
            found[code] = found.get(code, 0) + count
        return found

    def hook_requests(self) -> dict[tuple[str, str], int]:
        """Return the number of hook requests by HTTP status and URL."""
        pod = self.plane.call("GET", "/api/v1/namespaces/metacontroller/pods/metacontroller-0")[1]
        url = f"http://{pod['status']['podIP']}:9999/metrics"
        with urllib.request.urlopen(url, timeout=5) as response:
            text = response.read().decode()
        pattern = r'^metacontroller_sync_requests_total\{code="(\d+)".*url="([^"]+)".*\} (\S+)$'
        return {(code, url): int(float(count)) for code, url, count in re.findall(pattern, text, re.MULTILINE)}


@pytest.fixture(scope="module")
def installed(stack: Stack) -> Iterator[Installed]:
    """The chart, instead of the hook and the Metacontroller of the other tests."""
    if not os.environ.get("BUILDLESS_IMAGE_IMPORT"):
        pytest.skip("BUILDLESS_IMAGE_IMPORT is not set")
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
        wait_until(found.is_rolled_out, "both hook pods to be ready", 120)
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
    """Make a namespace enforce Pod Security "restricted"."""
    stack.plane.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted", "--overwrite")


def metacontroller(stack: Stack) -> list[Manifest]:
    """Return the objects of Metacontroller's chart with metacontroller/values.yaml that these tests need."""
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
    """`helm test` creates a Function and calls it."""
    output = installed.helm.run("test", RELEASE, "-n", NAMESPACE, "--logs", "--timeout", "4m")
    assert "it works" in output


@pytest.fixture(scope="module")
def busy(installed: Installed) -> Iterator[str]:
    """A namespace with Functions without pods, each synced every second."""
    namespace = "buildless-busy"
    installed.plane.kubectl("create", "namespace", namespace)
    installed.plane.kubectl("patch", "compositecontroller", "function-controller", "--type=merge", "-p",
                            '{"spec": {"resyncPeriodSeconds": 1}}')  # fmt: skip
    for number in range(COUNT):
        create_function(installed.stack, namespace, f"busy-{number}", replicas=0)
    wait_until(
        lambda: all(map(is_ready, installed.stack.list("functions", namespace))), "all Functions to be Ready", 60
    )
    yield namespace
    installed.plane.kubectl("delete", "functions", "--all", "-n", namespace, "--timeout=60s")
    installed.plane.kubectl("delete", "namespace", namespace, "--wait=false")


def delete_pod(installed: Installed) -> None:
    installed.plane.kubectl("delete", "pod", "-n", NAMESPACE, installed.pods()[0]["metadata"]["name"], "--wait=false")


def drain(installed: Installed) -> None:
    """Evict both pods as `kubectl drain` does: each as soon as the PodDisruptionBudget allows it."""
    for pod in installed.pods():
        wait_until(partial(evict, installed, pod["metadata"]["name"]), "the eviction", 120, interval=1)


def evict(installed: Installed, name: str) -> bool:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": NAMESPACE}}
    return installed.plane.call("POST", f"{PODS}/{name}/eviction", eviction)[0] == 201


def upgrade(installed: Installed) -> None:
    installed.helm.install("--reuse-values", "--set", "config.minimumResources.cpu=5m")


def kill_worker(installed: Installed) -> None:
    """Kill a gunicorn worker, as the kernel does when memory runs out."""
    os.kill(processes()[-1], signal.SIGKILL)


def processes() -> list[int]:
    """Return the PIDs of the gunicorn processes in the hook's pods; this machine is the node."""
    command = ["pgrep", "--full", "/opt/buildless/bin/python -m gunicorn"]
    return [int(pid) for pid in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]


def cancelled(failed: Counter[str]) -> Counter[str]:
    """
    Return the syncs that Metacontroller cancelled: on a change of the CompositeController it stops the old controller.

    The new controller syncs every Function at once, so nothing is lost. Whether a sync is in flight varies.
    """
    found = Counter({message: count for message, count in failed.items() if message.endswith("context canceled")})
    print(f"cancelled by Metacontroller because its CompositeController changed: {found.total()}")
    return found


@pytest.mark.parametrize("disruption", [delete_pod, drain, upgrade, kill_worker])
def test_no_sync_fails(installed: Installed, busy: str, disruption: Callable[[Installed], None]) -> None:
    """With 20 syncs a second a hook pod is deleted, drained, upgraded or loses a worker: no sync fails."""
    before, failed, began = installed.syncs(), installed.failed_syncs(busy), time.monotonic()
    time.sleep(PAUSE / 3)
    disruption(installed)
    time.sleep(1)  # until the Deployment's status shows it
    wait_until(installed.is_rolled_out, "both hook pods to be ready again", 180)
    time.sleep(PAUSE / 3)
    seconds, after = time.monotonic() - began, installed.syncs()
    answered = {code: count - before.get(code, 0) for code, count in after.items()}
    found = installed.failed_syncs(busy) - failed
    if disruption is upgrade:
        found -= cancelled(found)
    print(f"{disruption.__name__}: {answered} in {seconds:.0f} s")
    assert sum(answered.values()) > 0.8 * COUNT * seconds, "there were too few syncs"
    assert found == Counter()
    assert set(answered) <= {"200", "429"}


def test_syncs_recover_from_a_crash(installed: Installed, busy: str) -> None:
    """When a hook container is killed, syncs fail only until its endpoint is removed."""
    failed = installed.failed_syncs(busy)
    restarts = installed.restarts()
    first = next(pid for pid in processes() if Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: installed.restarts() == restarts + 1, "the container to be restarted", 60)
    time.sleep(1)
    wait_until(installed.is_rolled_out, "both hook pods to be ready again", 120)
    time.sleep(PAUSE / 3)
    print(f"container killed: {(installed.failed_syncs(busy) - failed).total()} failed syncs")
    settled, before = installed.failed_syncs(busy), installed.syncs()["200"]
    time.sleep(PAUSE / 3)
    assert installed.failed_syncs(busy) == settled
    assert installed.syncs()["200"] > before + COUNT


def test_https(installed: Installed, busy: str) -> None:
    """With a certificate by Helm Metacontroller uses HTTPS, and no sync fails during another upgrade."""
    installed.helm.install("--reuse-values", "--set", "tls.mode=helm")
    wait_until(lambda: https_answers(installed) > COUNT, "responses over HTTPS", 120)
    wait_until(installed.is_rolled_out, "both hook pods to be ready", 120)
    time.sleep(PAUSE / 3)  # until the last pod with HTTP gets no more requests
    before, failed = https_answers(installed), installed.failed_syncs(busy)
    installed.helm.install("--reuse-values", "--set", "tls.mode=helm", "--set", "config.minimumResources.cpu=7m")
    time.sleep(1)
    wait_until(installed.is_rolled_out, "both hook pods to be ready again", 120)
    wait_until(lambda: https_answers(installed) > before + COUNT, "more responses over HTTPS", 60)
    found = installed.failed_syncs(busy) - failed
    assert found - cancelled(found) == Counter()


def https_answers(installed: Installed) -> int:
    """Return the number of hook requests over HTTPS with status 200."""
    return sum(count for (code, url), count in installed.hook_requests().items() if code == "200" and "https:" in url)


def test_only_metacontroller_may_call_the_hook(installed: Installed, tmp_path: Path) -> None:
    """With enforced NetworkPolicies only Metacontroller's pods can connect to the hook, and the hook to nothing."""
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
        wait_until(lambda: installed.syncs()["200"] > before, "another sync", 60)
        assert installed.is_rolled_out(), "probes are allowed"


@contextlib.contextmanager
def caller(installed: Installed, namespace: str, labels: dict[str, str]) -> Iterator[Callable[[str, int], bool]]:
    """Run a pod with these labels; yield a function that returns whether it can connect to a host and port."""
    body = network_policy.pod("caller", "import time; time.sleep(600)", labels)
    installed.plane.kubectl("create", "-n", namespace, "-f", "-", stdin=body)
    installed.plane.kubectl("wait", "--for=condition=Ready", "pod/caller", "-n", namespace, "--timeout=50s")
    try:
        time.sleep(1)  # the rules follow a new pod after a moment
        yield lambda host, port: network_policy.reaches(installed.plane, namespace, "caller", host, port)
    finally:
        installed.plane.kubectl("delete", "pod", "caller", "-n", namespace)


def test_uninstalling_releases_functions(installed: Installed, busy: str) -> None:
    """`helm uninstall` completes; Functions stay without a finalizer, and so do their children."""
    before = installed.stack.versions(busy, "busy-0")
    installed.helm.run("uninstall", RELEASE, "-n", NAMESPACE, "--timeout", "3m")
    functions = installed.stack.list("functions", busy)
    assert len(functions) == COUNT
    assert not any(each["metadata"].get("finalizers") for each in functions)
    assert installed.stack.versions(busy, "busy-0") == before
    wait_until(lambda: not installed.chart_objects(), "the chart's objects to be deleted", 60)
