"""
The State of a sound Function: of its children, which all have to exist, of its Deployment, which has to be the desired
one before its own status counts, and of the pods and the autoscaler that explain it.

Every Reconciling state ends in Ready or Stalled; conditions.py keeps the start time.
"""

from collections.abc import Callable
from typing import Any

from hooks.manifest import Manifest, at
from hooks.records import LAST_APPLIED, is_mergeable
from hooks.status import pods
from hooks.status.autoscaler import of_autoscaler
from hooks.status.conditions import has_timed_out
from hooks.status.deployment import GRACE_SECONDS, state_of_deployment
from hooks.status.reasons import Reason
from hooks.status.state import Observation, State
from hooks.trace import place

RETRY_SECONDS = 30
"""How often the creation of a child is tried again that did not come about."""
BEGUN = State.reconciling(Reason.CHILDREN_PENDING, "the Function's Kubernetes objects are being created")


def of_records(seen: Observation) -> State | None:
    """Return the state of a Function with a child that Metacontroller cannot update, None if it can update all."""
    observed = seen.request.observed
    # The record of a Deployment is large, so what was read of it is not decoded again.
    unknown = observed.keys() - {"Deployment"} if seen.applied else observed.keys()
    stuck = sorted(kind for kind in unknown if not is_mergeable(observed[kind]))
    if not stuck:
        return None
    commands = "; ".join(f"kubectl annotate {kind.lower()} {seen.function.name} {LAST_APPLIED}-" for kind in stuck)
    named = ", ".join(f"{kind} {seen.function.name}" for kind in stuck)
    message = f"{named}: not updated, since the record in an annotation is no JSON object. Remove it: "
    return State.stalled(Reason.RECORD_UNREADABLE, message + commands)


def of_missing(seen: Observation) -> State | None:
    """Return the state of a Function that lacks a child, None if all exist."""
    missing = [child["kind"] for child in seen.desired if seen.request.child(child["kind"]) is None]
    if not missing:
        return None
    # Nothing is sent about a child that is never created, nor when a taken name becomes free.
    if has_timed_out(Reason.CHILDREN_PENDING, seen):
        message = _not_created(missing, seen.function.name)
        return State.stalled(Reason.CHILDREN_NOT_CREATED, message, requeue_after=RETRY_SECONDS)
    return BEGUN._replace(message="; ".join(seen.absent) or BEGUN.message, requeue_after=GRACE_SECONDS)


def of_live(seen: Observation) -> State | None:
    """Return the state of the Deployment, which has to be as desired; None before its controller has seen it."""
    live, name = seen.deployment, seen.function.name
    if live is None or at(live, "status", "observedGeneration") is None:
        return None
    if _is_as_desired(live, seen):
        return _of_desired(live, seen)
    if has_timed_out(Reason.DEPLOYMENT_UPDATED, seen):
        refused = f"Deployment {name} cannot be updated: the API server refuses it (see the Function's events)"
        return State.stalled(Reason.UPDATE_REFUSED, refused)
    message = f"Deployment {name} updated"
    return State.reconciling(Reason.DEPLOYMENT_UPDATED, message, requeue_after=GRACE_SECONDS)


def _of_desired(live: Manifest, seen: Observation) -> State:
    state = state_of_deployment(live, seen.now)
    if (state.phase, state.reason) == ("Reconciling", Reason.DEPLOYMENT_FAILED):
        timed_out = has_timed_out(Reason.DEPLOYMENT_FAILED, seen)
        return State.stalled(state.reason, state.message) if timed_out else state
    return state if state.phase == "Ready" else _explained(_of_pods, state, live, seen)


def _of_pods(state: State, live: Manifest, seen: Observation) -> State:
    """Return the state of a Deployment that is not ready, explained by what it lacks or by its pods."""
    if seen.absent:
        return state.explained(Reason.CONFIG_MISSING, "; ".join(seen.absent))
    findings = pods.of_pods(pods.newest_pods(seen.request, live), seen.function.resources, seen.now)
    if findings.cause:
        return state.explained(findings.cause.reason, findings.cause.message)
    return state._replace(requeue_after=min(filter(None, (state.requeue_after, findings.seconds)), default=0))


def of_scaling(seen: Observation, state: State) -> State:
    """Return the state of a Function whose children all exist, explained by its autoscaler."""
    live = seen.request.child("HorizontalPodAutoscaler")
    if state.phase != "Ready" or seen.function.scale is None or live is None:
        return state
    return _explained(of_autoscaler, state, live, seen.now)


def _explained(explain: Callable[..., State], state: State, *given: Any) -> State:
    """Return the state as `explain` words it; an error there costs the explanation, and nothing else."""
    try:
        return explain(state, *given)
    except Exception as error:  # noqa: BLE001 - pods and autoscalers may hold anything, and the children have to go on
        return state._replace(dropped=place(error))


def _not_created(kinds: list[str], name: str) -> str:
    """Metacontroller sends neither: to it a name that is taken is a success, and a refusal becomes an event."""
    named = ", ".join(f"{kind} {name}" for kind in sorted(kinds))
    return (
        f"{named}: not created. If an object of that kind and name exists, it is not managed for this Function, and "
        "the name is taken; if none exists, the API server refuses it, and the Function's events say why"
    )


def _is_as_desired(live: Manifest, seen: Observation) -> bool:
    """Tell whether the live Deployment was last applied with the template and replicas that are desired now."""
    wanted = next(child for child in seen.desired if child["kind"] == "Deployment")["spec"]
    if at(live, "spec", "replicas") != wanted["replicas"]:
        return False
    if seen.applied:
        return bool(seen.applied["spec"]["template"] == wanted["template"])
    return seen.request.observed_generation == seen.request.metadata.generation
