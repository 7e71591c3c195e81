"""
Why the pods of a Function are not ready: what their status says outright, and what their silence comes down to.

Nothing found in a pod is certain: kubelets, virtual ones too, and whoever may write pods put there what they like.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hooks.manifest import Manifest, at, condition, mappings, moment, text
from hooks.protocol import HookRequest
from hooks.redact import LINE_CHARACTERS
from hooks.resources import Resources
from hooks.status import causes, containers
from hooks.status.causes import Cause
from hooks.status.containers import Container
from hooks.status.reasons import Reason

GRACE = timedelta(seconds=4)
"""How long a pod may be silent about what it waits for before that counts as a cause."""

_NEWEST = re.compile(r'(?i)replica ?set "([^"]+)"')


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The most useful cause, if there is any yet; `seconds` until a silent pod may have one, 0 for never."""

    cause: Cause | None
    seconds: int


@dataclass(frozen=True, kw_only=True)
class Wait:
    """What a pod waits for without a word of its own, and since when; `since` may hold anything."""

    since: Any
    cause: Cause


def newest_pods(request: HookRequest, deployment: Manifest) -> list[Manifest]:
    """Return the pods of the Deployment's newest ReplicaSet, or all while no condition names one."""
    pods = [pod for (kind, _), pod in request.related.items() if kind == "Pod"]
    if not (newest := _NEWEST.search(text(condition(deployment, "Progressing").get("message")))):
        return pods
    return [pod for pod in pods if newest[1] in _owners(pod)]


def _owners(pod: Manifest) -> list[str]:
    return [text(owner.get("name")) for owner in mappings(at(pod, "metadata", "ownerReferences"))]


def of_pods(pods: Iterable[Manifest], resources: Resources, now: datetime) -> Findings:
    """Return why those of `pods` that are not ready are not; `resources` are those of the Function."""
    causes: list[Cause] = []
    waits: list[timedelta] = []
    for pod in pods:
        if at(pod, "metadata", "deletionTimestamp") or condition(pod, "Ready").get("status") == "True":
            continue
        every = containers.of_pod(pod)
        if found := _reported(pod, every, resources):
            causes += found
        elif wait := _waits(pod, every):
            left = _left(wait, pod, now)
            waits.append(left) if left > timedelta() else causes.append(wait.cause)
    first = min(causes, key=lambda cause: (cause.reason.rank, cause.message), default=None)
    return Findings(cause=first, seconds=int(max(waits).total_seconds()) + 1 if waits else 0)


def _left(wait: Wait, pod: Manifest, now: datetime) -> timedelta:
    """Return how much of its grace is left to a wait; one that began at no known time has none."""
    since = moment(wait.since) or moment(at(pod, "metadata", "creationTimestamp"))
    return min(GRACE, GRACE - (now - since)) if since else timedelta()


def _reported(pod: Manifest, every: list[Container], resources: Resources) -> list[Cause]:
    """Return what a pod's status says outright."""
    if at(pod, "status", "phase") == "Failed":
        return [causes.failed(at(pod, "status", "reason"), at(pod, "status", "message"))]
    scheduled = condition(pod, "PodScheduled")
    found = [causes.unschedulable(scheduled.get("message"))] if scheduled.get("reason") == Reason.UNSCHEDULABLE else []
    for container in every:
        found += causes.of_container(container, resources)
    return found


def _waits(pod: Manifest, every: list[Container]) -> Wait | None:
    """Return what a pod waits for that its status does not explain, in the order of a pod's life."""
    return _for_a_node(pod) or _for_volumes(pod) or _for_a_start(every) or _for_health(every) or _for_a_gate(pod)


def _for_a_node(pod: Manifest) -> Wait | None:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("reason") != Reason.SCHEDULING_GATED:
        return None
    gates = ", ".join(text(gate.get("name")) for gate in mappings(at(pod, "spec", "schedulingGates")))
    message = "the pod gets no node before its scheduling gates are removed" + (f": {gates}" if gates else "")
    return _wait(scheduled.get("lastTransitionTime"), Reason.SCHEDULING_GATED, message)


def _for_volumes(pod: Manifest) -> Wait | None:
    ready_to_start, scheduled = condition(pod, "PodReadyToStartContainers"), condition(pod, "PodScheduled")
    if scheduled.get("status") != "True" or ready_to_start.get("status") != "False":
        return None
    message = f"the pod waits for its files: does each of these exist? {', '.join(_mounted(pod)) or 'its volumes'}"
    return _wait(scheduled.get("lastTransitionTime"), Reason.VOLUMES_PENDING, message)


def _mounted(pod: Manifest) -> Iterator[str]:
    for volume in mappings(at(pod, "spec", "volumes")):
        for kind, key, name in (("Secret", "secret", "secretName"), ("ConfigMap", "configMap", "name")):
            if (named := text(at(volume, key, name))) and not at(volume, key, "optional"):
                yield f"{kind} {named}"


def _for_a_start(every: list[Container]) -> Wait | None:
    """Return what holds up a handler that does not run yet; an install step and an image being pulled do not count."""
    waits = any(each.is_function and each.waiting for each in every)
    if not waits or any(each.is_install and each.runs for each in every):
        return None
    for container in every:
        if container.runs and not container.is_ready:
            named = f"init container {container.name} is still at work"
            if not container.is_init:
                named = f"container {container.name} is not ready"
            return _wait(container.started_at, Reason.NOT_STARTED, f"the handler does not run yet, and {named}")
    return None


def _for_health(every: list[Container]) -> Wait | None:
    silent = [each for each in every if each.runs and not each.is_ready and not each.is_init]
    if not silent:
        return None
    others = ", ".join(f"container {each.name}" for each in silent if not each.is_function)
    own = next((each for each in silent if each.is_function), None)
    if own is None:
        return _wait(silent[0].started_at, Reason.NOT_HEALTHY, f"not ready, though running: {others}")
    message = "the handler runs but does not answer /healthz: it is still loading, or too busy"
    return _wait(own.started_at, Reason.NOT_HEALTHY, message + (f"; not ready either: {others}" if others else ""))


def _for_a_gate(pod: Manifest) -> Wait | None:
    contained = condition(pod, "ContainersReady")
    if contained.get("status") != "True":
        return None
    found = {text(each.get("type")): each for each in mappings(at(pod, "status", "conditions"))}
    for gate in mappings(at(pod, "spec", "readinessGates")):
        kind = text(gate.get("conditionType"))
        given = found.get(kind, {})
        if given.get("status") != "True":
            message = causes.of_gate(kind, given.get("message"))
            return _wait(contained.get("lastTransitionTime"), Reason.READINESS_GATE_CLOSED, message)
    return None


def _wait(since: Any, reason: Reason, message: str) -> Wait:
    return Wait(since=since, cause=Cause(reason=reason, message=message[:LINE_CHARACTERS]))
