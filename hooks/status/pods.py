"""
Why pods are not ready: the failures that their status reports, or else the step at which they have stopped.

Kubelets, virtual ones too, and anyone who may write pods set these fields, so any of them may hold any value.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hooks.manifest import Manifest, as_text, as_time, find_condition, mappings_in, value_at
from hooks.protocol import HookRequest
from hooks.redact import MAX_LINE_CHARACTERS
from hooks.resources import Resources
from hooks.status import causes
from hooks.status.causes import Cause
from hooks.status.containers import Container, containers_of
from hooks.status.reasons import Reason

STOPPED_POD_GRACE = timedelta(seconds=4)
"""How long a pod may stay at a step without a reported failure before that step counts as the cause."""

_NEWEST = re.compile(r'(?i)replica ?set "([^"]+)"')


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The cause of the lowest rank, if any; `seconds` until a pod within its grace may have one, 0 for none."""

    cause: Cause | None
    seconds: int


@dataclass(frozen=True, kw_only=True)
class StoppedStep:
    """The cause once the grace is over, and since when the pod has been at this step; `since` may hold anything."""

    since: Any
    cause: Cause


def newest_pods(request: HookRequest, deployment: Manifest) -> list[Manifest]:
    """Return the pods of the Deployment's newest ReplicaSet, or all pods if no condition names it."""
    pods = [pod for (kind, _), pod in request.related.items() if kind == "Pod"]
    if not (newest := _NEWEST.search(as_text(find_condition(deployment, "Progressing").get("message")))):
        return pods
    return [pod for pod in pods if newest[1] in _owner_names(pod)]


def _owner_names(pod: Manifest) -> list[str]:
    return [as_text(owner.get("name")) for owner in mappings_in(value_at(pod, "metadata", "ownerReferences"))]


def explain_pods(pods: Iterable[Manifest], resources: Resources, now: datetime) -> Explanation:
    """Return why those of `pods` that are not ready are not; `resources` are those of the main container."""
    found: list[Cause] = []
    remaining: list[timedelta] = []
    for pod in pods:
        if value_at(pod, "metadata", "deletionTimestamp") or find_condition(pod, "Ready").get("status") == "True":
            continue
        containers = containers_of(pod)
        if reported := _reported_causes(pod, containers, resources):
            found += reported
        elif step := _stopped_step(pod, containers):
            left = _grace_left(step, pod, now)
            remaining.append(left) if left > timedelta() else found.append(step.cause)
    first = min(found, key=lambda cause: (cause.reason.rank, cause.message), default=None)
    return Explanation(cause=first, seconds=int(max(remaining).total_seconds()) + 1 if remaining else 0)


def _grace_left(step: StoppedStep, pod: Manifest, now: datetime) -> timedelta:
    """Return the rest of a step's grace, none if its start is unknown."""
    since = as_time(step.since) or as_time(value_at(pod, "metadata", "creationTimestamp"))
    return min(STOPPED_POD_GRACE, STOPPED_POD_GRACE - (now - since)) if since else timedelta()


def _reported_causes(pod: Manifest, containers: list[Container], resources: Resources) -> list[Cause]:
    """Return the failures that a pod's status reports."""
    if value_at(pod, "status", "phase") == "Failed":
        return [causes.pod_failed(value_at(pod, "status", "reason"), value_at(pod, "status", "message"))]
    scheduled = find_condition(pod, "PodScheduled")
    is_unschedulable = scheduled.get("reason") == Reason.UNSCHEDULABLE
    found = [causes.unschedulable(scheduled.get("message"))] if is_unschedulable else []
    for container in containers:
        found += causes.container_causes(container, resources)
    return found


def _stopped_step(pod: Manifest, containers: list[Container]) -> StoppedStep | None:
    """Return the first step of a pod's start that is not complete and for which the status reports no failure."""
    return (
        _scheduling_gates(pod)
        or _volumes(pod)
        or _handler_start(containers)
        or _readiness(containers)
        or _readiness_gates(pod)
    )


def _scheduling_gates(pod: Manifest) -> StoppedStep | None:
    scheduled = find_condition(pod, "PodScheduled")
    if scheduled.get("reason") != Reason.SCHEDULING_GATED:
        return None
    gates = ", ".join(as_text(gate.get("name")) for gate in mappings_in(value_at(pod, "spec", "schedulingGates")))
    message = "the pod is not scheduled until its scheduling gates are removed" + (f": {gates}" if gates else "")
    return _step(scheduled.get("lastTransitionTime"), Reason.SCHEDULING_GATED, message)


def _volumes(pod: Manifest) -> StoppedStep | None:
    ready_to_start, scheduled = find_condition(pod, "PodReadyToStartContainers"), find_condition(pod, "PodScheduled")
    if scheduled.get("status") != "True" or ready_to_start.get("status") != "False":
        return None
    objects = ", ".join(_mounted_objects(pod))
    message = "the pod waits for its volumes" + (f"; check that these exist: {objects}" if objects else "")
    return _step(scheduled.get("lastTransitionTime"), Reason.VOLUMES_PENDING, message)


def _mounted_objects(pod: Manifest) -> Iterator[str]:
    for volume in mappings_in(value_at(pod, "spec", "volumes")):
        for kind, key, name_key in (("Secret", "secret", "secretName"), ("ConfigMap", "configMap", "name")):
            if (name := as_text(value_at(volume, key, name_key))) and not value_at(volume, key, "optional"):
                yield f"{kind} {name}"


def _handler_start(containers: list[Container]) -> StoppedStep | None:
    """Return which container delays the main container; an install or an image pull may take long and is no cause."""
    is_waiting = any(container.is_main and container.waiting for container in containers)
    if not is_waiting or any(container.is_install and container.is_running for container in containers):
        return None
    for container in containers:
        if container.is_running and not container.is_ready:
            reason = f"container {container.name} is not ready"
            if container.must_complete:
                reason = f"init container {container.name} is still running"
            return _step(container.started_at, Reason.NOT_STARTED, f"the handler has not started: {reason}")
    return None


def _readiness(containers: list[Container]) -> StoppedStep | None:
    unready = [each for each in containers if each.is_running and not each.is_ready and not each.must_complete]
    if not unready:
        return None
    others = ", ".join(f"container {each.name}" for each in unready if not each.is_main)
    main = next((each for each in unready if each.is_main), None)
    if main is None:
        return _step(unready[0].started_at, Reason.NOT_HEALTHY, f"running but not ready: {others}")
    message = "the handler is running but does not answer /healthz: it is still loading, or too busy"
    return _step(main.started_at, Reason.NOT_HEALTHY, message + (f"; also not ready: {others}" if others else ""))


def _readiness_gates(pod: Manifest) -> StoppedStep | None:
    containers_ready = find_condition(pod, "ContainersReady")
    if containers_ready.get("status") != "True":
        return None
    conditions = {as_text(each.get("type")): each for each in mappings_in(value_at(pod, "status", "conditions"))}
    for gate in mappings_in(value_at(pod, "spec", "readinessGates")):
        kind = as_text(gate.get("conditionType"))
        condition = conditions.get(kind, {})
        if condition.get("status") != "True":
            message = causes.readiness_gate_message(kind, condition.get("message"))
            return _step(containers_ready.get("lastTransitionTime"), Reason.READINESS_GATE_CLOSED, message)
    return None


def _step(since: Any, reason: Reason, message: str) -> StoppedStep:
    return StoppedStep(since=since, cause=Cause(reason=reason, message=message[:MAX_LINE_CHARACTERS]))
