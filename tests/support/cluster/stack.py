"""The whole system beside each other on loopback: a control plane, the hook under gunicorn, Metacontroller."""

import contextlib
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.cluster.control_plane import ControlPlane, Processes, find_assets, free_port, wait_until

from hooks.children import KINDS as CHILDREN

ROOT = Path(__file__).parents[3]
GROUP = "/apis/serverless.kyma-project.io/v1alpha2"
RESOURCES = {kind.name: kind.resource for kind in CHILDREN.values()} | {"Pod": "pods"}
KINDS = tuple(kind.resource for kind in CHILDREN.values())
PREFIX = {
    kind.resource: f"/{'apis' if '/' in kind.api_version else 'api'}/{kind.api_version}" for kind in CHILDREN.values()
} | {"replicasets": "/apis/apps/v1", "pods": "/api/v1", "functions": GROUP}

Manifest = dict[str, Any]


class Stack:
    """
    What a cluster with buildless Functions consists of; hook and Metacontroller can be stopped and started.

    `tree` is the directory that hook, CRD and CompositeController come from.
    """

    def __init__(self, plane: ControlPlane, tree: Path = ROOT) -> None:
        self.plane, self.tree = plane, tree
        self.processes = Processes(plane.directory)
        self.hook_port = free_port()
        self.metacontroller_flags = [
            f"--kubeconfig={plane.kubeconfig('metacontroller')}",
            "--client-go-qps=100",
            "--client-go-burst=200",
            "--workers=20",
            f"--metrics-address=127.0.0.1:{free_port()}",
            f"--health-probe-bind-address=127.0.0.1:{free_port()}",
        ]

    def start_hook(self, *arguments: str, **environment: str) -> None:
        bind = f"127.0.0.1:{self.hook_port}"
        command = [sys.executable, "-m", "hooks.cli", "serve", "--bind", bind, *arguments]
        self.processes.start("hook", command, PYTHONPATH=str(self.tree), **environment)
        wait_until(lambda: _answers(f"http://{bind}/readyz"), "the hook to answer")

    def restart_hook(self, *arguments: str, **environment: str) -> None:
        """Start the hook in the place of the one that runs, if one does."""
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
        """Apply the project as it stands, but for the hook's address and, if given, a forced resync or fewer hooks."""
        self.install_metacontroller()
        self.install_crd()
        self.install_controller(resync_seconds, without_hooks)

    def install_crd(self) -> None:
        self.plane.kubectl("apply", "--server-side", "-f", str(self.tree / "crds" / "functions.yaml"))
        self.wait_until_established("functions.serverless.kyma-project.io")

    def install_controller(
        self, resync_seconds: int | None = None, without_hooks: Iterable[str] = (), query: str = ""
    ) -> None:
        """Apply the CompositeController; a `query` makes the hook's addresses others, so that all is asked anew."""
        controller = yaml.safe_load((self.tree / "compositecontroller.yaml").read_text(encoding="utf-8"))
        for name in without_hooks:
            del controller["spec"]["hooks"][name]
        for hook in controller["spec"]["hooks"].values():
            path = hook["webhook"]["url"].rpartition("8080")[2]
            hook["webhook"] = hook["webhook"] | {"url": f"http://127.0.0.1:{self.hook_port}{path}{query}"}
        if resync_seconds:
            controller["spec"]["resyncPeriodSeconds"] = resync_seconds
        self.plane.kubectl("apply", "-f", "-", stdin=controller)

    def wait_until_established(self, crd: str) -> None:
        """Return once a CRD is served; kubectl wait fails on one so new that it has no conditions yet."""
        wait_until(lambda: self._established(crd), f"{crd} to be established")

    def _established(self, crd: str) -> bool:
        _, found = self.plane.call("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd}")
        conditions = found.get("status", {}).get("conditions") or ()
        return any((each["type"], each["status"]) == ("Established", "True") for each in conditions)

    def get(self, resource: str, namespace: str, name: str) -> Manifest | None:
        """Return an object, None where there is none."""
        code, found = self.plane.call("GET", f"{PREFIX[resource]}/namespaces/{namespace}/{resource}/{name}")
        return found if code == 200 else None

    def list(self, resource: str, namespace: str) -> list[Manifest]:
        items: list[Manifest] = self.plane.call("GET", f"{PREFIX[resource]}/namespaces/{namespace}/{resource}")[1][
            "items"
        ]
        return items

    def patch(self, resource: str, namespace: str, name: str, patch: Manifest, *, status: bool = False) -> Manifest:
        """Apply a JSON merge patch."""
        path = f"{PREFIX[resource]}/namespaces/{namespace}/{resource}/{name}{'/status' if status else ''}"
        code, answer = self.plane.call("PATCH", path, patch, kind="application/merge-patch+json")
        assert code == 200, answer
        return answer

    def condition(self, namespace: str, name: str, kind: str) -> Manifest:
        """Return a condition of a Function, an empty map where it is absent."""
        function = self.get("functions", namespace, name) or {}
        conditions = function.get("status", {}).get("conditions", [])
        return next((condition for condition in conditions if condition["type"] == kind), {})

    def versions(self, namespace: str, name: str) -> dict[str, str]:
        """Return the resourceVersion of each child that exists."""
        children = {kind: self.get(kind, namespace, name) for kind in KINDS}
        return {kind: child["metadata"]["resourceVersion"] for kind, child in children.items() if child}

    def make_pods_ready(self, namespace: str, which: Callable[[Manifest], bool] | None = None) -> None:
        """Say of each pod that no node has taken that it is ready, as a kubelet would; or only of some of them."""
        ready = [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "ContainersReady")]
        for pod in self.list("pods", namespace):
            if pod["status"]["phase"] == "Pending" and "nodeName" not in pod["spec"] and (which is None or which(pod)):
                status = {"phase": "Running", "conditions": ready}
                path = f"{PREFIX['pods']}/namespaces/{namespace}/pods/{pod['metadata']['name']}/status"
                # Whatever the answer: during a rollout a pod may be gone by now.
                self.plane.call("PATCH", path, {"status": status}, kind="application/merge-patch+json")

    def forbid(self, namespace: str, variable: str) -> None:
        """Have a policy of the cluster refuse every Deployment of a namespace that has this variable."""
        head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": namespace}}
        rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"]}
        matches = {"resourceRules": [rule | {"resources": ["deployments"]}]}
        matches |= {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
        unset = f"object.spec.template.spec.containers.all(c, !c.?env.orValue([]).exists(e, e.name == '{variable}'))"
        spec = {
            "matchConstraints": matches,
            "validations": [{"expression": unset, "message": f"{variable} is forbidden"}],
        }
        policy = {"kind": "ValidatingAdmissionPolicy", "spec": spec}
        works = {"policyName": namespace, "validationActions": ["Deny"]}
        for each in (policy, {"kind": "ValidatingAdmissionPolicyBinding", "spec": works}):
            self.plane.kubectl("create", "-f", "-", stdin=head | each)
        labels = {"app": "trial"}
        pod = {"containers": [{"name": "a", "image": "a", "env": [{"name": variable}]}]}
        template = {"metadata": {"labels": labels}, "spec": pod}
        trial = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "trial"}}
        trial |= {"spec": {"selector": {"matchLabels": labels}, "template": template}}
        path = f"{PREFIX['deployments']}/namespaces/{namespace}/deployments?dryRun=All"
        wait_until(lambda: self.plane.call("POST", path, trial)[0] != 201, "the policy to be at work", 60)

    def is_ready(self, namespace: str, name: str) -> bool:
        self.make_pods_ready(namespace)
        return self.condition(namespace, name, "Ready").get("status") == "True"


@contextlib.contextmanager
def own_stack(directory: Path, *flags: str, tree: Path = ROOT) -> Iterator[Stack]:
    """
    A control plane for one module, with these flags for its API server and nothing installed.

    It ends with the block, and so do hook and Metacontroller; skips where a program is missing.
    """
    needed_metacontroller()
    plane = ControlPlane(needed_assets(), directory, *flags)
    stack = Stack(plane, tree)
    try:
        plane.start()
        yield stack
    finally:
        stack.processes.stop_all()
        plane.stop()


def needed_assets() -> Path:
    """Return the directory of the control plane's programs; skips where there is none."""
    assets = find_assets()
    if assets is None:
        pytest.skip("KUBEBUILDER_ASSETS does not name a directory with etcd, kube-apiserver ...")
    return assets


def needed_metacontroller() -> str:
    """Return the program on PATH; skips where there is none."""
    program = shutil.which("metacontroller")
    if program is None:
        pytest.skip("there is no metacontroller on PATH")
    return program


def _answers(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=2) as answer:
        return bool(answer.status == 200)
