"""
Accepts harmful additions that an admission policy makes, since removing them would never end.

A policy that adds a field on every write adds it again to the write that removes it. metadata.managedFields shows such
a field: the API server records who sets a field before policies and webhooks change the object. What users and
controllers add belongs to their entry, what the hook has set to Metacontroller's, which is the entry with the
last-applied record. What a policy adds belongs to none, though it may be inside a value that Metacontroller owns as a
whole. The hook returns such a field as observed. Then Metacontroller records it, writes nothing more, and can still
update the child if the policy ends; a write that leaves a field as it is gives it no owner.
Source: Kubernetes 1.36, k8s.io/apiserver/pkg/endpoints/handlers/create.go and update.go, and
sigs.k8s.io/structured-merge-diff/v6/merge/update.go.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from hooks.children import KINDS
from hooks.harmful_additions import index_by_merge_key, merge_key
from hooks.manifest import Manifest, as_mapping, is_serializable, mappings_in, value_at
from hooks.records import LAST_APPLIED


class Addition(NamedTuple):
    """A field of a child that a policy adds; `cuts_off` is whether the Function cannot be called because of it."""

    kind: str
    path: str
    cuts_off: bool


def with_policy_additions(desired: Manifest, live: Manifest) -> Manifest:
    """
    Return the desired child with the harmful additions of admission policies to the live one, `desired` if it has none.

    It has none without managedFields that Metacontroller has written.
    """
    adopt, owners = KINDS[desired["kind"]].adopt, _owners(live)
    if adopt is None or owners is None:
        return desired
    accepted: Manifest = adopt(desired, _without_owned(desired, live, *owners), None)
    return accepted if accepted is desired or is_serializable(accepted) else desired


def policy_additions(desired: Manifest, accepted: Manifest) -> Iterator[Addition]:
    """Yield what with_policy_additions() has added."""
    kind, cuts_off = desired["kind"], desired["kind"] == "Service" and not _serves(desired["spec"], accepted["spec"])
    for path in _added(desired, accepted):
        yield Addition(kind, path, cuts_off)


def _owners(live: Manifest) -> tuple[list[Any], list[Any]] | None:
    """Return the field sets of Metacontroller and those of all other managers, None without one of Metacontroller."""
    own: list[Any] = []
    others: list[Any] = []
    record = ("f:metadata", "f:annotations", f"f:{LAST_APPLIED}")
    for entry in mappings_in(value_at(live, "metadata", "managedFields")):
        fields = entry.get("fieldsV1")
        (others if value_at(fields, *record) is None else own).append(fields)
    return (own, others) if own else None


def _without_owned(desired: Any, live: Any, own: list[Any], others: list[Any]) -> Any:
    """Return a live value without what a manager has added to the desired one; the lists are field sets of managers."""
    if {} in others:  # an empty set owns the whole value
        return desired
    if isinstance(desired, dict):
        return _keep(desired, as_mapping(live), own, others)
    if isinstance(desired, list) and None not in map(merge_key, desired):  # any other list is one value
        return list(_keep(index_by_merge_key(desired), index_by_merge_key(live), own, others).values())
    return live


def _keep(desired: Manifest, live: Manifest, own: list[Any], others: list[Any]) -> Manifest:
    ours, theirs = _owned(own), _owned(others)
    return {
        key: _without_owned(desired[key], value, ours.get(key, []), theirs.get(key, [])) if key in desired else value
        for key, value in live.items()
        if key in desired or not (key in ours or key in theirs)
    }


def _owned(field_sets: list[Any]) -> dict[Any, list[Any]]:
    """Return the inner field sets by the name of a field, or by Metacontroller's merge key of an item."""
    found: dict[Any, list[Any]] = {}
    for fields in field_sets:
        for name, inner in as_mapping(fields).items():
            found.setdefault(name[2:] if name.startswith("f:") else _item_key(name), []).append(inner)
    return found


def _item_key(name: str) -> Any:
    """Return the merge key in a name such as k:{"port":80,"protocol":"TCP"}, None if there is none."""
    try:
        return merge_key(orjson.loads(name.removeprefix("k:")))
    except orjson.JSONDecodeError:
        return None


def _serves(desired: Manifest, accepted: Manifest) -> bool:
    """Return whether a Service still selects the Function's pods and has its port."""
    has_ports = index_by_merge_key(desired["ports"]).keys() <= index_by_merge_key(accepted["ports"]).keys()
    return has_ports and desired["selector"] == accepted["selector"] and "externalName" not in accepted


def _added(desired: Any, accepted: Any) -> Iterator[str]:
    """Yield the paths of the fields and items that are not in the desired value."""
    if desired is accepted:
        return
    is_list = isinstance(desired, list)
    ours, theirs = index_by_merge_key(desired), index_by_merge_key(accepted)
    for key, value in theirs.items():
        step = f"[{key}]" if is_list else f"{key}"
        inner = list(_added(ours[key], value)) if key in ours else [""]
        yield from (f"{step}{'' if path.startswith('[') or not path else '.'}{path}" for path in inner)
