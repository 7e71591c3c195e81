"""
An offline model of how Metacontroller 4.17 applies an answer: one Function and its children.

hooks/cli/comparison/metacontroller.py applies each child; this module counts writes as the audit log would.
cluster/test_offline_model.py compares both with the real one.
"""

from copy import deepcopy
from typing import Any

from hooks.children import KINDS
from hooks.cli.comparison.metacontroller import applied, updated
from hooks.records import LAST_APPLIED

__all__ = ["FINALIZER", "LAST_APPLIED", "Manifest", "World", "updated"]

FINALIZER = "metacontroller.io/compositecontroller-function-controller"

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
        desired = {(child["kind"], child["metadata"]["name"]): child for child in answer["children"]}
        writes = [f"delete {kind}/{name}" for kind, name in self.children if (kind, name) not in desired]
        self.children = {key: child for key, child in self.children.items() if key in desired}
        for key, child in sorted(desired.items()):
            writes += self._write(key, child)
        status = deepcopy(answer["status"]) | {"observedGeneration": self.parent["metadata"]["generation"]}
        if status != self.parent.get("status"):
            self.parent["status"] = status
            writes.append("status")
        return writes

    def _write(self, key: tuple[str, str], desired: Manifest) -> list[str]:
        observed = self.children.get(key)
        self.children[key] = applied(desired, observed, self.parent)
        if self.children[key] is observed:
            return []
        return [f"{'update' if observed else 'create'} {'/'.join(key)}"]
