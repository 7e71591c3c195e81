"""
Nothing that runs is touched by a mistake: a running Function is broken in 30 ways, one after another, and mended.

Most mistakes are refused at the door by the CRD; Functions that were stored under an older, laxer one are not. So the
CRD stands here without its rules, and it is the hook that says no.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import pytest
import yaml
from support.cluster.control_plane import wait_until
from support.cluster.stack import GROUP, KINDS, ROOT, Stack

from hooks.rules.size import OTHER_BYTES, SOURCE_BYTES

Manifest = dict[str, Any]

pytestmark = pytest.mark.own_stack

RULES: tuple[str, ...] = (
    "x-kubernetes-validations",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "pattern",
    "enum",
    "format",
)
RULES += ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")

SPEC = {"runtime": "python312", "source": {"inline": {"source": "def main(event, context):\n    return 'hi'\n"}}}
FUNCTIONS = {
    "plain": SPEC | {"replicas": 2, "resourceConfiguration": {"function": {"profile": "XS"}}},
    "scaled": SPEC | {"replicas": 1, "scaleConfig": {"minReplicas": 2, "maxReplicas": 5}},
}
NODE = {"runtime": "nodejs22"}


def inline(**fields: Any) -> Manifest:
    return {"source": {"inline": fields}}


def amounts(**sides: Any) -> Manifest:
    return {"resourceConfiguration": {"function": {"profile": None, "resources": sides}}}


def env(*entries: Manifest) -> Manifest:
    return {"env": list(entries)}


def mounts(*paths: str) -> Manifest:
    return {"secretMounts": [{"secretName": "s", "mountPath": path} for path in paths]}


CHOICE = "spec.resourceConfiguration.function"
BREAKS: list[tuple[Manifest, list[str]]] = [
    ({"runtime": "ruby33"}, ["spec.runtime"]),
    ({"source": {"inline": None}}, ["spec.source"]),
    ({"source": {"gitRepository": {"url": "https://x", "baseDir": "/", "reference": "main"}}}, ["spec.source"]),
    (inline(source="a\0b"), ["spec.source.inline.source"]),
    (inline(source="x" * SOURCE_BYTES), ["spec.source.inline"]),
    (inline(dependencies="a\0"), ["spec.source.inline.dependencies"]),
    (NODE | inline(dependencies="requests\n"), ["spec.source.inline.dependencies"]),
    (inline(dependencies="#" * 131_072), ["spec.source.inline.dependencies"]),
    ({"scaleConfig": {"minReplicas": 5, "maxReplicas": 2}}, ["spec.scaleConfig.maxReplicas"]),
    ({"resourceConfiguration": {"function": {"profile": "HUGE"}}}, [f"{CHOICE}.profile"]),
    ({"resourceConfiguration": {"function": {"profile": "S", "resources": {}}}}, [CHOICE]),
    ({"resourceConfiguration": {"function": {"profile": None}}}, [CHOICE]),
    (amounts(limits={"cpu": "much"}), [f"{CHOICE}.resources.limits.cpu"]),
    (amounts(limits={"cpu": "9m"}), [f"{CHOICE}.resources.limits.cpu"]),
    (amounts(requests={"memory": "15Mi"}), [f"{CHOICE}.resources.requests.memory"]),
    (amounts(requests={"cpu": "2"}, limits={"cpu": "1"}), [f"{CHOICE}.resources.requests.cpu"]),
    (amounts(claims=[{"name": "gpu"}]), [f"{CHOICE}.resources.claims"]),
    (env({"name": "FUNC_HANDLER_SOURCE", "value": "x"}), ["spec.env[0].name"]),
    (env({"name": "A"}, {"name": "A"}), ["spec.env[1].name"]),
    (env({"name": "A=B"}), ["spec.env[0].name"]),
    (env({"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}), ["spec.env[0]"]),
    (
        env({"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1KK"}}}),
        ["spec.env[0].valueFrom.resourceFieldRef.divisor"],
    ),
    (env({"name": "A", "value": "&" * (OTHER_BYTES // 6)}), ["spec: Invalid value: env, labels"]),
    ({"labels": {"a b": "c"}}, ["spec.labels"]),
    ({"labels": {"serverless.kyma-project.io/x": "c"}}, ["spec.labels"]),
    ({"annotations": {"proxy.istio.io/config": "{}"}}, ["spec.annotations"]),
    ({"nodeSelector": {"a/b/c": "d"}}, ["spec.nodeSelector"]),
    (mounts("/etc/../x"), ["spec.secretMounts[0].mountPath"]),
    (mounts("/tmp"), ["spec.secretMounts[0].mountPath"]),
    (mounts("/a", "/a/b"), ["spec.secretMounts[1].mountPath"]),
    (
        {"runtime": "cobol"} | env({"name": "PYTHONPATH"}) | mounts("/usr", "/usr/src") | {"labels": {"-": ""}},
        ["spec.runtime", "spec.env[0].name", "spec.secretMounts[1].mountPath", "spec.labels"],
    ),
    # What an older schema let in breaks the types and bounds of this one.
    ({"replicas": 1001}, ["spec.replicas"]),
    ({"runtime": "Ruby 3"}, ["spec.runtime"]),
    ({"labels": {"a": "b c"}}, ["spec.labels.a"]),
    ({"env": [{"name": "A", "value": "x" * 50_000}]}, ["spec.env[0].value"]),
    (
        mounts("etc/creds") | {"podSecurityContext": {"fsGroup": -1}, "labels": {"a": "x" * 100}},
        ["spec.secretMounts[0].mountPath", "spec.podSecurityContext.fsGroup", "spec.labels.a"],
    ),
]


@dataclass(frozen=True)
class Running:
    """Both Functions at work, and all that may not change."""

    stack: Stack
    namespace: str

    def frozen(self) -> Manifest:
        """Return what every pod and child is known by, and the replicas of each Deployment."""
        pods = {pod["metadata"]["uid"] for pod in self.stack.list("pods", self.namespace)}
        children = {
            (kind, child["metadata"]["name"]): child["metadata"]["resourceVersion"]
            for kind in KINDS
            for child in self.stack.list(kind, self.namespace)
        }
        replicas = {
            d["metadata"]["name"]: d["spec"]["replicas"] for d in self.stack.list("deployments", self.namespace)
        }
        return {"pods": pods, "children": children, "replicas": replicas}

    def edit(self, patch: Manifest) -> dict[str, int]:
        """Merge a patch into the spec of both; return their new generations."""
        edited = {name: self.stack.patch("functions", self.namespace, name, {"spec": patch}) for name in FUNCTIONS}
        return {name: function["metadata"]["generation"] for name, function in edited.items()}

    def mend(self) -> dict[str, int]:
        """Give both the very spec they had at first."""
        generations = {}
        for name, spec in FUNCTIONS.items():
            path = f"{GROUP}/namespaces/{self.namespace}/functions/{name}"
            patch = [{"op": "replace", "path": "/spec", "value": spec}]
            code, answer = self.stack.plane.call("PATCH", path, patch, kind="application/json-patch+json")
            assert code == 200, answer
            generations[name] = answer["metadata"]["generation"]
        return generations

    def has_changed(self, name: str) -> bool:
        return "changed" in str(self.stack.get("deployments", self.namespace, name))

    def says(self, kind: str, name: str, generation: int) -> str | None:
        """Return the condition's message if it is true of this generation."""
        condition = self.stack.condition(self.namespace, name, kind)
        is_true = (condition.get("status"), condition.get("observedGeneration")) == ("True", generation)
        return condition["message"] if is_true else None

    def took(self, name: str, mark: int) -> float:
        """Return the seconds from the edit since `mark` to the status that followed, by the API server's own clock."""
        plane, target = self.stack.plane, f"{self.namespace}/{name}"

        def patches() -> list[str]:
            edits = [event for event, what in plane.events(mark, "admin") if what == f"functions {target}"]
            return [event["stageTimestamp"] for event in edits if event["verb"] == "patch"]

        def answers() -> list[str]:
            writes = [event for event, what in plane.events(mark) if what == f"functions/status {target}"]
            return [event["stageTimestamp"] for event in writes if event["stageTimestamp"] > edited]

        # The audit log comes a moment after the answer.
        (edited,) = wait_until(patches, "the edit in the audit log")
        told, *_ = wait_until(answers, "the status in the audit log")
        seconds = (datetime.fromisoformat(told) - datetime.fromisoformat(edited)).total_seconds()
        print(f"{name}: {seconds:.3f} s")
        return seconds


