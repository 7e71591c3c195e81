"""
What a Function's status says: Kyma's two conditions, and kstatus' Ready, Reconciling and Stalled.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hooks import meta
from hooks.manifest import Manifest, at, number
from hooks.previous_status import kept
from hooks.protocol import FinalizeRequest, SyncRequest
from hooks.records import last_applied
from hooks.resolve import ResolvedFunction
from hooks.rules import Violation
from hooks.status.children import BEGUN, View, of_live, of_missing, of_records, of_scaling
from hooks.status.conditions import PENDING, Fact, conditions
from hooks.status.deployment import State, of_deployment


@dataclass(frozen=True, kw_only=True)
class Report:
    """
    The whole status, and in how many seconds to report again (0: when something changes).

    `dropped` is where the explanation failed that the status lacks, "" where nothing failed: it is for the log.
    """

    status: dict[str, Any]
    resync_after: int = 0
    dropped: str = ""


def compute_status(
    function: ResolvedFunction, desired: list[Manifest], request: SyncRequest, absent: list[str], now: datetime
) -> Report:
    """Return the report on a sound Function, given its desired children and what it names that is not there."""
    live = request.child("Deployment")
    view = View(function, desired, request, live and last_applied(live), absent, now)
    missing = of_missing(view)
    deployment = of_live(view) or missing or BEGUN
    state = of_records(view) or missing or of_scaling(view, deployment)
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
    return Report(status=status, resync_after=state.look_again, dropped=state.dropped or deployment.dropped)


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
