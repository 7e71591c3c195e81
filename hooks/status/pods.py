"""
Why pods are not ready: the failures that their status reports, or else the step at which they have stopped.

Kubelets, virtual ones too, and anyone who may write pods set these fields, so any of them may hold any value.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hooks.manifest import Manifest, as_text, find_condition, mappings_in, value_at
from hooks.protocol import HookRequest
from hooks.resources import Resources
from hooks.status.causes import Cause, reported_causes
from hooks.status.containers import containers_of
from hooks.status.stopped_steps import stopped_step

_NEWEST = re.compile(r'(?i)replica ?set "([^"]+)"')


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The cause of the lowest rank, if any; `seconds` until a pod within its grace may have one, 0 for none."""

    cause: Cause | None
    seconds: int


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
        if reported := reported_causes(pod, containers, resources):
            found += reported
        elif step := stopped_step(pod, containers):
            left = step.grace_left(pod, now)
            remaining.append(left) if left > timedelta() else found.append(step.cause)
    first = min(found, key=lambda cause: (cause.reason.rank, cause.message), default=None)
    return Explanation(cause=first, seconds=int(max(remaining).total_seconds()) + 1 if remaining else 0)
