"""
A mixed set of Functions, changes to it during a fault, and the state that must be the same as without the fault.

Every run uses a namespace of its own on one control plane, so UIDs and the namespace are replaced by names.
"""

import contextlib
import http.client
import json
import time
from collections import Counter
from functools import partial
from typing import Any

from support.cluster.control_plane import Manifest, wait_until
from support.cluster.functions import AUTOSCALED, comparable, function
from support.cluster.stack import GROUP, KINDS, Stack
from support.cluster.stack import PREFIX as PATHS

from hooks.naming import PREFIX

BROKEN: Manifest = {"resourceConfiguration": {"function": {"profile": "HUGE"}}}
SOUND: Manifest = {"resourceConfiguration": {"function": {"profile": "S"}}}
LATER: Manifest = {"source": {"inline": {"source": "def main(event, context):\n    return 'later'\n"}}}
BEFORE: dict[str, Manifest] = {
    "plain": {"replicas": 2},
    "autoscaled": AUTOSCALED,
    "account": {"serviceAccountName": "own"},
    "invalid": BROKEN,
    "corrected": {},
    "broken": {},
    "edited": {"env": [{"name": "A", "value": "1"}]},
    "scaled": {},
    "deleted": AUTOSCALED,
    "drifted": {},
}
"""The Functions before the fault; `corrected` is valid first, then edited so that it is frozen."""
TAKEN = "taken"
"""A Function whose Service cannot be created: another one has its name. Its status has to end in Stalled."""
NAME = f"{PREFIX}function-name"


class MixedFunctions:
    """The Functions of one namespace; `pods` are those of the Functions `untouched`, which must survive."""

    untouched = ("plain", "autoscaled", "account", "broken", "drifted")

    def __init__(self, stack: Stack, namespace: str) -> None:
        self.stack, self.namespace, self.pods = stack, namespace, set[str]()

    def prepare(self) -> None:
        """Create the Functions and wait until each is ready or frozen, and nothing is written."""
        self.stack.plane.kubectl("create", "namespace", self.namespace)
        self.stack.plane.kubectl("create", "service", "clusterip", TAKEN, "--tcp=99:99", "-n", self.namespace)
        for name, spec in BEFORE.items():
            self.create(name, **spec)
        self.settle()
        self.edit("corrected", **BROKEN)
        self.settle()
        self.pods = self.pods_of(self.untouched)

    def change(self) -> None:
        """Edit, create and delete Functions and children; every request is repeated until it succeeds."""
        self.edit("edited", **LATER, env=[{"name": "B", "value": "2"}, {"name": "A", "value": "$(B)"}])
        self.edit("corrected", **SOUND)
        self.edit("broken", **BROKEN)
        self.edit("scaled", replicas=2)
        self.delete("functions", "deleted")
        self.delete("services", "drifted")
        self.create("created", **AUTOSCALED)
        self.create(TAKEN)

    def settle(self, seconds: float = 180) -> None:
        """Wait until each Function has reached its end, and Metacontroller has written nothing for two seconds."""
        wait_until(self.is_settled, "every Function to be ready or frozen", seconds)
        wait_until(self.is_quiet, "Metacontroller to write nothing", seconds)

    def is_settled(self) -> bool:
        self.stack.make_pods_ready(self.namespace)
        return all(map(_has_ended, self.functions()))

    def is_quiet(self, seconds: float = 2) -> bool:
        mark = self.stack.plane.mark()
        time.sleep(seconds)
        return not self.writes(mark) and self.is_settled()

    def writes(self, mark: int) -> dict[str, int]:
        """Return Metacontroller's writes to the namespace since then, with their numbers, but for the refused TAKEN."""
        written = self.stack.plane.writes(mark)
        written.pop(f"create services {self.namespace}/{TAKEN}", None)
        return {what: number for what, number in written.items() if f" {self.namespace}/" in what}

    def resync(self) -> None:
        """Cause a sync of every Function."""
        for each in self.functions():
            patch = {"metadata": {"annotations": {"example.com/resync": str(time.monotonic())}}}
            self.stack.patch("functions", self.namespace, each["metadata"]["name"], patch)

    def functions(self) -> list[Manifest]:
        return self.stack.list("functions", self.namespace)

    def create(self, name: str, **spec: Any) -> None:
        path = f"{GROUP}/namespaces/{self.namespace}/functions"
        self._repeat("POST", path, function(name, **spec), (201, 409))

    def edit(self, name: str, **spec: Any) -> None:
        path = f"{GROUP}/namespaces/{self.namespace}/functions/{name}"
        self._repeat("PATCH", path, {"spec": spec}, (200,))

    def delete(self, resource: str, name: str) -> None:
        path = f"{PATHS[resource]}/namespaces/{self.namespace}/{resource}/{name}"
        self._repeat("DELETE", path, None, (200, 404))

    def _repeat(self, method: str, path: str, body: Any, codes: tuple[int, ...]) -> None:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        call = partial(self.stack.plane.call, method, path, body, kind=kind)

        def succeeds() -> bool:
            with contextlib.suppress(http.client.HTTPException, json.JSONDecodeError):  # the API server was killed
                return call()[0] in codes
            return False

        wait_until(succeeds, f"{method} {path}", 180)

    def pods_of(self, names: tuple[str, ...]) -> set[str]:
        """Return the UIDs of these Functions' pods."""
        pods = self.stack.list("pods", self.namespace)
        return {pod["metadata"]["uid"] for pod in pods if pod["metadata"]["labels"][NAME] in names}

    def state(self) -> dict[str, Any]:
        """Return every Function with its status, child, number of pods and rollouts, without times."""
        functions = self.functions()
        found: dict[str, Any] = {f"Function {each['metadata']['name']}": _function(each) for each in functions}
        for resource in KINDS:
            children = self.stack.list(resource, self.namespace)
            found |= {f"{resource} {child['metadata']['name']}": _child(child) for child in children}
        names = Counter(each["metadata"]["labels"][NAME] for each in self.stack.list("pods", self.namespace))
        found |= {f"pods of {name}": number for name, number in names.items()}
        found |= {f"rollouts of {name}": len(every) for name, every in self._templates().items()}
        return self._with_names(found, functions)

    def _templates(self) -> dict[str, set[str]]:
        """
        Return the pod templates of each Function's ReplicaSets.

        If the API server is killed at the wrong moment, kube-controller-manager creates a second one with the same
        template, so their number says nothing.
        """
        found: dict[str, set[str]] = {}
        for each in self.stack.list("replicasets", self.namespace):
            template = each["spec"]["template"]
            del template["metadata"]["labels"]["pod-template-hash"]
            found.setdefault(template["metadata"]["labels"][NAME], set()).add(json.dumps(template, sort_keys=True))
        return found

    def _with_names(self, found: dict[str, Any], functions: list[Manifest]) -> dict[str, Any]:
        text = json.dumps(found, sort_keys=True)
        for each in functions:
            text = text.replace(each["metadata"]["uid"], f"uid of {each['metadata']['name']}")
        decoded: dict[str, Any] = json.loads(text.replace(self.namespace, "NAMESPACE"))
        return decoded


