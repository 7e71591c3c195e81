"""Functions that move from Kyma, and the threads that watch their pods and Services meanwhile."""

import threading
from collections import Counter
from collections.abc import Callable

from support.cluster.control_plane import Manifest, wait_until
from support.cluster.kyma_simulator import Kyma
from support.cluster.pages import Shell, commands
from support.cluster.stack import GROUP, Stack

PAGE = "migrating-from-kyma.md"
PYTHON = {"inline": {"source": "def main(event, context):\n    return '$(HOME) $$'\n"}}
NODE = {"inline": {"source": "module.exports = {main: () => 'hi'}\n"}}
SECRET = {"secretName": "key", "mountPath": "/etc/key"}
LIMITS = {"limits": {"cpu": "200m", "memory": "128Mi"}, "requests": {"cpu": "50m", "memory": "64Mi"}}
VARIABLE = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "key", "key": "token"}}}
REPOSITORY = {"url": "https://github.com/acme/functions.git", "baseDir": "hello", "reference": "main"}
FROM_GIT, ROOTED = REFUSED = (("default", "from-git"), ("shop", "rooted"))
FUNCTIONS: dict[tuple[str, str], Manifest] = {
    ("default", "plain"): {"runtime": "python312", "source": PYTHON, "env": [{"name": "A", "value": "1"}, VARIABLE]},
    ("default", "packages"): {
        "runtime": "nodejs22",
        "source": {"inline": NODE["inline"] | {"dependencies": '{"dependencies": {"lodash": "^4"}}'}},
        "secretMounts": [SECRET],
        "resourceConfiguration": {"function": {"resources": LIMITS}},
    },
    ("shop", "scaled"): {"runtime": "nodejs24", "source": NODE, "replicas": 2},
    ("shop", "labelled"): {
        "runtime": "python312",
        "source": {"inline": PYTHON["inline"] | {"dependencies": "requests>=2.32,<3\n"}},
        "labels": {"team": "shop", "app.kubernetes.io/name": "mine"},
        "annotations": {"example.com/note": "kept"},
        "resourceConfiguration": {"function": {"profile": "XS"}},
    },
    FROM_GIT: {"runtime": "nodejs22", "source": {"gitRepository": REPOSITORY}},
    ROOTED: {"runtime": "nodejs22", "source": NODE, "podSecurityContext": {"runAsUser": 0}},
}
NAMESPACES = ("default", "shop")
KUBELET_SECONDS = 0.1
"""How often pods are marked as ready."""
DEFAULTS = {"startupTimeoutSeconds": 150}
VALID = [each for each in FUNCTIONS if each not in REFUSED]


class Loop:
    """A function that a thread calls again and again; stop() raises its exception."""

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
    """The cluster, and the threads that watch it."""

    def __init__(self, stack: Stack, shell: Shell) -> None:
        self.stack, self.plane, self.shell, self.kyma = stack, stack.plane, shell, Kyma(stack)
        self.marks: Counter[str] = Counter()
        self.gaps: list[tuple[str, str]] = []
        self.loops: list[Loop] = []
        self.before: dict[tuple[str, str], Manifest] = {}

    def start(self) -> None:
        """Create the Functions in Kyma's cluster, and start the threads."""
        self.kyma.install()
        self.plane.kubectl("create", "namespace", "shop")
        for (namespace, name), spec in FUNCTIONS.items():
            labels = {"labels": {"app": "shop"}} if namespace == "shop" else {}
            body = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "spec": spec}
            body["metadata"] = {"name": name} | labels
            code, created = self.plane.call("POST", f"{GROUP}/namespaces/{namespace}/functions", body)
            assert code == 201, created
        self.loops.append(Loop(self.mark_pods, KUBELET_SECONDS))
        self.kyma.settle(list(FUNCTIONS))
        self.plane.kubectl("autoscale", "function", "scaled", "-n", "shop", "--min=2", "--max=5", "--cpu=50%")
        self.before = {each: self.function(*each) for each in FUNCTIONS}
        self.services = {each: self.get("services", *each) for each in FUNCTIONS}
        self.loops.append(Loop(self.find_gaps, 0.05))

    def stop(self) -> None:
        while self.loops:
            self.loops.pop().stop()

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
        return "".join(map(self.shell.run, commands(PAGE, heading)))

    def get(self, resource: str, namespace: str, name: str) -> Manifest:
        found = self.stack.get(resource, namespace, name)
        assert found is not None, f"there is no {resource} {namespace}/{name}"
        return found

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
        assert self.get("horizontalpodautoscalers", "shop", "scaled")["spec"]["scaleTargetRef"]["kind"] == "Function"


def serves(pod: Manifest) -> bool:
    ready = {"type": "Ready", "status": "True"}.items()
    conditions = pod["status"].get("conditions", ())
    return "deletionTimestamp" not in pod["metadata"] and any(ready <= each.items() for each in conditions)
