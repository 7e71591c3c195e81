"""
A mistake changes nothing that runs: two running Functions break each rule in turn, and are corrected.

The CRD rejects most of these specs. Functions that were stored under an older CRD can still have them, so the CRD is
installed without its bounds and rules, and only the hook finds the violations.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import pytest
import yaml
from support.broken_specs import Example, examples
from support.cases import complete
from support.cluster.control_plane import wait_until
from support.cluster.stack import GROUP, KINDS, ROOT, Stack

from hooks.rules import RULES as ALL_RULES

Manifest = dict[str, Any]

pytestmark = pytest.mark.own_stack

BOUNDS = (
    *("x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "pattern", "enum", "format"),
    *("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
)
SPEC = complete({"spec": {}})["spec"]
FUNCTIONS = {
    "plain": SPEC | {"replicas": 2},
    "scaled": SPEC | {"scaleConfig": {"minReplicas": 2, "maxReplicas": 5}},
}
ELSEWHERE = {"function_name", "own_account", "allowed_image", "privilege_escalation", "root_user"}
"""Rules that need another name or config than the Functions and the hook have here."""


def is_stored(example: Example) -> bool:
    """Return whether an API server with a CRD without bounds accepts the spec; it always checks types."""
    return "must be of type" not in example.error


FIRST = {example.key: example for example in reversed(examples()) if example.key not in ELSEWHERE}
BROKEN: dict[str, tuple[Manifest, list[str]]] = {
    **{key: (FIRST[key].spec, [FIRST[key].error]) for key in sorted(FIRST)},
    **{f"schema {n}": (each.spec, [each.error]) for n, each in enumerate(examples("schema")) if is_stored(each)},
    "several rules": (
        {"runtime": "cobol", "env": [{"name": "PYTHONPATH"}], "labels": {"-": ""}}
        | {"secretMounts": [{"secretName": "s", "mountPath": path} for path in ("/usr", "/usr/src")]},
        ["spec.runtime", "spec.env[0].name", "spec.secretMounts[1].mountPath", "spec.labels"],
    ),
    "several bounds": (
        {"podSecurityContext": {"fsGroup": -1}, "labels": {"a": "x" * 100}}
        | {"secretMounts": [{"secretName": "s", "mountPath": "etc/creds"}]},
        ["spec.secretMounts[0].mountPath", "spec.podSecurityContext.fsGroup", "spec.labels.a"],
    ),
}


@dataclass(frozen=True)
class Running:
    """Both Functions, running, and all that must not change."""

    stack: Stack
    namespace: str

    def frozen(self) -> Manifest:
        """Return the UIDs of the pods, the resource versions of the children, and the replicas of each Deployment."""
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

    def correct(self) -> dict[str, int]:
        """Restore the original spec of both."""
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

    def message(self, kind: str, name: str, generation: int) -> str | None:
        """Return the message of a condition if the condition is True for this generation."""
        condition = self.stack.condition(self.namespace, name, kind)
        is_true = (condition.get("status"), condition.get("observedGeneration")) == ("True", generation)
        return condition["message"] if is_true else None

    def took(self, name: str, mark: int) -> float:
        """Return the seconds from the edit after `mark` to the next status, as the audit log has them."""
        plane, target = self.stack.plane, f"{self.namespace}/{name}"

        def patches() -> list[str]:
            edits = [event for event, what in plane.events(mark, "admin") if what == f"functions {target}"]
            return [event["stageTimestamp"] for event in edits if event["verb"] == "patch"]

        def answers() -> list[str]:
            writes = [event for event, what in plane.events(mark) if what == f"functions/status {target}"]
            return [event["stageTimestamp"] for event in writes if event["stageTimestamp"] > edited]

        # The API server writes the audit log after it answers.
        (edited,) = wait_until(patches, "the edit in the audit log")
        reported, *_ = wait_until(answers, "the status in the audit log")
        seconds = (datetime.fromisoformat(reported) - datetime.fromisoformat(edited)).total_seconds()
        print(f"{name}: {seconds:.3f} s")
        return seconds


@pytest.fixture(scope="module")
def functions(running: Stack) -> Iterator[Running]:
    """Two settled Functions under a CRD without rules; the autoscaler has scaled one of them from two pods to three."""
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
    """Return a schema without bounds and rules."""
    if isinstance(schema, list):
        return [lax(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    # A property may have the name of a bound; the value of a bound is never a schema.
    return {key: lax(value) for key, value in schema.items() if key not in BOUNDS or isinstance(value, dict)}


def settled(functions: Running) -> None:
    """Wait until nothing has changed for a second."""
    last: Manifest = {}
    deadline = time.monotonic() + 30
    while (now := functions.frozen()) != last:
        assert time.monotonic() < deadline, "never settles"
        last = now
        time.sleep(1)


def test_every_rule_is_broken() -> None:
    """Each rule that a running Function can break here is among them."""
    assert {rule.name for rule in ALL_RULES} - ELSEWHERE <= set(BROKEN)


@pytest.mark.parametrize(("patch", "errors"), BROKEN.values(), ids=BROKEN)
def test_freeze(functions: Running, patch: Manifest, errors: list[str]) -> None:
    """Within 2 s Stalled reports each violation; pods, children and replicas stay, also after the correction."""
    before = functions.frozen()
    assert before["replicas"] == {"plain": 2, "scaled": 3}
    mark = functions.stack.plane.mark()
    for name, generation in functions.edit(patch).items():
        message = wait_until(partial(functions.message, "Stalled", name, generation), "Stalled")
        assert functions.took(name, mark) <= 2
        for error in errors:
            assert error in message
    time.sleep(0.3)
    assert functions.frozen() == before
    for name, generation in functions.correct().items():
        wait_until(partial(functions.message, "Ready", name, generation), "Ready")
        assert not functions.stack.condition(functions.namespace, name, "Stalled")
    time.sleep(0.3)
    assert functions.frozen() == before


def test_a_change_waits_until_the_spec_is_valid(functions: Running) -> None:
    """An edit with a change and a violation changes nothing; the change rolls out once the violation is corrected."""
    before = functions.frozen()
    changed = {"source": {"inline": {"source": "module.exports = {main: () => 'changed'}\n"}}}
    for name, generation in functions.edit(changed | {"runtime": "cobol"}).items():
        wait_until(partial(functions.message, "Stalled", name, generation), "Stalled")
    time.sleep(0.3)
    assert functions.frozen() == before
    functions.edit({"runtime": "nodejs22"})
    for name in FUNCTIONS:
        wait_until(partial(functions.has_changed, name), "the change")
        wait_until(partial(functions.stack.is_ready, "freeze", name), f"{name} to be ready")
    settled(functions)
    after = functions.frozen()
    assert after["replicas"] == before["replicas"]
    assert not after["pods"] & before["pods"]
