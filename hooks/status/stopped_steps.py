"""
The steps of a pod's start, and the one at which a pod has stopped although its status reports no failure.

The steps are, in order: scheduling, volumes, the start of the handler, readiness, readiness gates.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hooks.manifest import Manifest, as_text, as_time, find_condition, mappings_in, value_at
from hooks.redact import MAX_LINE_CHARACTERS, one_line
from hooks.status.causes import Cause
from hooks.status.containers import Container
from hooks.status.reasons import Reason

STOPPED_POD_GRACE = timedelta(seconds=4)
"""How long a pod may stay at a step without a reported failure before that step counts as the cause."""


@dataclass(frozen=True, kw_only=True)
class StoppedStep:
    """`cause` counts once the grace is over; the pod has been at this step since `since`, which may hold anything."""

    since: Any
    cause: Cause

    def grace_left(self, pod: Manifest, now: datetime) -> timedelta:
        """Return the rest of the grace, none if the start of the step is unknown."""
        since = as_time(self.since) or as_time(value_at(pod, "metadata", "creationTimestamp"))
        return min(STOPPED_POD_GRACE, STOPPED_POD_GRACE - (now - since)) if since else timedelta()


def stopped_step(pod: Manifest, containers: list[Container]) -> StoppedStep | None:
    """Return the first step of a pod's start that is not complete and for which the status reports no failure."""
    return (
        _scheduling_gates_step(pod)
        or _volumes_step(pod)
        or _handler_start_step(containers)
        or _readiness_step(containers)
        or _readiness_gates_step(pod)
    )


def _scheduling_gates_step(pod: Manifest) -> StoppedStep | None:
    scheduled = find_condition(pod, "PodScheduled")
    if scheduled.get("reason") != Reason.SCHEDULING_GATED:
        return None
    gates = ", ".join(as_text(gate.get("name")) for gate in mappings_in(value_at(pod, "spec", "schedulingGates")))
    message = "the pod is not scheduled until its scheduling gates are removed" + (f": {gates}" if gates else "")
    return _stopped_at(scheduled.get("lastTransitionTime"), Reason.SCHEDULING_GATED, message)


def _volumes_step(pod: Manifest) -> StoppedStep | None:
    ready_to_start, scheduled = find_condition(pod, "PodReadyToStartContainers"), find_condition(pod, "PodScheduled")
    if scheduled.get("status") != "True" or ready_to_start.get("status") != "False":
        return None
    objects = ", ".join(_mounted_objects(pod))
    message = "the pod waits for its volumes" + (f"; check that these exist: {objects}" if objects else "")
    return _stopped_at(scheduled.get("lastTransitionTime"), Reason.VOLUMES_PENDING, message)


def _mounted_objects(pod: Manifest) -> Iterator[str]:
    for volume in mappings_in(value_at(pod, "spec", "volumes")):
        for kind, key, name_key in (("Secret", "secret", "secretName"), ("ConfigMap", "configMap", "name")):
            if (name := as_text(value_at(volume, key, name_key))) and not value_at(volume, key, "optional"):
                yield f"{kind} {name}"


def _handler_start_step(containers: list[Container]) -> StoppedStep | None:
    """Return which container delays the main container; a fetch, install or pull may take long: it is no cause."""
    is_waiting = any(container.is_main and container.waiting for container in containers)
    if not is_waiting or any((each.is_fetch or each.is_install) and each.is_running for each in containers):
        return None
    for container in containers:
        if container.is_running and not container.is_ready:
            reason = f"container {container.name} is not ready"
            if container.must_complete:
                reason = f"init container {container.name} is still running"
            return _stopped_at(container.started_at, Reason.NOT_STARTED, f"the handler has not started: {reason}")
    return None


def _readiness_step(containers: list[Container]) -> StoppedStep | None:
    unready = [each for each in containers if each.is_running and not each.is_ready and not each.must_complete]
    if not unready:
        return None
    others = ", ".join(f"container {each.name}" for each in unready if not each.is_main)
    main = next((each for each in unready if each.is_main), None)
    if main is None:
        return _stopped_at(unready[0].started_at, Reason.NOT_HEALTHY, f"running but not ready: {others}")
    message = "the handler is running but does not answer /healthz: it is still loading, or too busy"
    return _stopped_at(main.started_at, Reason.NOT_HEALTHY, message + (f"; also not ready: {others}" if others else ""))


def _readiness_gates_step(pod: Manifest) -> StoppedStep | None:
    containers_ready = find_condition(pod, "ContainersReady")
    if containers_ready.get("status") != "True":
        return None
    conditions = {as_text(each.get("type")): each for each in mappings_in(value_at(pod, "status", "conditions"))}
    for gate in mappings_in(value_at(pod, "spec", "readinessGates")):
        condition_type = as_text(gate.get("conditionType"))
        condition = conditions.get(condition_type, {})
        if condition.get("status") != "True":
            detail = one_line(as_text(condition.get("message")))
            message = f"readiness gate {one_line(condition_type)} is not met" + (f": {detail}" if detail else "")
            return _stopped_at(containers_ready.get("lastTransitionTime"), Reason.READINESS_GATE_CLOSED, message)
    return None


def _stopped_at(since: Any, reason: Reason, message: str) -> StoppedStep:
    return StoppedStep(since=since, cause=Cause(reason=reason, message=message[:MAX_LINE_CHARACTERS]))