def _has_ended(each: Manifest) -> bool:
    """Return whether a Function's status has its generation, and is Ready or Stalled."""
    newest, status = each["metadata"]["generation"], each["status"]
    if "deletionTimestamp" in each["metadata"] or status["observedGeneration"] != newest:
        return False
    true = {condition["type"] for condition in status["conditions"] if condition["status"] == "True"}
    return bool({"Ready", "Stalled"} & true)


def _function(each: Manifest) -> Manifest:
    status = each.get("status", {})
    conditions = [{**condition, "lastTransitionTime": ""} for condition in status.get("conditions", ())]
    metadata = {key: each["metadata"].get(key) for key in ("generation", "finalizers", "deletionTimestamp")}
    return {"metadata": metadata, "spec": each["spec"], "status": status | {"conditions": conditions}}


def _child(child: Manifest) -> Manifest:
    """Return a child with its record parsed and its generation, which comparable() drops."""
    metadata = child["metadata"]
    if "ownerReferences" not in metadata:
        return {"metadata": metadata["name"], "ports": child["spec"]["ports"]}
    counts = {key: metadata.get(key) for key in ("generation", "deletionTimestamp")}
    return comparable(child, ignored={"uid"}) | {"counts": counts}


def differences(found: Any, wanted: Any, path: str = "") -> dict[str, Any]:
    """Return what differs, by path: the found and the wanted value."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        keys = sorted(found.keys() | wanted.keys())
        pairs = [differences(found.get(key), wanted.get(key), f"{path}/{key}") for key in keys]
        return {key: value for pair in pairs for key, value in pair.items()}
    return {} if found == wanted else {path: (found, wanted)}
