"""
What a live Deployment says about its Function, as one State.

The order of the questions is kubectl's and kstatus': first whether the status is about this generation at all, then
what has failed, then what is still under way. Whatever is under way has an end: the Deployment's own progress deadline;
where that does not run, since the rollout was finished once, the same time from when pods were lost; and for pods that
are refused a few seconds, which conditions.py counts.
"""

from datetime import datetime
from math import ceil
from typing import Literal, NamedTuple

from hooks.manifest import MOST, Manifest, mapping, mappings, moment, number, text

REFUSED = "DeploymentFailed"
"""Why a Function is under way whose pods are refused."""
GRACE_SECONDS = 5
"""How long what is asked for may be missing or refused, for a stale cache or a write that is tried again."""
DEADLINE_SECONDS = 600
"""How long a rollout has where the Deployment does not say."""


class State(NamedTuple):
    """
    `phase` is the condition that is true, `running` and `kyma_reason` what Kyma's Running condition says.

    `look_again` is in how many seconds the state changes though nothing happens, 0 where it does not. `dropped` is
    where an explanation of the state failed, "" where none did: it is for the log.
    """

    phase: Literal["Ready", "Reconciling", "Stalled"]
    reason: str
    message: str
    running: Literal["True", "False", "Unknown"]
    kyma_reason: str
    look_again: int = 0
    dropped: str = ""

    @classmethod
    def ready(cls, reason: str, message: str) -> "State":
        return cls(phase="Ready", reason=reason, message=message, running="True", kyma_reason="DeploymentReady")

    @classmethod
    def reconciling(cls, reason: str, message: str, *, look_again: int = 0) -> "State":
        """Somebody is at work: Kyma does not know yet."""
        return cls(
            phase="Reconciling",
            reason=reason,
            message=message,
            running="Unknown",
            kyma_reason=reason,
            look_again=look_again,
        )

    @classmethod
    def stalled(cls, reason: str, message: str, *, look_again: int = 0) -> "State":
        """Nothing goes on until somebody acts: Kyma calls it failed."""
        return cls(
            phase="Stalled",
            reason=reason,
            message=message,
            running="False",
            kyma_reason="DeploymentFailed",
            look_again=look_again,
        )


def of_deployment(deployment: Manifest, now: datetime) -> State:
    """Return the state of a Function whose Deployment was applied as desired; what cannot be read counts as absent."""
    metadata, status = deployment["metadata"], mapping(deployment.get("status"))
    conditions = {text(condition.get("type")): condition for condition in mappings(status.get("conditions"))}
    name, spec = metadata["name"], mapping(deployment.get("spec"))
    if number(status.get("observedGeneration")) < number(metadata.get("generation")):
        return State.reconciling("DeploymentWaiting", f"Deployment {name} is not ready yet")
    if _says(conditions, "Progressing", "False", "ProgressDeadlineExceeded"):
        return State.stalled("DeploymentFailed", _because(name, conditions["Progressing"]))
    if _is_rolled_out(number(spec.get("replicas", 1), MOST), status):
        return _done(name, spec)
    if spec.get("paused"):
        return _paused(name)
    if _says(conditions, "ReplicaFailure", "True"):
        return _refused(name, conditions["ReplicaFailure"])
    if _says(conditions, "Available", "True"):
        return State.reconciling("DeploymentWaiting", f"Deployment {name} is not ready yet")
    if _says(conditions, "Progressing", "True", "NewReplicaSetAvailable"):
        return _lost(name, conditions.get("Available", {}), _deadline(spec), now)
    return State.reconciling("MinReplicasNotAvailable", _unavailable(name))


def _is_rolled_out(wanted: int, status: Manifest) -> bool:
    """Tell whether all replicas are of the newest template and available, and no old one is left."""
    updated, current = number(status.get("updatedReplicas")), number(status.get("replicas"))
    return updated >= wanted and current <= updated <= number(status.get("availableReplicas"))


def _done(name: str, spec: Manifest) -> State:
    if spec.get("replicas", 1) == 0:
        return State.ready("ScaledToZero", f"Deployment {name} is scaled to zero: no pod runs")
    return State.ready("DeploymentReady", f"Deployment {name} is ready")


def _paused(name: str) -> State:
    """A paused rollout goes on when it is resumed by hand, and no earlier; to Kyma it just waits."""
    message = f"Deployment {name} is paused: kubectl rollout resume deployment {name}"
    return State.stalled("DeploymentPaused", message)._replace(running="Unknown", kyma_reason="DeploymentWaiting")


def _refused(name: str, condition: Manifest) -> State:
    """
    A quota or Pod Security keeps pods away; Kubernetes tries on, and reports success.

    That may be over at once: a ServiceAccount made a moment ago is not yet known, or the pods are of the generation
    before. How long it has lasted is for the Function's own conditions to say.
    """
    return State.reconciling(REFUSED, _because(name, condition), look_again=GRACE_SECONDS)._replace(running="False")


def _lost(name: str, condition: Manifest, deadline: int, now: datetime) -> State:
    """Pods that go missing after a finished rollout have as long as a rollout has: no deadline of Kubernetes' runs."""
    reason, message = "MinReplicasNotAvailable", _unavailable(name)
    if left := seconds_left(condition, deadline, now):
        return State.reconciling(reason, message, look_again=left)
    late = State.stalled(reason, f"{message} for more than {deadline} seconds")
    return late._replace(running="Unknown", kyma_reason=reason)


def _deadline(spec: Manifest) -> int:
    return number(spec.get("progressDeadlineSeconds"), DEADLINE_SECONDS)


def seconds_left(condition: Manifest, seconds: int, now: datetime) -> int:
    """Return for how many of so many seconds the condition may last on; one without a time has just begun."""
    since = moment(condition.get("lastTransitionTime"))
    age = (now - since).total_seconds() if since else 0
    return min(seconds, max(0, ceil(seconds - age)))


def _says(conditions: dict[str, Manifest], kind: str, status: str, reason: str | None = None) -> bool:
    condition = conditions.get(kind, {})
    return bool(condition.get("status") == status) and reason in (None, condition.get("reason"))


def _because(name: str, condition: Manifest) -> str:
    reason, message = text(condition.get("reason")), text(condition.get("message"))
    return f"Deployment {name} failed with condition {reason}: {message}"


def _unavailable(name: str) -> str:
    return f"Minimum replicas not available for deployment {name}"
