"""
The differences between two objects, found by DeepDiff on a normal form.

In the normal form a list is a map, by the key by which Metacontroller merges its items or else by number, and each
leaf is its JSON. So an added variable is one difference, 1 and true differ, and DeepDiff has no lines to compare, which
takes quadratic time.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hooks import naming
from hooks.cli.comparison.metacontroller import list_key
from hooks.manifest import Manifest, as_mapping, value_at
from hooks.records import LAST_APPLIED

Path = tuple[str, ...]
"""The keys that lead to a value; an item of a list is in brackets, by its merge key or number."""
ABSENT = object()
_BOOKKEEPING = (
    LAST_APPLIED,
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
)
"""Annotations that record a write."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """
    A value that differs; ABSENT is none, and lists are maps as in a path (restored() returns them).

    `is_order` is whether the same items are in another order.
    """

    path: Path
    old: Any
    new: Any
    is_order: bool = False


def comparable(child: Manifest) -> Manifest:
    """Return a child without status and without what components record about their writes."""
    metadata = as_mapping(child.get("metadata"))
    annotations = as_mapping(metadata.get("annotations"))
    kept = {
        "labels": as_mapping(metadata.get("labels")),
        "annotations": {key: value for key, value in annotations.items() if key not in _BOOKKEEPING},
    }
    rest = {key: value for key, value in child.items() if key not in ("apiVersion", "kind", "metadata", "status")}
    return {"metadata": {key: value for key, value in kept.items() if value}} | rest


def template(deployment: Manifest) -> Any:
    """Return the pod template of a Deployment: its pods restart when this changes."""
    return value_at(deployment, "spec", "template")


def same_data(old: Manifest, new: Manifest) -> Manifest:
    """
    Return `new` with the version of the data of Secrets and ConfigMaps that `old` has, if both have one.

    Their data is not known here.
    """
    keys = ("spec", "template", "metadata", "annotations")
    before, after = (value_at(each, *keys) for each in (old, new))
    if naming.CONFIGS_VERSION not in as_mapping(before) or naming.CONFIGS_VERSION not in as_mapping(after):
        return new
    changed: Manifest = json.loads(json.dumps(new))
    value_at(changed, *keys)[naming.CONFIGS_VERSION] = before[naming.CONFIGS_VERSION]
    return changed


def changes(old: Any, new: Any) -> list[Change]:
    """Return every difference between two JSON values, sorted by path; none if and only if the values are equal."""
    before, after = _normal(old), _normal(new)
    found = [] if before == after else [*_differences(before, after)]
    return sorted([*found, *_orders(old, new, ())], key=lambda change: change.path)


def _differences(old: Any, new: Any) -> Iterator[Change]:
    from deepdiff import DeepDiff  # noqa: PLC0415 - takes half a second to load, and equal values do not need it

    # By default DeepDiff reports maps with few common keys as a whole, and ignores keys that begin with "__".
    tree = DeepDiff(old, new, view="tree", threshold_to_diff_deeper=0, ignore_private_variables=False)
    for kind, levels in tree.items():
        for level in levels:
            yield Change(
                path=tuple(level.path(output_format="list")),
                old=ABSENT if kind == "dictionary_item_added" else _plain(level.t1),
                new=ABSENT if kind == "dictionary_item_removed" else _plain(level.t2),
            )


def _normal(value: Any) -> Any:
    if isinstance(value, dict) and value:
        return {str(key): _normal(item) for key, item in value.items()}
    if isinstance(value, list) and value:
        return {f"[{key}]": _normal(item) for key, item in _by_key(value).items()}
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> Any:
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else json.loads(value)


def restored(value: Any) -> Any:
    """Return the value of a Change with its lists."""
    if not isinstance(value, dict):
        return value
    items = {key: restored(item) for key, item in value.items()}
    is_list = bool(items) and all(key[:1] == "[" for key in items)
    return list(items.values()) if is_list else items


def _by_key(items: list[Any]) -> Mapping[Any, Any]:
    """Return the items of a list by their merge key, else by their number."""
    key = list_key(items)
    named = {item[key]: item for item in items if isinstance(item[key], str | int)} if key else {}
    return named if len(named) == len(items) else dict(enumerate(items))


def _orders(old: Any, new: Any, path: Path) -> Iterator[Change]:
    """Yield a change for each list of named items of which those in both lists have another order."""
    if isinstance(old, list) and isinstance(new, list):
        before, after = _by_key(old), _by_key(new)
        common = [key for key in before if key in after], [key for key in after if key in before]
        if common[0] != common[1]:
            yield Change(path=path, old=common[0], new=common[1], is_order=True)
        for key in common[0]:
            yield from _orders(before[key], after[key], (*path, f"[{key}]"))
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() & new.keys():
            yield from _orders(old[key], new[key], (*path, str(key)))
