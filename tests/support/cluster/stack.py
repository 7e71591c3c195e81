"""All components on loopback: a control plane, the hook under gunicorn, Metacontroller."""

import contextlib
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
import yaml
from support.cluster.control_plane import ControlPlane, Manifest, find_assets, no_checks, wait_until
from support.cluster.processes import Processes
from support.ports import free_port

from hooks.children import KINDS as CHILDREN
from hooks.children import Kind

ROOT = Path(__file__).parents[3]
GROUP = "/apis/serverless.kyma-project.io/v1alpha2"
RESOURCES = {kind.name: kind.resource for kind in CHILDREN.values()} | {"Pod": "pods"}
KINDS = tuple(kind.resource for kind in CHILDREN.values() if not kind.needs_git)
"""The resources of the children that every cluster knows."""
PREFIX = {
    kind.resource: f"/{'apis' if '/' in kind.api_version else 'api'}/{kind.api_version}" for kind in CHILDREN.values()
} | {"replicasets": "/apis/apps/v1", "pods": "/api/v1", "functions": GROUP}


class Stack:
    """
    A control plane, the hook and Metacontroller; the latter two can be stopped and started.

    `tree` is the checkout from which the hook, the CRD and the CompositeController are taken. Metacontroller calls the
    hook at `webhook_port`.
    """

    def __init__(self, plane: ControlPlane, tree: Path = ROOT) -> None:
        self.plane, self.tree = plane, tree
        self.processes = Processes(plane.directory)
        self.hook_port = free_port()
        self.webhook_port = self.hook_port
        self.metacontroller_flags = [
            f"--kubeconfig={plane.kubeconfig('metacontroller')}",
            "--client-go-qps=1000",
            "--client-go-burst=2000",
            "--workers=20",
            f"--metrics-address=127.0.0.1:{free_port()}",
            f"--health-probe-bind-address=127.0.0.1:{free_port()}",
        ]

    def start_hook(self, *arguments: str, **environment: str) -> None:
        bind = f"127.0.0.1:{self.hook_port}"
        command = [sys.executable, "-m", "hooks.cli", "serve", "--bind", bind, *arguments]
        self.processes.start("hook", command, PYTHONPATH=str(self.tree), **environment)
        self.wait_until_hook_is_ready("https" if "--tls-key" in arguments else "http")

    def wait_until_hook_is_ready(self, scheme: str = "http") -> None:
        wait_until(lambda: _answers(f"{scheme}://127.0.0.1:{self.hook_port}/readyz"), "the hook to be ready", 60)

    def restart_hook(self, *arguments: str, **environment: str) -> None:
        """Stop the hook if it runs, and start it."""
        if "hook" in self.processes.running:
            self.processes.stop("hook")
        self.start_hook(*arguments, **environment)

    def start_metacontroller(self, **environment: str) -> None:
        program = shutil.which("metacontroller")
        assert program is not None
        self.processes.start("metacontroller", [program, *self.metacontroller_flags], **environment)

    def install_metacontroller(self) -> None:
        """Apply Metacontroller's own CRDs."""
        self.plane.kubectl("apply", "--server-side", "-f", str(Path(__file__).parent / "metacontroller-crds.yaml"))
        self.wait_until_established("compositecontrollers.metacontroller.k8s.io")

    def install(self, resync_seconds: int | None = None, without_hooks: Iterable[str] = ()) -> None:
        """Install everything but the hook; `resync_seconds` forces resyncs, `without_hooks` leaves hooks out."""
        self.install_metacontroller()
        self.install_crd()
        self.install_controller(resync_seconds, without_hooks)

    def install_crd(self) -> None:
        self.plane.kubectl("apply", "--server-side", "-f", str(self.tree / "crds" / "functions.yaml"))
        self.wait_until_established("functions.serverless.kyma-project.io")

    def install_controller(
        self,
        resync_seconds: int | None = None,
        without_hooks: Iterable[str] = (),
        query: str = "",
        kinds: Iterable[Kind] = (),
    ) -> None:
        """
        Apply the CompositeController, with additional `kinds` of children.

        Another `query` in the hook's URLs causes a sync of every Function.
        """
        controller = yaml.safe_load((self.tree / "compositecontroller.yaml").read_text(encoding="utf-8"))
        controller["spec"]["childResources"] += [
            {"apiVersion": kind.api_version, "resource": kind.resource, "updateStrategy": {"method": "InPlace"}}
            for kind in kinds
        ]
        for name in without_hooks:
            del controller["spec"]["hooks"][name]
        for hook in controller["spec"]["hooks"].values():
            path = hook["webhook"]["url"].rpartition("8080")[2]
            hook["webhook"] = hook["webhook"] | {"url": f"http://127.0.0.1:{self.webhook_port}{path}{query}"}
        if resync_seconds:
            controller["spec"]["resyncPeriodSeconds"] = resync_seconds
        self.plane.kubectl("apply", "-f", "-", stdin=controller)

    def wait_until_established(self, crd: str) -> None:
        """Return once a CRD is served; `kubectl wait` fails on a CRD that has no conditions yet."""
        wait_until(lambda: self._established(crd), f"{crd} to be established")

    def _established(self, crd: str) -> bool:
        _, found = self.plane.call("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd}")
        conditions = found.get("status", {}).get("conditions") or ()
        return any((each["type"], each["status"]) == ("Established", "True") for each in conditions)

    def get(self, resource: str, namespace: str, name: str) -> Manifest | None:
        """Return an object, None if it does not exist."""
        code, found = self.plane.call("GET", f"{PREFIX[resource]}/namespaces/{namespace}/{resource}/{name}")
        return found if code == 200 else None

    def list(self, resource: str, namespace: str) -> list[Manifest]:
        found = self.plane.call("GET", f"{PREFIX[resource]}/namespaces/{namespace}/{resource}")[1]
        return list(found["items"])

    def patch(self, resource: str, namespace: str, name: str, patch: Manifest, *, status: bool = False) -> Manifest:
        """Apply a JSON merge patch."""
        path = f"{PREFIX[resource]}/namespaces/{namespace}/{resource}/{name}{'/status' if status else ''}"
        code, answer = self.plane.call("PATCH", path, patch, kind="application/merge-patch+json")
        assert code == 200, answer
        return answer

    def condition(self, namespace: str, name: str, kind: str) -> Manifest:
        """Return a condition of a Function, {} if it is absent."""
        function = self.get("functions", namespace, name) or {}
        conditions = function.get("status", {}).get("conditions", [])
        return next((condition for condition in conditions if condition["type"] == kind), {})

    def versions(self, namespace: str, name: str) -> dict[str, str]:
        """Return the resourceVersion of each child that exists."""
        children = {kind: self.get(kind, namespace, name) for kind in KINDS}
        return {kind: child["metadata"]["resourceVersion"] for kind, child in children.items() if child}

    def make_pods_ready(self, namespace: str, which: Callable[[Manifest], bool] | None = None) -> None:
        """Mark pods without a node as ready, as a kubelet does; with `which`, only those for which it is true."""
        ready = [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "ContainersReady")]
        for pod in self.list("pods", namespace):
            if pod["status"]["phase"] == "Pending" and "nodeName" not in pod["spec"] and (which is None or which(pod)):
                status = {"phase": "Running", "conditions": ready}
                path = f"{PREFIX['pods']}/namespaces/{namespace}/pods/{pod['metadata']['name']}/status"
                # The status is ignored: during a rollout the pod may be deleted by now.
                self.plane.call("PATCH", path, {"status": status}, kind="application/merge-patch+json")

    def is_ready(self, namespace: str, name: str, generation: int = 0) -> bool:
        """Mark the pods of the namespace as ready; return whether the Function has Ready=True, for this generation."""
        self.make_pods_ready(namespace)
        ready = self.condition(namespace, name, "Ready")
        return ready.get("status") == "True" and generation in (0, ready["observedGeneration"])


@contextlib.contextmanager
def own_stack(directory: Path, *flags: str, tree: Path = ROOT, **environment: str) -> Iterator[Stack]:
    """
    Start a control plane for one module, with these flags and variables for its API server and nothing installed.

    All processes end with the block. The test is skipped if a program is missing.
    """
    needed_metacontroller()
    plane = ControlPlane(needed_assets(), directory, *flags, environment=environment)
    stack = Stack(plane, tree)
    try:
        plane.start()
        yield stack
    finally:
        stack.processes.stop_all()
        plane.stop()


def needed_assets() -> Path:
    """Return the directory of the control plane's programs; skip the test if one is missing."""
    assets = find_assets()
    if assets is None:
        pytest.skip(
            "KUBEBUILDER_ASSETS names no directory with etcd, kube-apiserver, kube-controller-manager and kubectl"
        )
    return assets


def needed_metacontroller() -> str:
    """Return Metacontroller's path; skip the test if it is not on PATH."""
    program = shutil.which("metacontroller")
    if program is None:
        pytest.skip("metacontroller is not on PATH")
    return program


def _answers(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=2, context=no_checks()) as response:
        return bool(response.status == 200)