@pytest.fixture(scope="module")
def functions(running: Stack) -> Iterator[Running]:
    """Two Functions that have settled, under a CRD without rules; an autoscaler has made one's two pods three."""
    crd = yaml.safe_load((ROOT / "crds" / "functions.yaml").read_text(encoding="utf-8"))
    for version in crd["spec"]["versions"]:
        version["schema"] = lax(version["schema"])
    running.plane.kubectl("apply", "--server-side", "-f", "-", stdin=crd)
    running.plane.kubectl("create", "namespace", "freeze")
    both = Running(running, "freeze")
    try:
        for name, spec in FUNCTIONS.items():
            head = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": {"name": name}}
            running.plane.kubectl("create", "-n", "freeze", "-f", "-", stdin=head | {"spec": spec})
        for name in FUNCTIONS:
            wait_until(partial(running.is_ready, "freeze", name), f"{name} to be ready")
        running.patch("deployments", "freeze", "scaled", {"spec": {"replicas": 3}})
        wait_until(lambda: len(running.list("pods", "freeze")) == 5, "the third pod")
        wait_until(lambda: running.is_ready("freeze", "scaled"), "scaled to be ready again")
        settled(both)
        yield both
    finally:
        running.plane.kubectl("delete", "functions", "--all", "-n", "freeze", "--timeout=30s")
        running.plane.kubectl("delete", "namespace", "freeze", "--wait=false")
        running.install()


