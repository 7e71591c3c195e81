"""
What a Function's status says: Kyma's two conditions, and kstatus' Ready, Reconciling and Stalled.

A status that changes with the clock or counts something is written for ever: lastTransitionTime is carried over
while a condition's status stays, and messages name states, not numbers.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from hooks import meta
from hooks.function import Condition
from hooks.manifest import Manifest
from hooks.protocol import NoLastApplied, SyncRequest, last_applied
from hooks.resolve import ResolvedFunction
from hooks.rollout import State, of_deployment
from hooks.validate import Violation

MESSAGE_CHARACTERS = 8192
NAME_CONFLICT, PENDING = "NameConflict", "ChildrenPending"
GRACE_SECONDS = 5
"""How long a child may stay unseen before its name counts as taken."""
RETRY_SECONDS = 30
"""How often a taken name is tried again."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The whole status, and in how many seconds to look again (0: when something changes)."""

    status: dict[str, Any]
    resync_after: int = 0


def compute_status(function: ResolvedFunction, desired: list[Manifest], request: SyncRequest, now: datetime) -> Report:
    """Return the report on a sound Function, given its desired children."""
    state = _state(function, desired, request, now)
    warning = f"Warning: function configured, runtime {function.runtime_name} is deprecated and will be removed"
    configured = warning if function.runtime_deprecated else "Function configured"
    facts = [_Fact("ConfigurationReady", "True", "FunctionSpecValidated", configured), *_facts(state)]
    status = {
        "runtime": function.runtime_name,
        "runtimeImage": function.image,
        "replicas": _replicas(request),
        "podSelector": meta.selector_text(function),
        "functionResourceProfile": function.resources.profile,
        "podSecurityContext": function.pod_security,
        "containerSecurityContext": function.container_security,
        "conditions": _conditions(facts, request, now),
    }
    if function.annotations:
        status["functionAnnotations"] = dict(function.annotations)
    return Report(status=status, resync_after=_resync_after(state, _missing(desired, request), request))


def rejected(violations: list[Violation], request: SyncRequest, now: datetime) -> Report:
    """Return the report on a broken Function: every violation, beside what is known of what still runs."""
    message = ". ".join(map(str, violations))
    reason, deployment = "InvalidFunctionSpec", request.child("Deployment")
    running = _facts(of_deployment(deployment))[0] if deployment else _Fact("Running", "False", reason, message)
    facts = [
        _Fact("ConfigurationReady", "False", reason, message),
        running,
        _Fact("Ready", "False", reason, message),
        _Fact("Stalled", "True", reason, message),
    ]
    known = unchanged(request).status | {"replicas": _replicas(request)}
    return Report(status=known | {"conditions": _conditions(facts, request, now)})


def unchanged(request: SyncRequest) -> Report:
    """Return the status as it was; Metacontroller adds observedGeneration itself."""
    return Report(status={k: v for k, v in request.previous_status.items() if k != "observedGeneration"})


@dataclass(frozen=True)
class _Fact:
    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str


def _state(function: ResolvedFunction, desired: list[Manifest], request: SyncRequest, now: datetime) -> State:
    """Every child has to be there, then the Deployment has to be the one we ask for, then it speaks for itself."""
    missing, deployment = _missing(desired, request), request.child("Deployment")
    if missing and request.observed and _has_waited(request, now):
        return State.stalled(NAME_CONFLICT, _taken(missing, function.name))
    if missing or deployment is None or "observedGeneration" not in deployment.get("status", {}):
        return State.reconciling(PENDING, "the Function's Kubernetes objects are being created")
    if not _is_as_asked(deployment, function, desired, request):
        return State.reconciling("DeploymentUpdated", f"Deployment {function.name} updated")
    return of_deployment(deployment)


def _missing(desired: list[Manifest], request: SyncRequest) -> list[str]:
    """Return the kinds of the desired children that are not observed."""
    return [child["kind"] for child in desired if request.child(child["kind"]) is None]


def _resync_after(state: State, missing: list[str], request: SyncRequest) -> int:
    """Return seconds: nobody tells us of a child that never comes, nor when a taken name becomes free."""
    if state.reason == NAME_CONFLICT:
        return RETRY_SECONDS
    # Before anything is observed the children's own events come sooner than any timer.
    return GRACE_SECONDS if missing and request.observed else 0


def _taken(kinds: list[str], name: str) -> str:
    named = ", ".join(f"{kind} {name}" for kind in sorted(kinds))
    return (
        f"{named} cannot be created: an object of that name that is not this Function's is in the way (delete or "
        "rename it, or rename the Function), or the API server refuses it (see the Function's events)"
    )


def _has_waited(request: SyncRequest, now: datetime) -> bool:
    """
    Tell whether a child has been missing since a sync that asked for it, long enough not to be a stale cache.

    Metacontroller shows us our own children only and takes a name clash for success, so time is all there is to go by.
    """
    previous = _previous(request)
    if (stalled := previous.get("Stalled")) and stalled.reason == NAME_CONFLICT:
        return True
    pending = previous.get("Reconciling")
    if (
        pending is None
        or pending.reason != PENDING
        or pending.observed_generation != request.function.metadata.generation
    ):
        return False
    return now - datetime.fromisoformat(pending.last_transition_time) >= timedelta(seconds=GRACE_SECONDS)


def _is_as_asked(live: Manifest, function: ResolvedFunction, desired: list[Manifest], request: SyncRequest) -> bool:
    """Tell whether the live Deployment was last applied with the template and replicas that are desired now."""
    wanted = next(child for child in desired if child["kind"] == "Deployment")["spec"]
    if function.scale is None and live["spec"].get("replicas") != wanted["replicas"]:
        return False
    try:
        return bool(last_applied(live)["spec"]["template"] == wanted["template"])
    except NoLastApplied:
        seen = request.function.status and request.function.status.observed_generation
        return seen == request.function.metadata.generation


def _facts(state: State) -> list[_Fact]:
    """Reconciling and Stalled are abnormal-true: absent when there is nothing to say."""
    facts = [
        _Fact("Running", state.running, state.kyma_reason, state.message),
        _Fact("Ready", "True" if state.phase == "Ready" else "False", state.reason, state.message),
    ]
    if state.phase != "Ready":
        facts.append(_Fact(state.phase, "True", state.reason, state.message))
    return facts


def _conditions(facts: list[_Fact], request: SyncRequest, now: datetime) -> list[dict[str, Any]]:
    previous = _previous(request)
    return [_condition(fact, previous.get(fact.type), request.function.metadata.generation, now) for fact in facts]


def _condition(fact: _Fact, before: Condition | None, generation: int, now: datetime) -> dict[str, Any]:
    stays = before is not None and before.status == fact.status
    return {
        "type": fact.type,
        "status": fact.status,
        "reason": fact.reason,
        "message": fact.message[:MESSAGE_CHARACTERS],
        "lastTransitionTime": before.last_transition_time if before and stays else now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "observedGeneration": generation,
    }


def _previous(request: SyncRequest) -> dict[str, Condition]:
    status = request.function.status
    return {condition.type: condition for condition in (status and status.conditions) or ()}


def _replicas(request: SyncRequest) -> int:
    deployment = request.child("Deployment")
    return int(deployment.get("status", {}).get("replicas", 0)) if deployment else 0
