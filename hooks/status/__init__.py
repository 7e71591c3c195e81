"""
What a Function's status says: Kyma's two conditions, and kstatus' Ready, Reconciling and Stalled.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from hooks import naming
from hooks.manifest import Manifest, at, number
from hooks.previous_status import kept
from hooks.protocol import HookRequest
from hooks.rules import Violation
from hooks.status.children import BEGUN, of_live, of_missing, of_records, of_scaling
from hooks.status.conditions import Fact, conditions
from hooks.status.deployment import state_of_deployment
from hooks.status.reasons import Reason
from hooks.status.state import Observation, State

__all__ = ["Observation", "Report", "compute_status", "rejected", "unchanged"]


@dataclass(frozen=True, kw_only=True)
class Report:
    """
    The whole status, and in how many seconds to report again (0: when something changes).

    `dropped` is where the explanation failed that the status lacks, "" where nothing failed: it is for the log.
    """

    status: dict[str, Any]
    resync_after: int = 0
    dropped: str = ""


def compute_status(seen: Observation) -> Report:
    """Return the report on a sound Function."""
    function, missing = seen.function, of_missing(seen)
    deployment = of_live(seen) or missing or BEGUN
    state = of_records(seen) or missing or of_scaling(seen, deployment)
    warning = f"Warning: function configured, runtime {function.runtime_name} is deprecated and will be removed"
    configured = warning if function.runtime_deprecated else "Function configured"
    facts = [Fact("ConfigurationReady", "True", Reason.FUNCTION_SPEC_VALIDATED, configured), *_facts(state, deployment)]
    status = {
        "runtime": function.runtime_name,
        "runtimeImage": function.image,
        "replicas": _replicas(seen.deployment),
        "podSelector": naming.selector_text(function),
        "functionResourceProfile": function.resources.profile,
        "podSecurityContext": function.pod_security,
        "containerSecurityContext": function.container_security,
        "conditions": conditions(facts, seen.request, seen.now),
    }
    if function.annotations:
        status["functionAnnotations"] = dict(function.annotations)
    return Report(status=status, resync_after=state.requeue_after, dropped=state.dropped or deployment.dropped)


def rejected(violations: list[Violation], request: HookRequest, now: datetime) -> Report:
    """Return the report on a broken Function: every violation, beside what is known of what still runs."""
    message = ". ".join(map(str, violations))
    reason, deployment = Reason.INVALID_FUNCTION_SPEC, request.child("Deployment")
    running = (
        _running(state_of_deployment(deployment, now)) if deployment else Fact("Running", "False", reason, message)
    )
    facts = [
        Fact("ConfigurationReady", "False", reason, message),
        running,
        Fact("Ready", "False", reason, message),
        Fact("Stalled", "True", reason, message),
    ]
    known = unchanged(request).status | {"replicas": _replicas(deployment)}
    return Report(status=known | {"conditions": conditions(facts, request, now)})


def unchanged(request: HookRequest) -> Report:
    """Return the status as it was, as far as it can be read."""
    return Report(status=kept(request.previous_status, request.previous))


def _facts(state: State, deployment: State) -> list[Fact]:
    """
    Return the other conditions: Running is about the Deployment alone, the rest about all children.

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
    """Return Kyma's condition, which is Unknown while the Deployment is neither ready nor has failed."""
    return Fact("Running", _RUNNING.get(deployment.running, "Unknown"), deployment.running, deployment.message)


_RUNNING: dict[Reason, Literal["True", "False", "Unknown"]] = {
    Reason.DEPLOYMENT_READY: "True",
    Reason.DEPLOYMENT_FAILED: "False",
}


def _replicas(deployment: Manifest | None) -> int:
    return number(at(deployment, "status", "replicas"))
