"""
Which additions of others to a child have to be removed, field by field.

A field may stand here if an addition to it cuts the Function off, is refused by the API server for ever once merged
with ours, or loosens our own containers, and if no policy engine adds to it on every write: that would never end.
docs/changes-by-others.md has every field and the reasons; drift.py removes them.
"""

from collections.abc import Callable, Mapping
from operator import is_
from typing import Any

from hooks.manifest import at, mapping

Adopt = Callable[[Any, Any, Any], Any]
"""Takes a field as desired, observed and last applied (None: absent); returns what to answer, one of the first two."""


def _foreign(desired: Any, live: Any, last: Any) -> Any:
    """A field that is none of ours."""
    return live if desired is None and last is None else desired


def _closed(desired: Any, live: Any, last: Any) -> Any:
    """A map or list of ours to which nothing may be added."""
    return live if _keyed(live).keys() - _keyed(desired).keys() - _keyed(last).keys() else desired


def _without(*harmful: tuple[str, Any]) -> Adopt:
    """Return the rule for a map of ours that must not gain one of these paths, with this value (...: with any)."""
    table = [(path.split("."), value) for path, value in harmful]

    def rule(desired: Any, live: Any, last: Any) -> Any:
        for path, value in table:
            found = at(live, *path)
            if found is not None and value in (..., found) and at(desired, *path) is None and at(last, *path) is None:
                return live
        return desired

    return rule


def _inside(rules: Mapping[str, Adopt]) -> Adopt:
    """Return the rule for a map of ours, given those for its fields; what else is added to it stays."""

    def rule(desired: Any, live: Any, last: Any) -> Any:
        if desired is None or not isinstance(live, dict):
            return desired
        adopted, last = {}, mapping(last)
        for key, inner in rules.items():
            ours, theirs = desired.get(key), live.get(key)
            if theirs is None or theirs == ours:
                continue
            answer = inner(ours, theirs, last.get(key))
            if answer is not ours:
                adopted[key] = answer
        return desired | adopted if adopted else desired

    return rule


def _each(inner: Adopt) -> Adopt:
    """Return the rule for a list of ours, given the one for its items; items that are added to it stay."""

    def rule(desired: Any, live: Any, last: Any) -> Any:
        if desired is None:
            return None
        there, before = _keyed(live), _keyed(last)
        answer = [
            inner(ours, theirs, before.get(key)) if (theirs := there.get(key)) else ours
            for key, ours in _keyed(desired).items()
        ]
        return desired if all(map(is_, answer, desired)) else answer

    return rule


def _patience(desired: Any, live: Any, last: Any) -> Any:
    """A Deployment's minReadySeconds is adopted together with the deadline, which has to be above it."""
    keys = ("minReadySeconds", "progressDeadlineSeconds")
    live = mapping(live)
    if "minReadySeconds" in live and "minReadySeconds" not in mapping(last):
        return desired | {key: live[key] for key in keys if key in live}
    return desired


def _then(first: Adopt, second: Adopt) -> Adopt:
    return lambda desired, live, last: second(first(desired, live, last), live, last)


def _keyed(value: Any) -> dict[Any, Any]:
    """Return a map as it is, a list by the keys by which Metacontroller merges, nothing for anything else."""
    if not isinstance(value, list):
        return mapping(value)
    return {
        key: item
        for item in value
        if isinstance(item, dict)
        and isinstance(key := item.get("containerPort") or item.get("port") or item.get("name"), (str, int))
    }


_UNCONFINED = (
    ("seccompProfile.type", "Unconfined"),
    ("seccompProfile.localhostProfile", ...),
    ("appArmorProfile.type", "Unconfined"),
)
_PROBE = _without(("exec", ...), ("tcpSocket", ...), ("grpc", ...))
_CONTAINER = _inside(
    {
        "env": _each(_then(_closed, _inside({"valueFrom": _closed}))),
        "ports": _each(_inside({"hostPort": _foreign, "hostIP": _foreign})),
        "readinessProbe": _PROBE,
        "livenessProbe": _PROBE,
        "lifecycle": _inside({"preStop": _closed}),
        "securityContext": _without(
            *_UNCONFINED,
            ("privileged", True),
            ("capabilities.add", ...),
            ("runAsUser", 0),
            ("runAsNonRoot", False),
        ),
    }
)
_POD = _inside(
    {
        "containers": _each(_CONTAINER),
        "initContainers": _each(_CONTAINER),
        "volumes": _each(_closed),
        "securityContext": _without(*_UNCONFINED),
        "hostNetwork": _foreign,
        "hostPID": _foreign,
        "hostIPC": _foreign,
    }
)
_SERVICE_SPEC = {
    "ports": _closed,
    "selector": _closed,
    "externalIPs": _foreign,
    "externalName": _foreign,
    "publishNotReadyAddresses": _foreign,
}
SERVICE = _inside({"spec": _inside(_SERVICE_SPEC)})
DEPLOYMENT = _inside({"spec": _then(_patience, _inside({"template": _inside({"spec": _POD})}))})
