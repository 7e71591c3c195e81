"""
Conditions with their transition times.

lastTransitionTime is carried over while a condition's status stays, and messages contain no counts or times: a status
that changed on every sync would be written on every sync.
"""

from datetime import datetime
from typing import Any, Literal, NamedTuple

from hooks.previous_status import PreviousCondition
from hooks.protocol import HookRequest
from hooks.status.reasons import Reason
from hooks.status.state import TIMEOUT_REASONS, State

MAX_MESSAGE_CHARACTERS = 8192
_RUNNING_STATUS: dict[Reason, Literal["True", "False", "Unknown"]] = {
    Reason.DEPLOYMENT_READY: "True",
    Reason.DEPLOYMENT_FAILED: "False",
}


class NewCondition(NamedTuple):
    """A condition without its time and generation."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: Reason
    message: str


def phase_conditions(state: State) -> list[NewCondition]:
    """Return Ready and, unless the Function is ready, whichever of Reconciling and Stalled is True."""
    ready = NewCondition("Ready", "True" if state.phase == "Ready" else "False", state.reason, state.message)
    if state.phase == "Ready":
        return [ready]
    return [ready, NewCondition(state.phase, "True", state.reason, state.message)]


def running_condition(deployment: State) -> NewCondition:
    """Return Kyma's Running: about the Deployment alone, and Unknown while that is neither ready nor failed."""
    status = _RUNNING_STATUS.get(deployment.running, "Unknown")
    return NewCondition("Running", status, deployment.running, deployment.message)


def serialize_conditions(conditions: list[NewCondition], request: HookRequest, now: datetime) -> list[dict[str, Any]]:
    """Return the conditions as the status holds them, for the request's generation."""
    generation = request.metadata.generation
    return [
        _with_transition_time(condition, request.previous.get(condition.type), generation, now)
        for condition in conditions
    ]


def _with_transition_time(
    new: NewCondition, old: PreviousCondition | None, generation: int, now: datetime
) -> dict[str, Any]:
    keeps_time = old is not None and _keeps_transition_time(new, old, generation, now)
    return {
        "type": new.type,
        "status": new.status,
        "reason": new.reason.value,
        "message": new.message[:MAX_MESSAGE_CHARACTERS],
        "lastTransitionTime": old.last_transition_time if old and keeps_time else now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "observedGeneration": generation,
    }


def _keeps_transition_time(new: NewCondition, old: PreviousCondition, generation: int, now: datetime) -> bool:
    """
    Return whether the old time stays. A pending operation or rollout gets a new time: its timeout starts there.

    It gets another one if that is in the future: a clock was ahead, and the timeout would not come before that time.
    """
    if new.type == "Reconciling" and datetime.fromisoformat(old.last_transition_time) > now:
        return False
    if new.type == "Reconciling" and new.reason in (*TIMEOUT_REASONS, Reason.DEPLOYMENT_WAITING):
        return (old.reason, old.observed_generation) == (new.reason, generation)
    return old.status == new.status
