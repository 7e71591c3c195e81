"""
The State of a Function as its live Deployment reports it.

The order of the questions is kubectl's and kstatus': first whether the status is about this generation at all, then
what has failed, then what is still under way. Whatever is under way has an end: the Deployment's own progress deadline;
where that does not run, since the rollout was finished once, the same time from when pods were lost; and for pods that
are refused a few seconds, which conditions.py counts.
"""

from datetime import datetime
from math import ceil

from hooks.manifest import MOST, Manifest, mapping, mappings, moment, number, text
from hooks.status.reasons import Reason
from hooks.status.state import State

GRACE_SECONDS = 5
"""How long what is asked for may be missing or refused, for a stale cache or a write that is tried again."""
DEADLINE_SECONDS = 600
"""How long a rollout has where the Deployment does not say."""


def state_of_deployment(deployment: Manifest, now: datetime) -> State:
    """Return the state of a Function whose Deployment was applied as desired; what cannot be read counts as absent."""
    metadata, status = deployment["metadata"], mapping(deployment.get("status"))
    conditions = {text(condition.get("type")): condition for condition in mappings(status.get("conditions"))}
    name, spec = metadata["name"], mapping(deployment.get("spec"))
    if number(status.get("observedGeneration")) < number(metadata.get("generation")):
        return State.reconciling(Reason.DEPLOYMENT_WAITING, f"Deployment {name} is not ready yet")
    if _has_condition(conditions, "Progressing", "False", "ProgressDeadlineExceeded"):
        return State.stalled(Reason.DEPLOYMENT_FAILED, _failure_message(name, conditions["Progressing"]))
    if _is_rolled_out(number(spec.get("replicas", 1), MOST), status):
        return _done(name, spec)
    if spec.get("paused"):
        return _paused(name)
    if _has_condition(conditions, "ReplicaFailure", "True"):
        return _refused(name, conditions["ReplicaFailure"])
    if _has_condition(conditions, "Available", "True"):
        return State.reconciling(Reason.DEPLOYMENT_WAITING, f"Deployment {name} is not ready yet")
    if _has_condition(conditions, "Progressing", "True", "NewReplicaSetAvailable"):
        return _unavailable_after_rollout(name, conditions.get("Available", {}), _deadline(spec), now)
    return State.reconciling(Reason.MIN_REPLICAS_NOT_AVAILABLE, _unavailable(name))


def _is_rolled_out(wanted: int, status: Manifest) -> bool:
    """Tell whether all replicas are of the newest template and available, and no old one is left."""
    updated, current = number(status.get("updatedReplicas")), number(status.get("replicas"))
    return updated >= wanted and current <= updated <= number(status.get("availableReplicas"))


def _done(name: str, spec: Manifest) -> State:
    if spec.get("replicas", 1) == 0:
        return State.ready(Reason.SCALED_TO_ZERO, f"Deployment {name} is scaled to zero: no pod runs")
    return State.ready(Reason.DEPLOYMENT_READY, f"Deployment {name} is ready")


def _paused(name: str) -> State:
    """A paused rollout continues when it is resumed by hand, and no earlier; Kyma reports it as waiting."""
    message = f"Deployment {name} is paused: kubectl rollout resume deployment {name}"
    return State.stalled(Reason.DEPLOYMENT_PAUSED, message)


def _refused(name: str, condition: Manifest) -> State:
    """
    A quota or Pod Security refuses pods; Kubernetes keeps retrying, and a later sync reports success.

    That may be over at once: a ServiceAccount made a moment ago is not yet known, or the pods are of the generation
    before. How long it has lasted is for the Function's own conditions to say.
    """
    return State.reconciling(Reason.DEPLOYMENT_FAILED, _failure_message(name, condition), requeue_after=GRACE_SECONDS)


def _unavailable_after_rollout(name: str, condition: Manifest, deadline: int, now: datetime) -> State:
    """Pods that go missing after a finished rollout have as long as a rollout has: no deadline of Kubernetes' runs."""
    reason, message = Reason.MIN_REPLICAS_NOT_AVAILABLE, _unavailable(name)
    if left := seconds_left(condition, deadline, now):
        return State.reconciling(reason, message, requeue_after=left)
    return State.stalled(reason, f"{message} for more than {deadline} seconds")


def _deadline(spec: Manifest) -> int:
    return number(spec.get("progressDeadlineSeconds"), DEADLINE_SECONDS)


def seconds_left(condition: Manifest, seconds: int, now: datetime) -> int:
    """Return for how many of so many seconds the condition may last on; one without a time has just begun."""
    since = moment(condition.get("lastTransitionTime"))
    age = (now - since).total_seconds() if since else 0
    return min(seconds, max(0, ceil(seconds - age)))


def _has_condition(conditions: dict[str, Manifest], kind: str, status: str, reason: str | None = None) -> bool:
    condition = conditions.get(kind, {})
    return bool(condition.get("status") == status) and reason in (None, condition.get("reason"))


def _failure_message(name: str, condition: Manifest) -> str:
    reason, message = text(condition.get("reason")), text(condition.get("message"))
    return f"Deployment {name} failed with condition {reason}: {message}"


def _unavailable(name: str) -> str:
    return f"Minimum replicas not available for deployment {name}"
