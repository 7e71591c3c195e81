"""
What a live Deployment says about its Function, as one State.

The order of the questions is kubectl's and kstatus': first whether the status is about this generation at all, then
what has failed, then what is still under way.
"""

from dataclasses import dataclass
from typing import Any, Literal

from hooks.manifest import Manifest


@dataclass(frozen=True, kw_only=True)
class State:
    """`phase` is the condition that is true, `running` and `kyma_reason` what Kyma's Running condition says."""

    phase: Literal["Ready", "Reconciling", "Stalled"]
    reason: str
    message: str
    running: Literal["True", "False", "Unknown"]
    kyma_reason: str

    @classmethod
    def ready(cls, reason: str, message: str) -> "State":
        return cls(phase="Ready", reason=reason, message=message, running="True", kyma_reason="DeploymentReady")

    @classmethod
    def reconciling(cls, reason: str, message: str, running: Literal["False", "Unknown"] = "Unknown") -> "State":
        """Kyma has no word for children that are only asked for: there the Deployment counts as created."""
        kyma_reason = "DeploymentCreated" if reason == "ChildrenPending" else reason
        return cls(phase="Reconciling", reason=reason, message=message, running=running, kyma_reason=kyma_reason)

    @classmethod
    def stalled(cls, reason: str, message: str, running: Literal["False", "Unknown"] = "False") -> "State":
        return cls(phase="Stalled", reason=reason, message=message, running=running, kyma_reason="DeploymentFailed")


def of_deployment(deployment: Manifest) -> State:
    """Return the state of a Function whose Deployment was applied as desired."""
    name, status = deployment["metadata"]["name"], deployment.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", ())}
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return State.reconciling("DeploymentWaiting", f"Deployment {name} is not ready yet")
    if _says(conditions, "Progressing", "False", "ProgressDeadlineExceeded"):
        return State.stalled("DeploymentFailed", _because(name, conditions["Progressing"]))
    if _says(conditions, "ReplicaFailure", "True"):
        return State.reconciling("DeploymentFailed", _because(name, conditions["ReplicaFailure"]), running="False")
    if _is_rolled_out(deployment["spec"].get("replicas", 1), status):
        return _done(name, deployment)
    if deployment["spec"].get("paused"):
        return State.reconciling(
            "DeploymentWaiting", f"Deployment {name} is paused: kubectl rollout resume deployment {name}"
        )
    if not _says(conditions, "Available", "True"):
        return State.reconciling("MinReplicasNotAvailable", f"Minimum replicas not available for deployment {name}")
    return State.reconciling("DeploymentWaiting", f"Deployment {name} is not ready yet")


def _is_rolled_out(wanted: int, status: dict[str, Any]) -> bool:
    """Tell whether all replicas are of the newest template and available, and no old one is left."""
    updated: int = status.get("updatedReplicas", 0)
    current: int = status.get("replicas", 0)
    available: int = status.get("availableReplicas", 0)
    return updated >= wanted and current <= updated <= available


def _done(name: str, deployment: Manifest) -> State:
    if deployment["spec"].get("replicas", 1) == 0:
        return State.ready("ScaledToZero", f"Deployment {name} is scaled to zero: no pod runs")
    return State.ready("DeploymentReady", f"Deployment {name} is ready")


def _says(conditions: dict[str, Any], kind: str, status: str, reason: str | None = None) -> bool:
    condition = conditions.get(kind, {})
    return bool(condition.get("status") == status) and reason in (None, condition.get("reason"))


def _because(name: str, condition: dict[str, Any]) -> str:
    return f"Deployment {name} failed with condition {condition.get('reason')}: {condition.get('message', '')}"
