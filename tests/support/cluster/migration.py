"""Functions that move from Kyma, and the threads that watch their pods and Services meanwhile."""

import shutil
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from support import go_tools
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.kyma_module import CRD, MODULE
from support.cluster.kyma_programs import kyma
from support.cluster.kyma_system import is_ready
from support.cluster.pages import Shell, buildless, commands
from support.cluster.stack import GROUP, ROOT, Stack

PAGE = "migrating-from-kyma.md"
Functions = Mapping[tuple[str, str], Manifest]
NAMESPACES = ("default", "shop")
KUBELET_SECONDS = 0.1
"""How often pods are marked as ready."""
DEFAULTS = {"startupTimeoutSeconds": 150}


class Loop:
    """A function that a thread calls repeatedly; stop() raises its exception."""

    def __init__(self, work: Callable[[], None], seconds: float) -> None:
        self.work, self.seconds, self.turns = work, seconds, 0
        self.error: Exception | None = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def stop(self) -> None:
        self.ended.set()
        self.thread.join()
        if self.error:
            raise self.error

    def _run(self) -> None:
        try:
            while not self.ended.wait(self.seconds):
                self.work()
                self.turns += 1
        except Exception as error:  # noqa: BLE001 - stop() raises it
            self.error = error


class Migration:
    """A cluster with Kyma and these Functions, a checkout in which the commands run, and threads that watch."""

    def __init__(self, stack: Stack, checkout: Path, functions: Functions, trusted: Path | None = None) -> None:
        self.stack, self.plane, self.kyma, self.functions = stack, stack.plane, kyma(stack, trusted), functions
        self.shell = _shell(stack, checkout)
        self.marks: Counter[str] = Counter()
        self.gaps: list[tuple[str, str]] = []
        self.loops: list[Loop] = []
        self.before: dict[tuple[str, str], Manifest] = {}

    def start(self) -> None:
        """Create the Functions in Kyma's cluster, whose namespaces exist, and start the threads."""
        self.kyma.install()
        for (namespace, name), spec in self.functions.items():
            labels = {"labels": {"app": "shop"}} if namespace == "shop" else {}
            body = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "spec": spec}
            body["metadata"] = {"name": name} | labels
            code, created = self.plane.call("POST", f"{GROUP}/namespaces/{namespace}/functions", body)
            assert code == 201, created
        self.loops.append(Loop(self.mark_pods, KUBELET_SECONDS))
        self.kyma.settle(list(self.functions))
        self.before = {each: self.function(*each) for each in self.functions}
        self.services = {each: self.get("services", *each) for each in self.functions}
        self.loops.append(Loop(self.find_gaps, 0.05))

    def stop(self) -> None:
        while self.loops:
            self.loops.pop().stop()
        self.kyma.stop()

    def mark_pods(self) -> None:
        for namespace in NAMESPACES:
            self.stack.make_pods_ready(namespace, self.has_started)

    def has_started(self, pod: Manifest) -> bool:
        """Return whether a pod is a second old: pods that start at once would hide gaps."""
        self.marks[pod["metadata"]["uid"]] += 1
        return self.marks[pod["metadata"]["uid"]] > 1 / KUBELET_SECONDS

    def find_gaps(self) -> None:
        """Record each Service that has no ready pod now."""
        pods = self.plane.call("GET", "/api/v1/pods")[1]["items"]
        for each in list(self.before):
            labels = self.get("services", *each)["spec"]["selector"].items()
            if not any(serves(pod) and labels <= pod["metadata"]["labels"].items() for pod in pods):
                self.gaps.append(each)

    def follow(self, heading: str) -> str:
        """Run the commands below a heading of the page; return their output."""
        return "".join(map(self.run, commands(PAGE, heading)))

    def run(self, command: str) -> str:
        """Run a command of the page; Kyma's programs run afterwards if their Deployments say so."""
        output = self.shell.run(command)
        self.kyma.follow_replicas()
        return output

    def get(self, resource: str, namespace: str, name: str) -> Manifest:
        found = self.stack.get(resource, namespace, name)
        assert found is not None, f"there is no {resource} {namespace}/{name}"
        return found

    def crd(self) -> Manifest:
        return self.plane.call("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD}")[1]

    def function(self, namespace: str, name: str) -> Manifest:
        return self.get("functions", namespace, name)

    def deployments(self, namespace: str, name: str) -> list[str]:
        """Return the names of the Function's Deployments, with "-..." for a generated suffix."""
        found = self.kyma.deployments(self.function(namespace, name))
        names = (each["metadata"]["name"] for each in found)
        return sorted(each if each == name else f"{name}-..." for each in names)

    def check_nothing_was_interrupted(self) -> None:
        """Fail if a Service had no ready pod, or if a Function or its Service has been replaced."""
        turns = self.loops[-1].turns
        wait_until(lambda: self.loops[-1].turns > turns + 1, "another check for gaps")
        assert self.gaps == []
        for each, before in self.before.items():
            now, service = self.function(*each), self.get("services", *each)
            assert now["metadata"]["uid"] == before["metadata"]["uid"]
            # Our CRD has a default that Kyma's CRD lacks.
            assert now["spec"] | DEFAULTS == before["spec"] | DEFAULTS
            for path in (("metadata", "uid"), ("spec", "clusterIP"), ("spec", "selector"), ("spec", "ports")):
                assert [service[path[0]][path[1]]] == [self.services[each][path[0]][path[1]]]

    def prepare(self) -> None:
        """Follow the steps before the hook is installed."""
        for step in ("1. Stop Kyma", "2. Set the owner references to `controller: false`", "3. Hand over the Services"):
            self.follow(step)

    def serve_v2alpha1(self) -> None:
        """Let the CRD serve v2alpha1 as the chart does; no API server reaches the webhook, whose address has no pod."""
        flags = "--set conversion.enabled=true --set tls.mode=helm --show-only templates/customresourcedefinition.yaml"
        self.shell.run(f"helm template chart {flags} | kubectl apply --server-side --force-conflicts -f -")
        wait_until(self.prefers_v2alpha1, "kubectl to prefer v2alpha1")

    def prefers_v2alpha1(self) -> bool:
        """Return whether `kubectl get functions` fails since it needs the webhook, once kubectl knows each version."""
        self.plane.kubectl("api-resources")
        return "conversion webhook" in self.plane.kubectl("get", "functions", check=False)

    def go_back(self) -> None:
        """Run the commands of the way back; the last one starts Kyma."""
        *most, start = commands(PAGE, "Back to Kyma")
        for command in most:
            self.run(command)
        assert not any("finalizers" in self.function(*each)["metadata"] for each in self.functions)
        self.run(start)
        self.kyma.settle(list(self.functions))

    def check_kyma_owns(self, deployments: list[str]) -> None:
        """Fail unless each Function has exactly one Deployment, of this name and ready, and Kyma owns everything."""
        assert MODULE.items() <= self.crd()["metadata"]["labels"].items()
        assert [each["name"] for each in self.crd()["spec"]["versions"]] == ["v1alpha2"]
        assert [name for each in self.functions for name in self.deployments(*each)] == deployments
        for each in self.functions:
            (live,) = self.kyma.deployments(self.function(*each))
            assert is_ready(live)
            assert self.stack.condition(*each, "Ready") == {}
            service = self.get("services", *each)
            assert "controller-uid" not in service["metadata"]["labels"]
            for child in (live, service):
                assert [owner["controller"] for owner in child["metadata"]["ownerReferences"]] == [True]

    def sound(self) -> set[str]:
        """Return the lines of the file that the check writes."""
        return set((self.shell.directory / "sound").read_text().splitlines())

    def line(self, namespace: str, name: str) -> str:
        """Return the line of a Function in that file."""
        return f"{namespace} {name} {self.function(namespace, name)['metadata']['uid']}"


def _shell(stack: Stack, checkout: Path) -> Shell:
    for part in ("chart", "config", "crds"):
        shutil.copytree(ROOT / part, checkout / part)
    shutil.copy(ROOT / "kustomization.yaml", checkout)
    return Shell(stack.plane, {"buildless": buildless(stack.plane), "helm": go_tools.program("helm4")}, checkout)


def serves(pod: Manifest) -> bool:
    ready = {"type": "Ready", "status": "True"}.items()
    conditions = pod["status"].get("conditions", ())
    return "deletionTimestamp" not in pod["metadata"] and any(ready <= each.items() for each in conditions)
