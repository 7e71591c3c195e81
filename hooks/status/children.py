"""
The State of a sound Function: of its children, which all have to be there, of its Deployment, which has to be the
desired one before it speaks for itself, and of the pods and the autoscaler that speak for it.

What is pending has an end: conditions.py knows since when.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from hooks.manifest import Manifest, at
from hooks.protocol import SyncRequest
from hooks.records import LAST_APPLIED, is_mergeable
from hooks.related import newest_pods
from hooks.resolve import ResolvedFunction
from hooks.status import pods
from hooks.status.autoscaler import of_autoscaler
from hooks.status.conditions import NOT_CREATED, PENDING, UPDATE_REFUSED, UPDATED, has_waited
from hooks.status.deployment import GRACE_SECONDS, REFUSED, State, of_deployment
from hooks.trace import place

RETRY_SECONDS = 30
"""How often the creation of a child is tried again that did not come about."""
RECORD_UNREADABLE = "RecordUnreadable"


class View(NamedTuple):
    """
    A sound Function, the children that it should have, what is observed, and what it names that is `absent`.

    `applied` is what was last applied to the Deployment, None where there is no record of it.
    """

    function: ResolvedFunction
    desired: list[Manifest]
    request: SyncRequest
    applied: Manifest | None
    absent: list[str]
    now: datetime

    def waited(self, pending: str) -> bool:
        return has_waited(pending, self.request, self.now)


BEGUN = State.reconciling(PENDING, "the Function's Kubernetes objects are being created")


def of_records(view: View) -> State | None:
    """Return the state of a Function with a child that Metacontroller cannot update, None if it can update all."""
    observed = view.request.observed
    # The record of a Deployment is large, so what was read of it is not decoded again.
    unknown = observed.keys() - {"Deployment"} if view.applied else observed.keys()
    stuck = sorted(kind for kind in unknown if not is_mergeable(observed[kind]))
    if not stuck:
        return None
    commands = "; ".join(f"kubectl annotate {kind.lower()} {view.function.name} {LAST_APPLIED}-" for kind in stuck)
    named = ", ".join(f"{kind} {view.function.name}" for kind in stuck)
    message = f"{named}: not updated, since the record in an annotation is no JSON object. Remove it: "
    return State.stalled(RECORD_UNREADABLE, message + commands)


def of_missing(view: View) -> State | None:
    """Return the state of a Function that lacks a child, None if all are there."""
    missing = [child["kind"] for child in view.desired if view.request.child(child["kind"]) is None]
    if not missing:
        return None
    # Nothing is sent about a child that never comes, nor when a taken name becomes free.
    if view.waited(PENDING):
        return State.stalled(NOT_CREATED, _not_created(missing, view.function), look_again=RETRY_SECONDS)
    return State.reconciling(PENDING, "; ".join(view.absent) or BEGUN.message, look_again=GRACE_SECONDS)


def of_live(view: View) -> State | None:
    """Return the state of the Deployment, which has to be as desired; None before its controller has seen it."""
    live = view.request.child("Deployment")
    if live is None or at(live, "status", "observedGeneration") is None:
        return None
    if _is_as_desired(live, view):
        state = of_deployment(live, view.now)
        if (state.phase, state.reason) == ("Reconciling", REFUSED):
            return State.stalled(REFUSED, state.message) if view.waited(REFUSED) else state
        return state if state.phase == "Ready" else _explained(_of_pods, state, live, view)
    name = view.function.name
    if view.waited(UPDATED):
        refused = f"Deployment {name} cannot be updated: the API server refuses it (see the Function's events)"
        return State.stalled(UPDATE_REFUSED, refused)
    return State.reconciling(UPDATED, f"Deployment {name} updated", look_again=GRACE_SECONDS)


def _of_pods(state: State, live: Manifest, view: View) -> State:
    """Return the state of a Deployment that is not ready, with the cause in the place of its own words."""
    if view.absent:
        return state._replace(reason="ConfigMissing", message="; ".join(view.absent))
    findings = pods.of_pods(newest_pods(view.request, live), view.function.resources, view.now)
    if findings.cause:
        return state._replace(reason=findings.cause.reason, message=findings.cause.message)
    return state._replace(look_again=min(filter(None, (state.look_again, findings.seconds)), default=0))


def of_scaling(view: View, state: State) -> State:
    """Return the state of the Function whose children are all there, with what its autoscaler says."""
    live = view.request.child("HorizontalPodAutoscaler")
    if state.phase != "Ready" or view.function.scale is None or live is None:
        return state
    return _explained(of_autoscaler, state, live, view.now)


def _explained(explain: Callable[..., State], state: State, *given: Any) -> State:
    """Return the state as `explain` words it; an error there costs the explanation, and nothing else."""
    try:
        return explain(state, *given)
    except Exception as error:  # noqa: BLE001 - pods and autoscalers may hold anything, and the children have to go on
        return state._replace(dropped=place(error))


def _not_created(kinds: list[str], function: ResolvedFunction) -> str:
    """Metacontroller sends neither: to it a name that is taken is a success, and a refusal becomes an event."""
    named = ", ".join(f"{kind} {function.name}" for kind in sorted(kinds))
    return (
        f"{named}: not created. If an object of that kind and name exists, it is not managed for this Function, and "
        "the name is taken; if none exists, the API server refuses it, and the Function's events say why"
    )


def _is_as_desired(live: Manifest, view: View) -> bool:
    """Tell whether the live Deployment was last applied with the template and replicas that are desired now."""
    wanted = next(child for child in view.desired if child["kind"] == "Deployment")["spec"]
    if at(live, "spec", "replicas") != wanted["replicas"]:
        return False
    if view.applied:
        return bool(view.applied["spec"]["template"] == wanted["template"])
    return view.request.observed_generation == view.request.metadata.generation
