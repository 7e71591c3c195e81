"""
A Function's status: Kyma's conditions ConfigurationReady and Running, kstatus' Ready, Reconciling and Stalled, and
SourceReady for a source that Flux fetches.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hooks import naming
from hooks.manifest import Manifest, as_count, value_at
from hooks.previous_status import carried_over
from hooks.protocol import HookRequest
from hooks.rules import Violation
from hooks.status.conditions import NewCondition, phase_conditions, running_condition, serialize_conditions
from hooks.status.deployment import deployment_state
from hooks.status.evaluation import evaluate
from hooks.status.reasons import Reason
from hooks.status.source import repository_status, source_condition
from hooks.status.state import PENDING_SECONDS, Observation, State

__all__ = ["Observation", "Report", "compute_status", "frozen_status", "unchanged_status"]


@dataclass(frozen=True, kw_only=True)
class Report:
    """
    The complete status; it changes after `resync_after` seconds even if no object changes, 0 for never.

    `dropped` is the code location of an error while a failure was being explained, "" for none.
    """

    status: dict[str, Any]
    resync_after: int
    dropped: str


def compute_status(observation: Observation) -> Report:
    """Return the report on a valid Function."""
    function = observation.function
    state, deployment = evaluate(observation)
    replicas, resync_after = _reported_replicas(state, observation)
    warning = f"Warning: function configured, runtime {function.source.runtime_name} is deprecated and will be removed"
    configured = warning if function.source.is_deprecated else "Function configured"
    configuration = NewCondition("ConfigurationReady", "True", Reason.FUNCTION_SPEC_VALIDATED, configured)
    conditions = [configuration, running_condition(deployment), *phase_conditions(state)]
    if observation.source:
        conditions = _with_source(conditions, source_condition(observation.source))
    status: dict[str, Any] = {
        "runtime": function.source.runtime_name,
        "runtimeImage": function.source.image,
        "replicas": replicas,
        "podSelector": naming.selector_text(function.identity),
        "functionResourceProfile": function.pod.resources.profile,
        "podSecurityContext": function.pod.pod_security,
        "containerSecurityContext": function.pod.container_security,
        "conditions": serialize_conditions(conditions, observation.request, observation.now),
    }
    if observation.source:
        status |= repository_status(observation)
    if function.pod.user_annotations:
        status["functionAnnotations"] = dict(function.pod.user_annotations)
    return Report(status=status, resync_after=resync_after, dropped=state.dropped or deployment.dropped)


def _with_source(conditions: list[NewCondition], source: NewCondition) -> list[NewCondition]:
    """Add SourceReady. As in Kyma, ConfigurationReady has a source's failure too."""
    if source.reason is Reason.SOURCE_UPDATE_FAILED:
        conditions = [source._replace(type="ConfigurationReady"), *conditions[1:]]
    return [*conditions, source]


def frozen_status(violations: list[Violation], request: HookRequest, now: datetime) -> dict[str, Any]:
    """Return the status of an invalid Function: every violation, and the state of the Deployment that still runs."""
    message = ". ".join(map(str, violations))
    reason, deployment = Reason.INVALID_FUNCTION_SPEC, request.child("Deployment")
    running = (
        running_condition(deployment_state(deployment, now))
        if deployment
        else NewCondition("Running", "False", reason, message)
    )
    conditions = [
        NewCondition("ConfigurationReady", "False", reason, message),
        running,
        NewCondition("Ready", "False", reason, message),
        NewCondition("Stalled", "True", reason, message),
    ]
    # A scaler needs the selector, and a backup restores no status.
    selector = {"podSelector": naming.selector_text(request.metadata.identity)} if deployment else {}
    return unchanged_status(request) | {
        "replicas": _replicas(deployment),
        **selector,
        "conditions": serialize_conditions(conditions, request, now),
    }


def unchanged_status(request: HookRequest) -> dict[str, Any]:
    """Return the valid parts of the previous status."""
    return carried_over(request.previous_status, request.previous)


def _reported_replicas(state: State, observation: Observation) -> tuple[int, int]:
    """
    Return the number of pods, and in how many seconds the status changes, 0 for never.

    In the first seconds of a rollout, when pods come and go, it is the number at its beginning: one write less.
    """
    current = _replicas(observation.deployment)
    if state.reason is Reason.DEPLOYMENT_WAITING and observation.is_rollout_new:
        reported = as_count(observation.request.previous_status.get("replicas"), current)
        if reported != current:
            return reported, min(state.requeue_after or PENDING_SECONDS, PENDING_SECONDS)
    return current, state.requeue_after


def _replicas(deployment: Manifest | None) -> int:
    return as_count(value_at(deployment, "status", "replicas"))
