"""
The fields that are removed from a child if another component adds them.

A field may be listed if adding it makes the Function unreachable, makes the API server refuse every merged update, or
weakens the security of the hook's own containers. An admission policy that adds one on every write prevails
(policy_additions.py). docs/changes-by-others.md gives the reason for each field.
"""

from collections.abc import Callable, Mapping
from operator import is_
from typing import Any

from hooks.manifest import as_mapping, value_at

Adopt = Callable[[Any, Any, Any], Any]
"""Takes a field's desired, observed and last applied value (None if absent); returns the observed one to adopt it."""


def _unset_field(desired: Any, live: Any, last: Any) -> Any:
    """Adopt a field that the hook does not set."""
    return live if desired is None and last is None else desired


def _no_extra_items(desired: Any, live: Any, last: Any) -> Any:
    """Adopt a map or list that has gained a key or item."""
    extra = index_by_merge_key(live).keys() - index_by_merge_key(desired).keys() - index_by_merge_key(last).keys()
    return live if extra else desired


def _no_extra_keys(desired: Any, live: Any, last: Any) -> Any:
    """Adopt the additional keys of a map, beside those of the hook: the record then never has the additions alone."""
    extra = as_mapping(live).keys() - as_mapping(desired).keys() - as_mapping(last).keys()
    return as_mapping(live) | desired if extra else desired


def _no_paths(*harmful: tuple[str, Any]) -> Adopt:
    """Return the function that adopts a map that has gained one of these paths with this value (...: any value)."""
    table = [(path.split("."), value) for path, value in harmful]

    def adopt(desired: Any, live: Any, last: Any) -> Any:
        for path, value in table:
            found = value_at(live, *path)
            is_harmful = found is not None and value in (..., found)
            if is_harmful and value_at(desired, *path) is None and value_at(last, *path) is None:
                return live
        return desired

    return adopt


def _for_fields(adopt_by_key: Mapping[str, Adopt]) -> Adopt:
    """Return the function that applies these functions to their fields of a map; other additions stay."""

    def adopt(desired: Any, live: Any, last: Any) -> Any:
        if desired is None or not isinstance(live, dict):
            return desired
        adopted, last = {}, as_mapping(last)
        for key, adopt_field in adopt_by_key.items():
            ours, theirs = desired.get(key), live.get(key)
            if theirs is None or theirs == ours:
                continue
            answer = adopt_field(ours, theirs, last.get(key))
            if answer is not ours:
                adopted[key] = answer
        return desired | adopted if adopted else desired

    return adopt


def _for_items(adopt_item: Adopt) -> Adopt:
    """Return the function that applies `adopt_item` to each desired item of a list; additional items stay."""

    def adopt(desired: Any, live: Any, last: Any) -> Any:
        if desired is None:
            return None
        live_items, last_items = index_by_merge_key(live), index_by_merge_key(last)
        answer = [
            adopt_item(ours, theirs, last_items.get(key)) if (theirs := live_items.get(key)) else ours
            for key, ours in index_by_merge_key(desired).items()
        ]
        return desired if all(map(is_, answer, desired)) else answer

    return adopt


def _min_ready_seconds(desired: Any, live: Any, last: Any) -> Any:
    """Adopt minReadySeconds together with the live deadline: the API server requires the deadline to be greater."""
    keys = ("minReadySeconds", "progressDeadlineSeconds")
    live = as_mapping(live)
    if "minReadySeconds" in live and "minReadySeconds" not in as_mapping(last):
        return desired | {key: live[key] for key in keys if key in live}
    return desired


def _chain(first: Adopt, second: Adopt) -> Adopt:
    return lambda desired, live, last: second(first(desired, live, last), live, last)


def index_by_merge_key(value: Any) -> dict[Any, Any]:
    """Return a map unchanged, a list's items by merge_key(), {} for any other type."""
    if not isinstance(value, list):
        return as_mapping(value)
    return {key: item for item in value if (key := merge_key(item)) is not None}


def merge_key(item: Any) -> str | int | None:
    """Return the value by which Metacontroller merges an item of a list, None if it has none."""
    if not isinstance(item, dict):
        return None
    key = item.get("containerPort") or item.get("port") or item.get("name")
    return key if isinstance(key, (str, int)) else None


_UNCONFINED = (
    ("seccompProfile.type", "Unconfined"),
    ("seccompProfile.localhostProfile", ...),
    ("appArmorProfile.type", "Unconfined"),
)
_PROBE = _no_paths(("exec", ...), ("tcpSocket", ...), ("grpc", ...))
_CONTAINER = _for_fields(
    {
        "env": _for_items(_chain(_no_extra_items, _for_fields({"valueFrom": _no_extra_items}))),
        "ports": _for_items(_for_fields({"hostPort": _unset_field, "hostIP": _unset_field})),
        "readinessProbe": _PROBE,
        "livenessProbe": _PROBE,
        "lifecycle": _for_fields({"preStop": _no_extra_items}),
        "securityContext": _no_paths(
            *_UNCONFINED,
            ("privileged", True),
            ("capabilities.add", ...),
            ("runAsUser", 0),
            ("runAsNonRoot", False),
        ),
    }
)
_POD = _for_fields(
    {
        "containers": _for_items(_CONTAINER),
        "initContainers": _for_items(_CONTAINER),
        "volumes": _for_items(_no_extra_items),
        "securityContext": _no_paths(*_UNCONFINED),
        "hostNetwork": _unset_field,
        "hostPID": _unset_field,
        "hostIPC": _unset_field,
    }
)
_SERVICE_SPEC = {
    "ports": _no_extra_items,
    "selector": _no_extra_items,
    "externalIPs": _unset_field,
    "externalName": _unset_field,
    "publishNotReadyAddresses": _unset_field,
}
SERVICE = _for_fields({"spec": _for_fields(_SERVICE_SPEC)})
DEPLOYMENT = _for_fields({"spec": _chain(_min_ready_seconds, _for_fields({"template": _for_fields({"spec": _POD})}))})
GIT_REPOSITORY = _for_fields(
    {"spec": _for_fields({"ref": _no_extra_keys, "include": _unset_field, "sparseCheckout": _unset_field})}
)
