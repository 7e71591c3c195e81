"""
What somebody added to a child and merging cannot mend: adopted in one answer, it is gone with the next.

Metacontroller's merge takes away only what it has sent before. So a harmful addition is first answered as observed,
which changes nothing but the record of what was last applied; from then on the usual answer removes it. Which of the
two is due is read from that record. Without one that counts (records.py) nothing is adopted.

A field may stand here if an addition to it cuts the Function off, is refused by the API server for ever once merged
with ours, or loosens our own containers, and if no policy engine adds to it on every write: that would never end.
docs/drift.md has every field and the reasons.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import is_
from typing import Any

from hooks.manifest import Manifest, can_be_written
from hooks.protocol import SyncRequest
from hooks.records import last_applied

Rule = Callable[[Any, Any, Any], Any]
"""Takes a field as desired, observed and last applied (None: absent); returns what to answer, one of the first two."""


def adopting(desired: list[Manifest], request: SyncRequest) -> list[Manifest]:
    """Return the desired children, where something is to be adopted with that field as observed."""
    return [_adopting(child, request.child(child["kind"])) for child in desired]


def _adopting(desired: Manifest, live: Manifest | None) -> Manifest:
    rule = _KINDS.get(desired["kind"])
    # The record is decoded only where an addition is found, so that a settled child costs a few comparisons.
    if live is None or rule is None or rule(desired, live, None) is desired:
        return desired
    record = last_applied(live)
    answer: Manifest = desired if record is None else rule(desired, live, record)
    return answer if answer is desired or can_be_written(answer) else desired


def _foreign(desired: Any, live: Any, last: Any) -> Any:
    """A field that is none of ours."""
    return live if desired is None and last is None else desired


def _closed(desired: Any, live: Any, last: Any) -> Any:
    """A map or list of ours to which nothing may be added."""
    return live if _keyed(live).keys() - _keyed(desired).keys() - _keyed(last).keys() else desired


def _without(*harmful: tuple[str, Any]) -> Rule:
    """Return the rule for a map of ours that must not gain one of these paths, with this value (...: with any)."""
    table = [(path.split("."), value) for path, value in harmful]

    def rule(desired: Any, live: Any, last: Any) -> Any:
        for path, value in table:
            found = _at(live, path)
            if found is not None and value in (..., found) and _at(desired, path) is None and _at(last, path) is None:
                return live
        return desired

    return rule


def _inside(rules: Mapping[str, Rule]) -> Rule:
    """Return the rule for a map of ours, given those for its fields; what else is added to it stays."""

    def rule(desired: Any, live: Any, last: Any) -> Any:
        if desired is None or not isinstance(live, dict):
            return desired
        adopted, last = {}, _mapping(last)
        for key, inner in rules.items():
            ours, theirs = desired.get(key), live.get(key)
            if theirs is None or theirs == ours:
                continue
            answer = inner(ours, theirs, last.get(key))
            if answer is not ours:
                adopted[key] = answer
        return desired | adopted if adopted else desired

    return rule


def _each(inner: Rule) -> Rule:
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
    live = _mapping(live)
    if "minReadySeconds" in live and "minReadySeconds" not in _mapping(last):
        return desired | {key: live[key] for key in keys if key in live}
    return desired


def _then(first: Rule, second: Rule) -> Rule:
    return lambda desired, live, last: second(first(desired, live, last), live, last)


def _at(value: Any, path: Iterable[str]) -> Any:
    for key in path:
        value = _mapping(value).get(key)
    return value


def _keyed(value: Any) -> dict[Any, Any]:
    """Return a map as it is, a list by the keys by which Metacontroller merges, nothing for anything else."""
    if not isinstance(value, list):
        return _mapping(value)
    return {
        key: item
        for item in value
        if isinstance(item, dict)
        and isinstance(key := item.get("containerPort") or item.get("port") or item.get("name"), (str, int))
    }


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


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
_SERVICE = {
    "ports": _closed,
    "selector": _closed,
    "externalIPs": _foreign,
    "externalName": _foreign,
    "publishNotReadyAddresses": _foreign,
}
_KINDS = {
    "Service": _inside({"spec": _inside(_SERVICE)}),
    "Deployment": _inside({"spec": _then(_patience, _inside({"template": _inside({"spec": _POD})}))}),
}
