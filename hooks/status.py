"""
What a Function's status says: Kyma's two conditions, and kstatus' Ready, Reconciling and Stalled.

Every child has to be there, then the Deployment has to be the one we ask for, then it speaks for itself, and its pods
for it. What is waited for has an end: conditions.py knows since when.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hooks import meta, pods
from hooks.conditions import NAME_CONFLICT, PENDING, UPDATE_REFUSED, UPDATED, Fact, conditions, has_waited
from hooks.manifest import Manifest, at, number
from hooks.previous_status import kept
from hooks.protocol import FinalizeRequest, SyncRequest
from hooks.records import last_applied
from hooks.related import newest_pods
from hooks.resolve import ResolvedFunction
from hooks.rollout import GRACE_SECONDS, REFUSED, State, of_deployment
from hooks.validate import Violation

RETRY_SECONDS = 30
"""How often a taken name is tried again."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The whole status, and in how many seconds to look again (0: when something changes)."""

    status: dict[str, Any]
    resync_after: int = 0


def compute_status(
    function: ResolvedFunction, desired: list[Manifest], request: SyncRequest, absent: list[str], now: datetime
) -> Report:
    """Return the report on a sound Function, given its desired children and what it names that is not there."""
    missing = _of_missing(function, desired, request, absent, now)
    deployment = _of_deployment(function, desired, request, absent, now) or missing or _BEGUN
    state = missing or deployment
    warning = f"Warning: function configured, runtime {function.runtime_name} is deprecated and will be removed"
    configured = warning if function.runtime_deprecated else "Function configured"
    facts = [Fact("ConfigurationReady", "True", "FunctionSpecValidated", configured), *_facts(state, deployment)]
    status = {
        "runtime": function.runtime_name,
        "runtimeImage": function.image,
        "replicas": _replicas(request),
        "podSelector": meta.selector_text(function),
        "functionResourceProfile": function.resources.profile,
        "podSecurityContext": function.pod_security,
        "containerSecurityContext": function.container_security,
        "conditions": conditions(facts, request, now),
    }
    if function.annotations:
        status["functionAnnotations"] = dict(function.annotations)
    return Report(status=status, resync_after=state.look_again)


def rejected(violations: list[Violation], request: SyncRequest, now: datetime) -> Report:
    """Return the report on a broken Function: every violation, beside what is known of what still runs."""
    message = ". ".join(map(str, violations))
    reason, deployment = "InvalidFunctionSpec", request.child("Deployment")
    running = _running(of_deployment(deployment, now)) if deployment else Fact("Running", "False", reason, message)
    facts = [
        Fact("ConfigurationReady", "False", reason, message),
        running,
        Fact("Ready", "False", reason, message),
        Fact("Stalled", "True", reason, message),
    ]
    known = unchanged(request).status | {"replicas": _replicas(request)}
    return Report(status=known | {"conditions": conditions(facts, request, now)})


def unchanged(request: FinalizeRequest) -> Report:
    """Return the status as it was, as far as it can be read."""
    return Report(status=kept(request.previous_status, request.previous))


_BEGUN = State.reconciling(PENDING, "the Function's Kubernetes objects are being created")


def _of_missing(
    function: ResolvedFunction, desired: list[Manifest], request: SyncRequest, absent: list[str], now: datetime
) -> State | None:
    """Return the state of a Function that lacks a child, None if all are there."""
    missing = [child["kind"] for child in desired if request.child(child["kind"]) is None]
    if not missing:
        return None
    # Nobody tells us of a child that never comes, nor when a taken name becomes free.
    if has_waited(PENDING, request, now):
        return State.stalled(NAME_CONFLICT, _taken(missing, function.name), look_again=RETRY_SECONDS)
    return State.reconciling(PENDING, "; ".join(absent) or _BEGUN.message, look_again=GRACE_SECONDS)


def _of_deployment(
    function: ResolvedFunction, desired: list[Manifest], request: SyncRequest, absent: list[str], now: datetime
) -> State | None:
    """Return the state of the Deployment, which has to be the one we ask for; None if nobody has looked at it yet."""
    live = request.child("Deployment")
    if live is None or at(live, "status", "observedGeneration") is None:
        return None
    if _is_as_asked(live, desired, request):
        state = of_deployment(live, now)
        if (state.phase, state.reason) == ("Reconciling", REFUSED):
            return State.stalled(REFUSED, state.message) if has_waited(REFUSED, request, now) else state
        return _explained(state, live, function, request, absent, now)
    if has_waited(UPDATED, request, now):
        refused = f"Deployment {function.name} cannot be updated: the API server refuses it (see the Function's events)"
        return State.stalled(UPDATE_REFUSED, refused)
    return State.reconciling(UPDATED, f"Deployment {function.name} updated", look_again=GRACE_SECONDS)


def _explained(
    state: State, live: Manifest, function: ResolvedFunction, request: SyncRequest, absent: list[str], now: datetime
) -> State:
    """Return the state of a Deployment, with the cause in the place of its own words where it is not ready."""
    if state.phase == "Ready":
        return state
    if absent:
        return replace(state, reason="ConfigMissing", message="; ".join(absent))
    findings = pods.of_pods(newest_pods(request, live), function.resources, now)
    if findings.cause:
        return replace(state, reason=findings.cause.reason, message=findings.cause.message)
    return replace(state, look_again=min(filter(None, (state.look_again, findings.seconds)), default=0))


def _taken(kinds: list[str], name: str) -> str:
    named = ", ".join(f"{kind} {name}" for kind in sorted(kinds))
    return (
        f"{named} cannot be created: an object of that name that is not this Function's is in the way (delete or "
        "rename it, or rename the Function), or the API server refuses it (see the Function's events)"
    )


def _is_as_asked(live: Manifest, desired: list[Manifest], request: SyncRequest) -> bool:
    """Tell whether the live Deployment was last applied with the template and replicas that are desired now."""
    wanted = next(child for child in desired if child["kind"] == "Deployment")["spec"]
    if at(live, "spec", "replicas") != wanted["replicas"]:
        return False
    if record := last_applied(live):
        return bool(record["spec"]["template"] == wanted["template"])
    return request.observed_generation == request.metadata.generation


def _facts(state: State, deployment: State) -> list[Fact]:
    """
    Running is about the Deployment alone, the rest about all children.

    Reconciling and Stalled are abnormal-true: absent when there is nothing to say.
    """
    facts = [
        _running(deployment),
        Fact("Ready", "True" if state.phase == "Ready" else "False", state.reason, state.message),
    ]
    if state.phase != "Ready":
        facts.append(Fact(state.phase, "True", state.reason, state.message))
    return facts


def _running(deployment: State) -> Fact:
    """Kyma has no word for children that are only asked for: there the Deployment counts as created."""
    reason = "DeploymentCreated" if deployment.kyma_reason == PENDING else deployment.kyma_reason
    return Fact("Running", deployment.running, reason, deployment.message)


def _replicas(request: SyncRequest) -> int:
    return number(at(request.child("Deployment"), "status", "replicas"))
