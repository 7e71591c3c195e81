"""
The state of a Deployment, from its own status.

Checks run in the order of kubectl and kstatus: whether the status describes the current generation, then failures, then
progress. Every Reconciling state has an end: the progress deadline during a rollout; the same number of seconds if pods
become unavailable after it; and PENDING_SECONDS if the API server refuses pods.
"""

from datetime import datetime
from math import ceil

from hooks.manifest import MAX_COUNT, Manifest, as_count, as_mapping, as_text, as_time, mappings_in
from hooks.status.reasons import Reason
from hooks.status.state import PENDING_SECONDS, State

DEFAULT_DEADLINE_SECONDS = 600
"""Kubernetes' default of progressDeadlineSeconds."""


def deployment_state(deployment: Manifest, now: datetime) -> State:
    """Return the state of a Deployment whose spec is as desired; malformed fields count as absent."""
    metadata, status = deployment["metadata"], as_mapping(deployment.get("status"))
    conditions = {as_text(condition.get("type")): condition for condition in mappings_in(status.get("conditions"))}
    name, spec = metadata["name"], as_mapping(deployment.get("spec"))
    if as_count(status.get("observedGeneration")) < as_count(metadata.get("generation")):
        return waiting(name)
    if _has_condition(conditions, "Progressing", "False", "ProgressDeadlineExceeded"):
        return State.stalled(Reason.DEPLOYMENT_FAILED, _failure_message(name, conditions["Progressing"]))
    if _is_rolled_out(as_count(spec.get("replicas", 1), MAX_COUNT), status):
        return _rolled_out(name, spec)
    if spec.get("paused"):
        return _paused(name)
    if _has_condition(conditions, "ReplicaFailure", "True"):
        return _pods_refused(name, conditions["ReplicaFailure"])
    if _has_condition(conditions, "Available", "True"):
        return waiting(name)
    if _has_condition(conditions, "Progressing", "True", "NewReplicaSetAvailable"):
        return _unavailable_after_rollout(name, conditions.get("Available", {}), _deadline_seconds(spec), now)
    return waiting(name)


def waiting(name: str, *, requeue_after: int = 0) -> State:
    """
    Return the state of every rollout that makes progress.

    It is the same from the creation or edit of a Function until its pods are available, so that the steps in between,
    within seconds, are not written one by one.
    """
    message = f"Deployment {name} is not ready yet"
    return State.reconciling(Reason.DEPLOYMENT_WAITING, message, requeue_after=requeue_after)


def _is_rolled_out(desired: int, status: Manifest) -> bool:
    """Return whether all replicas have the newest template and are available, and no old one is left."""
    updated, current = as_count(status.get("updatedReplicas")), as_count(status.get("replicas"))
    return updated >= desired and current <= updated <= as_count(status.get("availableReplicas"))


def _rolled_out(name: str, spec: Manifest) -> State:
    if spec.get("replicas", 1) == 0:
        return State.ready(Reason.SCALED_TO_ZERO, f"Deployment {name} is scaled to zero: no pod runs")
    return State.ready(Reason.DEPLOYMENT_READY, f"Deployment {name} is ready")


def _paused(name: str) -> State:
    """A paused rollout continues only when a user resumes it."""
    message = f"Deployment {name} is paused. Resume it: kubectl rollout resume deployment {name}"
    return State.stalled(Reason.DEPLOYMENT_PAUSED, message)


def _pods_refused(name: str, condition: Manifest) -> State:
    """
    A quota or Pod Security refuses pods. Kubernetes retries, and a later sync reports success.

    The state may be brief: a new ServiceAccount is not yet in a cache, or the pods are of the previous generation. So
    it is Reconciling here, and Stalled once it has timed out (Observation.has_timed_out).
    """
    return State.reconciling(Reason.DEPLOYMENT_FAILED, _failure_message(name, condition), requeue_after=PENDING_SECONDS)


def _unavailable_after_rollout(name: str, condition: Manifest, deadline: int, now: datetime) -> State:
    """Pods became unavailable after a finished rollout, when Kubernetes applies no deadline: the hook applies it."""
    reason, message = Reason.MIN_REPLICAS_NOT_AVAILABLE, _unavailable_message(name)
    if left := seconds_left(condition, deadline, now):
        return State.reconciling(reason, message, requeue_after=left)
    return State.stalled(reason, f"{message} for more than {deadline} seconds")


def _deadline_seconds(spec: Manifest) -> int:
    return as_count(spec.get("progressDeadlineSeconds"), DEFAULT_DEADLINE_SECONDS)


def seconds_left(condition: Manifest, limit: int, now: datetime) -> int:
    """Return how many seconds of `limit` a condition has left; all of them if it has no time."""
    since = as_time(condition.get("lastTransitionTime"))
    age = (now - since).total_seconds() if since else 0
    return min(limit, max(0, ceil(limit - age)))


def _has_condition(
    conditions: dict[str, Manifest], condition_type: str, status: str, reason: str | None = None
) -> bool:
    condition = conditions.get(condition_type, {})
    return bool(condition.get("status") == status) and reason in (None, condition.get("reason"))


def _failure_message(name: str, condition: Manifest) -> str:
    reason, message = as_text(condition.get("reason")), as_text(condition.get("message"))
    return f"Deployment {name} failed with condition {reason}: {message}"


def _unavailable_message(name: str) -> str:
    return f"Minimum replicas not available for deployment {name}"
