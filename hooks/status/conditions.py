"""
The conditions of a status, and since when they have said what they say.

A status that changes with the clock or counts something is written for ever: lastTransitionTime is carried over
while a condition's status stays, and messages name states, not numbers.
"""

from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from hooks.previous_status import Condition
from hooks.protocol import SyncRequest
from hooks.status.deployment import GRACE_SECONDS, REFUSED

MESSAGE_CHARACTERS = 8192
PENDING, UPDATED = "ChildrenPending", "DeploymentUpdated"
NOT_CREATED, UPDATE_REFUSED = "ChildrenNotCreated", "UpdateRefused"
OVERDUE = {PENDING: NOT_CREATED, UPDATED: UPDATE_REFUSED, REFUSED: REFUSED}
"""The reason for what stays pending too long: a child to create, a Deployment to update, pods to create."""


class Fact(NamedTuple):
    """What a condition is to say now."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str


def conditions(facts: list[Fact], request: SyncRequest, now: datetime) -> list[dict[str, Any]]:
    """Return the facts as conditions of this generation, each with the time of the one before where that goes on."""
    return [_condition(fact, request.previous.get(fact.type), request.metadata.generation, now) for fact in facts]


def has_waited(reason: str, request: SyncRequest, now: datetime) -> bool:
    """
    Tell whether something has been pending for this reason for longer than a stale cache explains.

    Metacontroller sends a Function's own children only and takes a taken name for success; what the API server refuses
    it tries again, and writes an event. So time is all there is to go by. With a new generation the time starts anew.
    """
    previous, generation = request.previous, request.metadata.generation
    if (stalled := previous.get("Stalled")) and stalled.reason == OVERDUE[reason]:
        return stalled.observed_generation == generation
    pending = previous.get("Reconciling")
    if pending is None or (pending.reason, pending.observed_generation) != (reason, generation):
        return False
    return now - datetime.fromisoformat(pending.last_transition_time) >= timedelta(seconds=GRACE_SECONDS)


def _condition(fact: Fact, before: Condition | None, generation: int, now: datetime) -> dict[str, Any]:
    stays = before is not None and _goes_on(fact, before, generation)
    return {
        "type": fact.type,
        "status": fact.status,
        "reason": fact.reason,
        "message": fact.message[:MESSAGE_CHARACTERS],
        "lastTransitionTime": before.last_transition_time if before and stays else now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "observedGeneration": generation,
    }


def _goes_on(fact: Fact, before: Condition, generation: int) -> bool:
    """Tell whether a condition keeps its time. What is pending may become overdue, so its time starts with it."""
    if fact.type == "Reconciling" and fact.reason in OVERDUE:
        return (before.reason, before.observed_generation) == (fact.reason, generation)
    return before.status == fact.status
