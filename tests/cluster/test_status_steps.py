"""
Whole lives of Functions on the real thing, each step of which kstatus, Argo CD and Flux have to agree with.

A watch takes down every version of the Function that the API server serves. tests/core/lifecycles/ holds a recording of
each life for machines without a cluster; --bless writes it anew.
"""

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from support.cluster.control_plane import no_checks, wait_until
from support.cluster.stack import GROUP, Stack
from support.lifecycles import STORIES, check_argo, check_kstatus_and_flux, milestones, step_of, stories

from hooks.cli.dump import to_yaml

Manifest = dict[str, Any]

pytestmark = pytest.mark.own_stack

SOURCE = {"inline": {"source": "def main(event, context):\n    return 'hi'\n"}}


class Life:
    """One Function called hello, and what can happen to it."""

    def __init__(self, stack: Stack, namespace: str) -> None:
        self.stack, self.namespace = stack, namespace
        self.steps: list[Manifest] = []
        self.watching = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        assert self.watching.wait(10), "there is nobody to take down the first step"

    def create(self, **spec: Any) -> None:
        body = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": {"name": "hello"}}
        body |= {"spec": {"runtime": "python312", "source": SOURCE} | spec}
        code, answer = self.stack.plane.call("POST", f"{GROUP}/namespaces/{self.namespace}/functions", body)
        assert code == 201, answer

    def edit(self, **spec: Any) -> None:
        self.stack.patch("functions", self.namespace, "hello", {"spec": spec})

    def deployment(self, patch: Manifest, *, status: bool = False) -> None:
        self.stack.patch("deployments", self.namespace, "hello", patch, status=status)

    def autoscaler(self, patch: Manifest) -> None:
        self.stack.patch("horizontalpodautoscalers", self.namespace, "hello", patch, status=True)

    def until(self, kind: str, reason: str) -> None:
        """Wait until a condition is true of the newest generation, for this reason; pods are left alone."""
        wait_until(lambda: self._is(kind, reason), f"{kind} {reason}", 60)

    def ready(self) -> None:
        """Wait until the newest generation is ready; pods become ready on the way."""
        wait_until(lambda: self.stack.make_pods_ready(self.namespace) or self._is("Ready"), "ready", 90)

    def quota(self, resource: str) -> None:
        """Allow none of a resource; there is no controller here that would count it."""
        head = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
        kubectl = self.stack.plane.kubectl
        kubectl("create", "-n", self.namespace, "-f", "-", stdin=head | {"spec": {"hard": {resource: "0"}}})
        counted = json.dumps({"status": {"hard": {resource: "0"}, "used": {resource: "0"}}})
        kubectl("patch", "quota", "none", "-n", self.namespace, "--subresource=status", "--type=merge", "-p", counted)
        time.sleep(1)

    def limit(self, **amounts: str) -> None:
        """Allow no container more than this."""
        head = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}}
        spec = {"limits": [{"type": "Container", "max": amounts}]}
        self.stack.plane.kubectl("create", "-n", self.namespace, "-f", "-", stdin=head | {"spec": spec})
        time.sleep(1)

    def no_quota(self) -> None:
        self.stack.plane.kubectl("delete", "quota", "none", "-n", self.namespace)

    def end(self) -> list[Manifest]:
        """Delete the Function; return every distinct step of its life."""
        self.stack.plane.kubectl("delete", "function", "hello", "-n", self.namespace, "--timeout=30s")
        self.thread.join(10)
        assert not self.thread.is_alive(), "the watch never saw the end"
        steps = [step_of(function) for function in self.steps]
        return [step for before, step in zip([{}, *steps], steps, strict=False) if step != before]

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
        # While the API server takes in a new CRD it has no watch to offer.
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
    """Created, edited while it runs, broken and mended."""
    life.create(replicas=2)
    life.ready()
    life.edit(env=[{"name": "A", "value": "b"}])
    life.ready()
    life.edit(runtime="cobol")
    life.until("Stalled", "InvalidFunctionSpec")
    life.edit(runtime="python312")
    life.ready()


def broken(life: Life) -> None:
    """Broken from the start, then mended."""
    life.create(runtime="cobol")
    life.until("Stalled", "InvalidFunctionSpec")
    life.edit(runtime="python312")
    life.ready()


def scaled(life: Life) -> None:
    """Scaled by an autoscaler, switched off, and on again."""
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
    """With an autoscaler that cannot measure (said in the controller's stead), and then can."""
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
    """Paused by hand in the middle of a rollout, and resumed."""
    life.create()
    life.ready()
    life.deployment({"spec": {"paused": True}})
    life.edit(env=[{"name": "A", "value": "b"}])
    life.until("Stalled", "DeploymentPaused")
    life.deployment({"spec": {"paused": None}})
    life.ready()


def late(life: Life) -> None:
    """Past the progress deadline (said in the controller's stead: it is minutes long), and ready after all."""
    life.create()
    life.until("Reconciling", "MinReplicasNotAvailable")
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
    times = {"lastUpdateTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    life.deployment({"status": {"conditions": [condition | times]}}, status=True)
    life.until("Stalled", "DeploymentFailed")
    life.ready()


def pods_over_quota(life: Life) -> None:
    """With a quota of no pods, which is then lifted."""
    life.quota("pods")
    life.create()
    life.until("Stalled", "DeploymentFailed")
    life.no_quota()
    life.ready()


def pods_over_limit(life: Life) -> None:
    """Larger than the namespace's LimitRange lets a pod be, then mended by an edit."""
    life.limit(cpu="300m")
    life.create()
    life.until("Stalled", "DeploymentFailed")
    life.edit(resourceConfiguration={"function": {"profile": "XS"}})
    life.ready()


def service_over_quota(life: Life) -> None:
    """With a quota of no Services, which is then lifted."""
    life.quota("services")
    life.create()
    life.until("Stalled", "ChildrenNotCreated")
    life.no_quota()
    life.ready()


def update_refused(life: Life) -> None:
    """Edited into what no rule of ours forbids and the API server refuses in a Deployment, then mended."""
    life.create()
    life.ready()
    life.stack.forbid(life.namespace, "A")
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
    """The judges agree at each step, and the recorded life has the same milestones."""
    life = Life(stack, namespace)
    LIVES[name](life)
    steps = life.end()
    if request.config.getoption("--bless"):
        text = f"# {(LIVES[name].__doc__ or '').strip()}\n{to_yaml(steps)}"
        (STORIES / f"{name}.yaml").write_text(text, encoding="utf-8")
    assert milestones(steps) == milestones(stories()[name])
    check_argo(steps)
    check_kstatus_and_flux(steps)


def test_every_life_is_recorded() -> None:
    """tests/core/lifecycles/ holds these lives and no others."""
    assert set(stories()) == set(LIVES)
