"""A Deployment's state and what the Function says of it, one row each."""

from typing import Any

import pytest

from hooks.rollout import of_deployment

Manifest = dict[str, Any]

AVAILABLE = {"type": "Available", "status": "True"}
UNAVAILABLE = {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"}
LATE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
PAUSED = {"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused"}
REFUSED = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}
DONE = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
SURGE = {"replicas": 3, "updatedReplicas": 1, "availableReplicas": 2}


def deployment(*conditions: Manifest, wanted: int = 2, seen: int = 1, paused: bool = False, **status: int) -> Manifest:
    return {
        "kind": "Deployment",
        "metadata": {"name": "hello", "generation": 1},
        "spec": {"replicas": wanted} | ({"paused": True} if paused else {}),
        "status": {"observedGeneration": seen, "conditions": list(conditions)} | status,
    }


STATES = {
    "not looked at": (deployment(AVAILABLE, seen=0, **DONE), "Reconciling", "DeploymentWaiting", "Unknown"),
    "no pods yet": (deployment(UNAVAILABLE), "Reconciling", "MinReplicasNotAvailable", "Unknown"),
    "some old pods": (deployment(AVAILABLE, **SURGE), "Reconciling", "DeploymentWaiting", "Unknown"),
    "one old pod left": (
        deployment(AVAILABLE, **DONE | {"replicas": 3}),
        "Reconciling",
        "DeploymentWaiting",
        "Unknown",
    ),
    "one not available": (
        deployment(AVAILABLE, **DONE | {"availableReplicas": 1}),
        "Reconciling",
        "DeploymentWaiting",
        "Unknown",
    ),
    "done": (deployment(AVAILABLE, **DONE), "Ready", "DeploymentReady", "True"),
    "done and paused": (deployment(AVAILABLE, PAUSED, paused=True, **DONE), "Ready", "DeploymentReady", "True"),
    "paused half-way": (
        deployment(AVAILABLE, PAUSED, paused=True, **SURGE),
        "Reconciling",
        "DeploymentWaiting",
        "Unknown",
    ),
    "late": (deployment(UNAVAILABLE, LATE, **SURGE), "Stalled", "DeploymentFailed", "False"),
    "late, of an older generation": (deployment(LATE, seen=0), "Reconciling", "DeploymentWaiting", "Unknown"),
    "refused": (deployment(UNAVAILABLE, REFUSED), "Reconciling", "DeploymentFailed", "False"),
    "refused until late": (deployment(UNAVAILABLE, REFUSED, LATE), "Stalled", "DeploymentFailed", "False"),
    "off": (deployment(AVAILABLE, wanted=0), "Ready", "ScaledToZero", "True"),
    "going off": (deployment(AVAILABLE, wanted=0, replicas=1), "Reconciling", "DeploymentWaiting", "Unknown"),
}


@pytest.mark.parametrize(("live", "phase", "reason", "running"), STATES.values(), ids=STATES)
def test_states(live: Manifest, phase: str, reason: str, running: str) -> None:
    """Each state of a Deployment has one phase, one reason, and one word for Kyma's Running."""
    state = of_deployment(live)
    assert (state.phase, state.reason, state.running) == (phase, reason, running)
    assert "hello" in state.message


def test_failures_are_told_in_the_servers_words() -> None:
    """A failure carries the reason and the message of the Deployment's condition."""
    assert "FailedCreate: exceeded quota" in of_deployment(STATES["refused"][0]).message
    assert "ProgressDeadlineExceeded: timed out" in of_deployment(STATES["late"][0]).message
