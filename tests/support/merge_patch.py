"""
JSON merge patches (RFC 7386) that also reach into lists, and the patch that leads from one value to another.

A map laid over a list of objects addresses its items by key: the one that KEYS names for the list, or else `name`.

    containers: {function: {image: "example.com/a:2"}}   changes one field of one container
    env: {OLD: null, NEW: {value: x}}                    removes a variable and appends another
    env: {$last: [B, A]}                                 moves variables to the end, in this order

The rest is RFC 7386: null removes a key, and any other list is replaced as a whole.
"""

from copy import deepcopy
from typing import Any

Manifest = dict[str, Any]

KEYS = {"children": "kind", "conditions": "type", "volumeMounts": "mountPath"}
LAST = "$last"


def overlaid(base: Any, patch: Any, field: str = "") -> Any:
    """Return `base` with the patch applied; `field` is the name of the field that holds it."""
    if not isinstance(patch, dict):
        return deepcopy(patch)
    items = _by_key(base, field)
    if items is not None:
        return _list_overlaid(items, patch, field)
    merged = deepcopy(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        merged[key] = overlaid(merged.get(key), value, key)
    return {key: value for key, value in merged.items() if value is not None}


def difference(base: Any, value: Any) -> Any:
    """Return the patch that makes `value` of `base`; raises ValueError if none does, as where `value` holds null."""
    patch = _difference(base, value, "")
    if overlaid(base, patch) != value:
        raise ValueError("no merge patch leads to this value")
    return patch


def _difference(base: Any, value: Any, field: str) -> Any:
    before, after = _by_key(base, field), _by_key(value, field)
    if before is not None and after is not None:
        return _map_difference(before, after, KEYS.get(field, "name")) | _order(before, after)
    if isinstance(base, dict) and isinstance(value, dict):
        return _map_difference(base, value)
    return value


def _map_difference(base: Manifest, value: Manifest, key_field: str = "") -> Manifest:
    removed = {key: None for key in base if key not in value}
    changed = {key: _difference(base[key], value[key], key) for key in base if key in value and base[key] != value[key]}
    added = {key: _without(value[key], key_field) for key in value if key not in base}
    return removed | changed | added


def _without(value: Any, key: str) -> Any:
    return {name: inner for name, inner in value.items() if name != key} if key else value


def _by_key(value: Any, field: str) -> Manifest | None:
    """Return the items of a list by key; None unless all are objects, each with a key of its own."""
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return None
    keys = [item.get(KEYS.get(field, "name")) for item in value]
    if LAST in keys or len(set(map(str, keys))) < len(keys) or not all(isinstance(key, str) for key in keys):
        return None
    return dict(zip(keys, value, strict=True))


def _list_overlaid(items: Manifest, patch: Manifest, field: str) -> list[Any]:
    merged = dict(items)
    for key, value in patch.items():
        if key != LAST:
            merged[key] = overlaid(items.get(key, {KEYS.get(field, "name"): key}), value)
    last = [key for key in patch.get(LAST, ()) if key in merged]
    order = [key for key in merged if key not in last] + last
    return [deepcopy(merged[key]) for key in order if merged[key] is not None]


def _order(before: Manifest, after: Manifest) -> Manifest:
    """Return the shortest `$last` that puts the items in order, or nothing if they are."""
    order = list(after)
    merged = [*(key for key in before if key in after), *(key for key in after if key not in before)]
    for count in range(len(order)):
        last = order[len(order) - count :]
        if [key for key in merged if key not in last] + last == order:
            return {LAST: last} if last else {}
    return {LAST: order}
