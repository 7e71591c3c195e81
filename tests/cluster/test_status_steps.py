"""
Life cycles of Functions on a real API server: kstatus, Argo CD and Flux agree with the conditions at each step.

A watch records every version of the Function that the API server serves. tests/core/lifecycles/ has a recording of each
life for tests without a cluster; --bless writes it.
"""

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from support.cluster.admission import forbid_variable
from support.cluster.control_plane import no_checks, wait_until
from support.cluster.functions import create_function, edit_function
from support.cluster.stack import GROUP, Stack
from support.lifecycles import RECORDINGS, check_argo, check_kstatus_and_flux, milestones, recorded_lives, step_of

from hooks.cli.dump import to_yaml

Manifest = dict[str, Any]

pytestmark = pytest.mark.own_stack


class Life:
    """A Function named hello, and the events of its life cycle."""

    def __init__(self, stack: Stack, namespace: str) -> None:
        self.stack, self.namespace = stack, namespace
        self.steps: list[Manifest] = []
        self.watching = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        assert self.watching.wait(10), "the watch does not run"

    def create(self, **spec: Any) -> None:
        create_function(self.stack, self.namespace, **spec)

    def edit(self, **spec: Any) -> None:
        edit_function(self.stack, self.namespace, **spec)

    def deployment(self, patch: Manifest, *, status: bool = False) -> None:
        self.stack.patch("deployments", self.namespace, "hello", patch, status=status)

    def autoscaler(self, patch: Manifest) -> None:
        self.stack.patch("horizontalpodautoscalers", self.namespace, "hello", patch, status=True)

    def until(self, kind: str, reason: str) -> None:
        """Wait until a condition of the newest generation is True for this reason; no pod becomes ready meanwhile."""
        wait_until(lambda: self._is(kind, reason), f"{kind} {reason}", 60)

    def ready(self) -> None:
        """Mark pods as ready until the newest generation is Ready."""
        wait_until(self._is_ready, "ready", 90)

    def quota(self, resource: str) -> None:
        """Set a quota of 0; no controller runs here that would write its status."""
        head = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
        kubectl = self.stack.plane.kubectl
        kubectl("create", "-n", self.namespace, "-f", "-", stdin=head | {"spec": {"hard": {resource: "0"}}})
        counted = json.dumps({"status": {"hard": {resource: "0"}, "used": {resource: "0"}}})
        kubectl("patch", "quota", "none", "-n", self.namespace, "--subresource=status", "--type=merge", "-p", counted)
        time.sleep(1)

    def limit(self, **amounts: str) -> None:
        """Set a LimitRange for containers."""
        head = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}}
        spec = {"limits": [{"type": "Container", "max": amounts}]}
        self.stack.plane.kubectl("create", "-n", self.namespace, "-f", "-", stdin=head | {"spec": spec})
        time.sleep(1)

    def no_quota(self) -> None:
        self.stack.plane.kubectl("delete", "quota", "none", "-n", self.namespace)

    def end(self) -> list[Manifest]:
        """Delete the Function; return the distinct steps of its life."""
        self.stack.plane.kubectl("delete", "function", "hello", "-n", self.namespace, "--timeout=30s")
        self.thread.join(10)
        assert not self.thread.is_alive(), "the watch never saw the end"
        steps = [step_of(function) for function in self.steps]
        return [step for before, step in zip([{}, *steps], steps, strict=False) if step != before]

    def _is_ready(self) -> bool:
        self.stack.make_pods_ready(self.namespace)
        return self._is("Ready")

    def _is(self, kind: str, reason: str | None = None) -> bool:
        function = self.stack.get("functions", self.namespace, "hello") or {}
        newest = function["metadata"]["generation"]
        for each in function["status"]["conditions"]:
            if (each["type"], each["status"], each["observedGeneration"]) == (kind, "True", newest):
                return reason in (None, each["reason"])
        return False

    def _watch(self) -> None:
        plane = self.stack.plane
        request = urllib.request.Request(
            f"{plane.url}{GROUP}/namespaces/{self.namespace}/functions?watch=1", headers=plane.headers
        )
        # While the API server loads a new CRD it refuses the watch.
        wait_until(lambda: plane.call("GET", f"{GROUP}/functions?limit=1")[0] == 200, "the CRD to be served")
        with wait_until(
            lambda: urllib.request.urlopen(request, context=no_checks(), timeout=300), "the watch"
        ) as events:
            self.watching.set()
            for line in events:
                event = json.loads(line)
                if event["type"] == "DELETED":
                    return
                self.steps.append(event["object"])


