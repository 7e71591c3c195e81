"""
Life cycles of Functions on a real API server: kstatus, Argo CD and Flux agree with the conditions at each step.

A watch records every version of the Function that the API server serves. tests/core/lifecycles/ has a recording of each
life for tests without a cluster; --bless writes it.
"""

from collections.abc import Callable

import pytest
from support.cluster.admission import forbid_variable
from support.cluster.life import Life, check_life
from support.cluster.stack import Stack
from support.lifecycles import recorded_lives

pytestmark = pytest.mark.own_stack


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
    life.until("Reconciling", "DeploymentWaiting")
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
    check_life(Life(stack, namespace), LIVES[name], bless=request.config.getoption("--bless"))


def test_every_life_is_recorded() -> None:
    """tests/core/lifecycles/ has a recording of each life, also of that in test_git.py, and no others."""
    assert set(recorded_lives()) == {*LIVES, "from-git"}
