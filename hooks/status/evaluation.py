"""
The state of a valid Function: first whether its children exist, then the Deployment, then the pods or the autoscaler.

A Deployment's own status counts only once its spec is as desired. Every Reconciling state ends in Ready or Stalled. A
start or rollout without trouble is one state, so that it writes the status twice: at its beginning and at its end.
"""

from collections.abc import Callable
from typing import Any

from hooks.manifest import Manifest, as_mapping, value_at
from hooks.records import LAST_APPLIED, is_mergeable
from hooks.status import pods
from hooks.status.additions import explain_additions
from hooks.status.autoscaler import explain_autoscaler
from hooks.status.deployment import deployment_state, waiting
from hooks.status.reasons import Reason
from hooks.status.source import source_state
from hooks.status.state import PENDING_SECONDS, Observation, State
from hooks.trace import place

CREATE_RETRY_SECONDS = 30
"""When to sync again after a child could not be created: no event follows if a taken name becomes free."""
CREATING_CHILDREN = State.reconciling(Reason.CHILDREN_PENDING, "the Function's Kubernetes objects are being created")


def evaluate(observation: Observation) -> tuple[State, State]:
    """Return the state of the Function and that of its Deployment alone, which Kyma's Running reports."""
    deployed = _deployment(observation)
    missing = _missing_children(observation, deployed)
    source = source_state(observation) if observation.source else None
    deployment = deployed or missing or source or waiting(observation.function.identity.name)
    function = _unreadable_records(observation) or missing or source or _with_autoscaler(deployment, observation)
    return explain_additions(function, observation.kept), deployment


def _unreadable_records(observation: Observation) -> State | None:
    """Return the state if Metacontroller cannot update a child, else None."""
    observed = observation.request.observed
    # A Deployment with a valid record is mergeable. Its record is large, so it is not parsed again.
    unknown = observed.keys() - {"Deployment"} if observation.applied else observed.keys()
    kinds = sorted(kind for kind in unknown if not is_mergeable(observed[kind]))
    if not kinds:
        return None
    name = observation.function.identity.name
    commands = "; ".join(f"kubectl annotate {kind.lower()} {name} {LAST_APPLIED}-" for kind in kinds)
    children = ", ".join(f"{kind} {name}" for kind in kinds)
    message = f"{children}: not updated, since the last-applied annotation is not a JSON object. Remove it: {commands}"
    return State.stalled(Reason.RECORD_UNREADABLE, message)


def _missing_children(observation: Observation, deployed: State | None) -> State | None:
    """Return the state if a child is missing, else None; `deployed` is that of the Deployment."""
    missing = [child["kind"] for child in observation.desired if observation.request.child(child["kind"]) is None]
    if not missing:
        return None
    if observation.has_timed_out(Reason.CHILDREN_PENDING):
        message = _not_created_message(missing, observation.function.identity.name)
        return State.stalled(Reason.CHILDREN_NOT_CREATED, message, requeue_after=CREATE_RETRY_SECONDS)
    if observation.is_late(Reason.CHILDREN_PENDING) or (deployed and deployed.phase == "Ready"):
        message = "; ".join(observation.absent) or CREATING_CHILDREN.message
        return CREATING_CHILDREN._replace(message=message, requeue_after=PENDING_SECONDS)
    return _explain_by_references(
        waiting(observation.function.identity.name, requeue_after=PENDING_SECONDS), observation
    )


def _not_created_message(kinds: list[str], name: str) -> str:
    """Return both possible causes: the hook sees neither objects of other owners nor refused writes."""
    children = ", ".join(f"{kind} {name}" for kind in sorted(kinds))
    return (
        f"{children}: not created. If an object of that kind and name exists, the name is taken: delete that object, "
        "or create the Function under another name. If none exists, the API server refuses it: see the "
        "Function's events"
    )


def _deployment(observation: Observation) -> State | None:
    """Return the state of the Deployment, None until its controller has written a status."""
    live, name = observation.deployment, observation.function.identity.name
    if live is None or value_at(live, "status", "observedGeneration") is None:
        return None
    if _is_as_desired(live, observation):
        return _desired_deployment(live, observation)
    if observation.has_timed_out(Reason.DEPLOYMENT_UPDATED):
        message = f"Deployment {name} cannot be updated: the API server refuses the update (see the Function's events)"
        return State.stalled(Reason.UPDATE_REFUSED, message)
    if not observation.is_late(Reason.DEPLOYMENT_UPDATED):
        return waiting(name, requeue_after=PENDING_SECONDS)
    message = f"Deployment {name} is not updated yet"
    return State.reconciling(Reason.DEPLOYMENT_UPDATED, message, requeue_after=PENDING_SECONDS)


def _is_as_desired(live: Manifest, observation: Observation) -> bool:
    """Return whether the desired template and replicas have been applied to the live Deployment."""
    # A Deployment that is held may have any spec.
    desired = as_mapping(next(child for child in observation.desired if child["kind"] == "Deployment").get("spec"))
    if value_at(live, "spec", "replicas") != desired.get("replicas"):
        return False
    if observation.applied:
        return bool(observation.applied["spec"]["template"] == desired.get("template"))
    return observation.request.observed_generation == observation.request.metadata.generation


def _desired_deployment(live: Manifest, observation: Observation) -> State:
    state = deployment_state(live, observation.now)
    if (state.phase, state.reason) == ("Reconciling", Reason.DEPLOYMENT_FAILED):
        timed_out = observation.has_timed_out(Reason.DEPLOYMENT_FAILED)
        return State.stalled(state.reason, state.message) if timed_out else state
    return state if state.phase == "Ready" else _try_explain(_explain_by_pods, state, live, observation)


def _explain_by_pods(state: State, live: Manifest, observation: Observation) -> State:
    """Return the state of a Deployment that is not ready, explained by missing references or by its pods."""
    if observation.absent:
        return _explain_by_references(state, observation)
    newest = pods.newest_pods(observation.request, live)
    found = pods.explain_pods(newest, observation.function.pod.resources, observation.now)
    if found.cause:
        return state.with_explanation(found.cause.reason, found.cause.message)
    return state._replace(requeue_after=min(filter(None, (state.requeue_after, found.seconds)), default=0))


def _explain_by_references(state: State, observation: Observation) -> State:
    """Return the state of a Deployment that is not ready, explained by missing references if there are any."""
    missing = "; ".join(observation.absent)
    return state.with_explanation(Reason.CONFIG_MISSING, missing) if missing else state


def _with_autoscaler(state: State, observation: Observation) -> State:
    """Return the state of a Function whose children all exist, explained by its autoscaler if that fails."""
    live = observation.request.child("HorizontalPodAutoscaler")
    if state.phase != "Ready" or observation.function.scaling.autoscaling is None or live is None:
        return state
    return _try_explain(explain_autoscaler, state, live, observation.now)


def _try_explain(explain: Callable[..., State], state: State, *arguments: Any) -> State:
    """Return the state as `explain` returns it, or the state itself with the location of the error that it raised."""
    try:
        return explain(state, *arguments)
    except Exception as error:  # noqa: BLE001 - pods and autoscalers may hold anything; the sync must still succeed
        return state._replace(dropped=place(error))