def edited(life: Life) -> None:
    """Created, edited, made invalid, and corrected."""
    life.create(replicas=2)
    life.ready()
    life.edit(env=[{"name": "A", "value": "b"}])
    life.ready()
    life.edit(runtime="cobol")
    life.until("Stalled", "InvalidFunctionSpec")
    life.edit(runtime="python312")
    life.ready()


def broken(life: Life) -> None:
    """Invalid from the start, then corrected."""
    life.create(runtime="cobol")
    life.until("Stalled", "InvalidFunctionSpec")
    life.edit(runtime="python312")
    life.ready()


def scaled(life: Life) -> None:
    """Scaled by an autoscaler, to zero by hand, and up again."""
    life.create(scaleConfig={"minReplicas": 2, "maxReplicas": 5})
    life.ready()
    life.deployment({"spec": {"replicas": 3}})
    life.until("Reconciling", "MinReplicasNotAvailable")
    life.ready()
    life.edit(replicas=0)
    life.until("Ready", "ScaledToZero")
    life.edit(replicas=1)
    life.ready()


def unscaled(life: Life) -> None:
    """With an autoscaler that has no metrics at first; the test writes its status."""
    life.create(scaleConfig={"minReplicas": 2, "maxReplicas": 5})
    life.ready()
    idle = {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric", "message": "no metrics"}
    idle |= {"lastTransitionTime": "2026-01-01T00:00:00Z"}
    counts = {"currentReplicas": 2, "desiredReplicas": 2}
    life.autoscaler({"status": counts | {"conditions": [idle]}})
    life.until("Ready", "AutoscalerInactive")
    life.autoscaler({"status": counts | {"conditions": [idle | {"status": "True", "reason": "ValidMetricFound"}]}})
    life.until("Ready", "DeploymentReady")


def paused(life: Life) -> None:
    """Paused during a rollout, and resumed."""
    life.create()
    life.ready()
    life.deployment({"spec": {"paused": True}})
    life.edit(env=[{"name": "A", "value": "b"}])
    life.until("Stalled", "DeploymentPaused")
    life.deployment({"spec": {"paused": None}})
    life.ready()


def late(life: Life) -> None:
    """Past the progress deadline, whose condition the test writes, and ready later."""
    life.create()
    life.until("Reconciling", "MinReplicasNotAvailable")
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
    times = {"lastUpdateTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    life.deployment({"status": {"conditions": [condition | times]}}, status=True)
    life.until("Stalled", "DeploymentFailed")
    life.ready()


def pods_over_quota(life: Life) -> None:
    """With a quota of no pods, which is then removed."""
    life.quota("pods")
    life.create()
    life.until("Stalled", "DeploymentFailed")
    life.no_quota()
    life.ready()


def pods_over_limit(life: Life) -> None:
    """Above the namespace's LimitRange, then reduced by an edit."""
    life.limit(cpu="300m")
    life.create()
    life.until("Stalled", "DeploymentFailed")
    life.edit(resourceConfiguration={"function": {"profile": "XS"}})
    life.ready()


def service_over_quota(life: Life) -> None:
    """With a quota of no Services, which is then removed."""
    life.quota("services")
    life.create()
    life.until("Stalled", "ChildrenNotCreated")
    life.no_quota()
    life.ready()


def update_refused(life: Life) -> None:
    """Edited so that the API server refuses the Deployment, though no rule does, then corrected."""
    life.create()
    life.ready()
    forbid_variable(life.stack, life.namespace, "A")
    life.edit(env=[{"name": "A", "value": "x"}])
    life.until("Stalled", "UpdateRefused")
    life.edit(env=None)
    life.ready()


LIVES: dict[str, Callable[[Life], None]] = {
    life.__name__.replace("_", "-"): life
    for life in (
        edited,
        broken,
        scaled,
        unscaled,
        paused,
        late,
        pods_over_quota,
        pods_over_limit,
        service_over_quota,
        update_refused,
    )
}


@pytest.mark.parametrize("name", LIVES)
def test_life(stack: Stack, namespace: str, name: str, request: pytest.FixtureRequest) -> None:
    """The tools agree with the conditions at each step, and the recorded life has the same milestones."""
    life = Life(stack, namespace)
    LIVES[name](life)
    steps = life.end()
    if request.config.getoption("--bless"):
        text = f"# {(LIVES[name].__doc__ or '').strip()}\n{to_yaml(steps)}"
        (RECORDINGS / f"{name}.yaml").write_text(text, encoding="utf-8")
    assert milestones(steps) == milestones(recorded_lives()[name])
    check_argo(steps)
    check_kstatus_and_flux(steps)


def test_every_life_is_recorded() -> None:
    """tests/core/lifecycles/ has a recording of each life and no others."""
    assert set(recorded_lives()) == set(LIVES)
