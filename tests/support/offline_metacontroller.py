"""
An offline model of how Metacontroller 4.17 applies an answer, with the API server's defaults.

It has dynamic apply's three-way merge, the label and owner that Metacontroller adds and the API server's defaults
(api_server_defaults.py), and it counts writes as the audit log would. cluster/test_offline_model.py compares it with
the real one.
"""

import json
from copy import deepcopy
from typing import Any

from support import api_server_defaults

from hooks.children import KINDS

LAST_APPLIED = "metacontroller.k8s.io/last-applied-configuration"
FINALIZER = "metacontroller.io/compositecontroller-function-controller"
LIST_KEYS = ("containerPort", "port", "mountPath", "name", "uid", "ip", "path")
SYSTEM = ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "managedFields", "selfLink")

Manifest = dict[str, Any]


class World:
    """One Function and its children, as the API server stores them; `git` is whether git.enabled is set."""

    def __init__(self, parent: Manifest, children: list[Manifest] | None = None, *, git: bool = False) -> None:
        self.git = git
        self.parent = deepcopy(parent)
        self.parent["metadata"].setdefault("uid", "11111111-2222-3333-4444-555555555555")
        self.parent["metadata"].setdefault("generation", 1)
        self.parent["metadata"].setdefault("finalizers", [FINALIZER])
        self.children: dict[tuple[str, str], Manifest] = {}
        self.related: dict[str, Manifest] = {}
        for child in deepcopy(children or []):
            self.children[child["kind"], child["metadata"]["name"]] = child

    def request(self, *, finalizing: bool = False) -> Manifest:
        """Return what Metacontroller would send now (hook version v1)."""
        groups: dict[str, Manifest] = {kind.group: {} for kind in KINDS.values() if self.git or not kind.needs_git}
        for (kind, name), child in sorted(self.children.items()):
            groups[KINDS[kind].group][name] = child
        request: Manifest = {"controller": {}, "parent": self.parent, "children": groups, "related": self.related}
        request["finalizing"] = finalizing
        return deepcopy(request)

    def edit(self, spec: Manifest) -> None:
        """Replace the Function's spec, as `kubectl replace` would."""
        if spec != self.parent["spec"]:
            self.parent["metadata"]["generation"] += 1
        self.parent["spec"] = deepcopy(spec)

    def apply(self, answer: Manifest) -> list[str]:
        """Apply an answer; return the writes in order."""
        if answer.get("finalized"):
            self.parent["metadata"]["finalizers"] = []
            return ["update Function"]
        desired = {(child["kind"], child["metadata"]["name"]): self._owned(child) for child in answer["children"]}
        writes = [f"delete {kind}/{name}" for kind, name in self.children if (kind, name) not in desired]
        self.children = {key: child for key, child in self.children.items() if key in desired}
        for key, child in sorted(desired.items()):
            writes += self._write(key, child)
        status = deepcopy(answer["status"]) | {"observedGeneration": self.parent["metadata"]["generation"]}
        if status != self.parent.get("status"):
            self.parent["status"] = status
            writes.append("status")
        return writes

    def _owned(self, child: Manifest) -> Manifest:
        metadata = self.parent["metadata"]
        child = json.loads(json.dumps(child))  # containers share parts of an answer, but not of a stored object
        child["metadata"].setdefault("namespace", metadata["namespace"])
        child["metadata"].setdefault("labels", {}).setdefault("controller-uid", metadata["uid"])
        assert child["metadata"]["labels"]["controller-uid"] == metadata["uid"], "a wrong label aborts the whole sync"
        return child

    def _write(self, key: tuple[str, str], desired: Manifest) -> list[str]:
        observed = self.children.get(key)
        record = json.dumps(desired, sort_keys=True, separators=(",", ":"))
        if observed is None:
            self.children[key] = api_server_defaults.created(_with_record(deepcopy(desired), record), self._owner())
            return [f"create {'/'.join(key)}"]
        merged = updated(observed, desired)
        if merged == observed:
            return []
        self.children[key] = api_server_defaults.stored(merged, observed)
        return [f"update {'/'.join(key)}"]

    def _owner(self) -> Manifest:
        owner = {"apiVersion": self.parent["apiVersion"], "kind": "Function", "controller": True}
        metadata = self.parent["metadata"]
        return owner | {"blockOwnerDeletion": True, "name": metadata["name"], "uid": metadata["uid"]}


def updated(observed: Manifest, desired: Manifest) -> Manifest:
    """Return `observed` with `desired` merged in, by the last-applied record."""
    last = json.loads(observed["metadata"].get("annotations", {}).get(LAST_APPLIED) or "{}") or {}
    merged: Manifest = merge(deepcopy(observed), last, desired)
    for key in SYSTEM:
        if key in observed["metadata"]:
            merged["metadata"][key] = observed["metadata"][key]
    if "status" in observed:
        merged["status"] = observed["status"]
    if last != desired:
        return _with_record(merged, json.dumps(desired, sort_keys=True, separators=(",", ":")))
    return merged


def merge(observed: Any, last: Any, desired: Any) -> Any:
    """Merge three values of one field: maps by key, lists by the first key of LIST_KEYS that all items have."""
    if isinstance(observed, dict) and isinstance(desired, dict):
        return _merge_maps(observed, last if isinstance(last, dict) else {}, desired)
    if isinstance(observed, list) and isinstance(desired, list):
        last = last if isinstance(last, list) else []
        if key := _list_key(observed, last, desired):
            return _merge_lists(key, observed, last, desired)
    return deepcopy(desired)


def _merge_maps(observed: Manifest, last: Manifest, desired: Manifest) -> Manifest:
    merged = {key: value for key, value in observed.items() if key in desired or key not in last}
    for key, value in desired.items():
        merged[key] = merge(observed.get(key), last.get(key), value)
    return merged


def _list_key(*lists: list[Any]) -> str | None:
    items = [item for items in lists for item in items]
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    return next((key for key in LIST_KEYS if all(key in item for item in items)), None)


def _merge_lists(key: str, observed: list[Any], last: list[Any], desired: list[Any]) -> list[Any]:
    """Merge items of the same key; the order is the observed one, new items come last."""
    seen, before, wanted = ({item[key]: item for item in items} for items in (observed, last, desired))
    merged = _merge_maps(seen, before, wanted)
    return [merged[name] for name in [*seen, *(name for name in wanted if name not in seen)] if name in merged]


def _with_record(child: Manifest, record: str) -> Manifest:
    child["metadata"].setdefault("annotations", {})[LAST_APPLIED] = record
    return child
