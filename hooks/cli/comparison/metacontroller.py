"""
A model of Metacontroller 4.17: how dynamic apply writes one child.

It has the three-way merge with the last-applied record, and the label and owner that Metacontroller adds.
tests/cluster/test_offline_model.py compares it with the real one.
"""

import json
from copy import deepcopy
from typing import Any

from hooks import naming
from hooks.cli.comparison import api_server
from hooks.manifest import Manifest
from hooks.records import LAST_APPLIED

LIST_KEYS = ("containerPort", "port", "mountPath", "name", "uid", "ip", "path")
SYSTEM = ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "managedFields", "selfLink")


def applied(desired: Manifest, observed: Manifest | None, parent: Manifest) -> Manifest:
    """
    Return a child as the API server has it after one response; `observed` itself if nothing is written.

    Raises ValueError for a wrong controller-uid label, which aborts the whole sync.
    """
    desired = _owned(desired, parent["metadata"])
    if observed is None:
        return api_server.created(_with_record(desired), _owner(parent))
    merged = updated(observed, desired)
    return observed if merged == observed else api_server.stored(merged, observed)


def _owned(child: Manifest, parent: Manifest) -> Manifest:
    child = json.loads(json.dumps(child))  # containers share parts of a response, but not of a stored object
    child["metadata"].setdefault("namespace", parent["namespace"])
    labels = child["metadata"].setdefault("labels", {})
    if labels.setdefault(naming.CONTROLLER_UID, parent["uid"]) != parent["uid"]:
        raise ValueError(f"a wrong label {naming.CONTROLLER_UID}")
    return dict(child)


def _owner(parent: Manifest) -> Manifest:
    owner = {"apiVersion": parent["apiVersion"], "kind": "Function", "controller": True, "blockOwnerDeletion": True}
    return owner | {key: parent["metadata"][key] for key in ("name", "uid")}


def updated(observed: Manifest, desired: Manifest) -> Manifest:
    """Return `observed` with `desired` merged in, by the last-applied record."""
    last = json.loads(observed["metadata"].get("annotations", {}).get(LAST_APPLIED) or "{}") or {}
    merged: Manifest = merge(deepcopy(observed), last, desired)
    for key in SYSTEM:
        if key in observed["metadata"]:
            merged["metadata"][key] = observed["metadata"][key]
    if "status" in observed:
        merged["status"] = observed["status"]
    return _with_record(merged, desired) if last != desired else merged


def merge(observed: Any, last: Any, desired: Any) -> Any:
    """Merge three values of one field: maps by key, lists by the first key of LIST_KEYS that all items have."""
    if isinstance(observed, dict) and isinstance(desired, dict):
        return _merge_maps(observed, last if isinstance(last, dict) else {}, desired)
    if isinstance(observed, list) and isinstance(desired, list):
        last = last if isinstance(last, list) else []
        if key := list_key(observed, last, desired):
            return _merge_lists(key, observed, last, desired)
    return deepcopy(desired)


def _merge_maps(observed: Manifest, last: Manifest, desired: Manifest) -> Manifest:
    merged = {key: value for key, value in observed.items() if key in desired or key not in last}
    for key, value in desired.items():
        merged[key] = merge(observed.get(key), last.get(key), value)
    return merged


def list_key(*lists: list[Any]) -> str | None:
    """Return the field by which the items of these lists are merged, None if they are replaced as a whole."""
    items = [item for items in lists for item in items]
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    return next((key for key in LIST_KEYS if all(isinstance(item.get(key), str | int) for item in items)), None)


def _merge_lists(key: str, observed: list[Any], last: list[Any], desired: list[Any]) -> list[Any]:
    """Merge items of the same key; the order is the observed one, new items come last."""
    seen, before, wanted = ({item[key]: item for item in items} for items in (observed, last, desired))
    merged = _merge_maps(seen, before, wanted)
    return [merged[name] for name in [*seen, *(name for name in wanted if name not in seen)] if name in merged]


def _with_record(child: Manifest, desired: Manifest | None = None) -> Manifest:
    """Return a copy of `child` that records `desired`, by default itself."""
    record = json.dumps(child if desired is None else desired, sort_keys=True, separators=(",", ":"))
    metadata = child["metadata"]
    return child | {"metadata": metadata | {"annotations": metadata.get("annotations", {}) | {LAST_APPLIED: record}}}
