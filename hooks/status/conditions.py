"""
The conditions of a status, and when each last changed.

A status that changes with the clock or counts something is written at every sync: lastTransitionTime is carried over
while a condition's status stays, and messages name states, not numbers.
"""

from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from hooks.previous_status import Condition
from hooks.protocol import HookRequest
from hooks.status.deployment import GRACE_SECONDS
from hooks.status.reasons import Reason
from hooks.status.state import Observation

MESSAGE_CHARACTERS = 8192
TIMED_OUT = {
    Reason.CHILDREN_PENDING: Reason.CHILDREN_NOT_CREATED,
    Reason.DEPLOYMENT_UPDATED: Reason.UPDATE_REFUSED,
    Reason.DEPLOYMENT_FAILED: Reason.DEPLOYMENT_FAILED,
}
"""The reason once an operation has timed out: a child to create, a Deployment to update, pods to create."""


class Fact(NamedTuple):
    """What a condition says now."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: Reason
    message: str


def conditions(facts: list[Fact], request: HookRequest, now: datetime) -> list[dict[str, Any]]:
    """Return the facts as conditions of this generation, each with the time of the one before where that goes on."""
    return [_condition(fact, request.previous.get(fact.type), request.metadata.generation, now) for fact in facts]


def has_timed_out(reason: Reason, seen: Observation) -> bool:
    """
    Tell whether an operation has been pending for this reason for longer than a stale cache explains.

    Metacontroller sends a Function's own children only and takes a taken name for success; what the API server refuses
    it tries again, and writes an event. So time is all there is to go by. With a new generation the time starts anew.
    """
    previous, generation = seen.request.previous, seen.request.metadata.generation
    if (stalled := previous.get("Stalled")) and stalled.reason == TIMED_OUT[reason]:
        return stalled.observed_generation == generation
    pending = previous.get("Reconciling")
    if pending is None or (pending.reason, pending.observed_generation) != (reason, generation):
        return False
    return seen.now - datetime.fromisoformat(pending.last_transition_time) >= timedelta(seconds=GRACE_SECONDS)


def _condition(fact: Fact, before: Condition | None, generation: int, now: datetime) -> dict[str, Any]:
    stays = before is not None and _keeps_transition_time(fact, before, generation)
    return {
        "type": fact.type,
        "status": fact.status,
        "reason": fact.reason.value,
        "message": fact.message[:MESSAGE_CHARACTERS],
        "lastTransitionTime": before.last_transition_time if before and stays else now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "observedGeneration": generation,
    }


def _keeps_transition_time(fact: Fact, before: Condition, generation: int) -> bool:
    """Tell whether a condition keeps its time. A pending operation may time out, so its time starts with it."""
    if fact.type == "Reconciling" and fact.reason in TIMED_OUT:
        return (before.reason, before.observed_generation) == (fact.reason, generation)
    return before.status == fact.status