def lax(schema: Any) -> Any:
    """Return a schema without what it forbids."""
    if isinstance(schema, list):
        return [lax(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    # A property may be called like a rule: only a rule's own value is no schema.
    return {key: lax(value) for key, value in schema.items() if key not in RULES or isinstance(value, dict)}


def settled(functions: Running) -> None:
    """Wait until nothing has changed for a second."""
    last: Manifest = {}
    deadline = time.monotonic() + 30
    while (now := functions.frozen()) != last:
        assert time.monotonic() < deadline, "never settles"
        last = now
        time.sleep(1)


def test_there_are_thirty() -> None:
    """The ways are at least 30, and no two are the same."""
    assert len({repr(patch) for patch, _ in BREAKS}) == len(BREAKS) >= 30


@pytest.mark.parametrize(("patch", "paths"), BREAKS, ids=[f"{n}-{row[1][0]}" for n, row in enumerate(BREAKS, 1)])
def test_freeze(functions: Running, patch: Manifest, paths: list[str]) -> None:
    """Within 2 s Stalled names every violation with its path; pods, children and replicas stay, also once mended."""
    before = functions.frozen()
    assert before["replicas"] == {"plain": 2, "scaled": 3}
    mark = functions.stack.plane.mark()
    for name, generation in functions.edit(patch).items():
        message = wait_until(partial(functions.says, "Stalled", name, generation), "Stalled")
        assert functions.took(name, mark) <= 2
        for path in paths:
            assert path in message
    time.sleep(0.3)
    assert functions.frozen() == before
    for name, generation in functions.mend().items():
        wait_until(partial(functions.says, "Ready", name, generation), "Ready")
        assert not functions.stack.condition(functions.namespace, name, "Stalled")
    time.sleep(0.3)
    assert functions.frozen() == before


def test_a_change_waits_for_the_mending(functions: Running) -> None:
    """An edit that is both a change and a mistake changes nothing until it is mended, and then rolls out."""
    before = functions.frozen()
    changed = inline(source="def main(event, context):\n    return 'changed'\n")
    for name, generation in functions.edit(changed | {"runtime": "cobol"}).items():
        wait_until(partial(functions.says, "Stalled", name, generation), "Stalled")
    time.sleep(0.3)
    assert functions.frozen() == before
    functions.edit({"runtime": "python312"})
    for name in FUNCTIONS:
        wait_until(partial(functions.has_changed, name), "the change")
        wait_until(partial(functions.stack.is_ready, "freeze", name), f"{name} to be ready")
    settled(functions)
    after = functions.frozen()
    assert after["replicas"] == before["replicas"]
    assert not after["pods"] & before["pods"]
