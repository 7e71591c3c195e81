"""
Accepts harmful additions that an admission policy makes, since removing them would never end.

A policy that adds a field on every write adds it again to the write that removes it. metadata.managedFields shows such
a field: the API server records who sets a field before policies and webhooks change the object. What users and
controllers add belongs to their entry. What a policy adds belongs to none, or, inside a value that is owned as a whole,
to Metacontroller's, which is the entry with the last-applied record. The hook returns such a field as observed. Then
Metacontroller records it, writes nothing more, and can still update the child if the policy ends.
Source: Kubernetes 1.36, k8s.io/apiserver/pkg/endpoints/handlers/create.go and update.go.
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
    adopt, others = KINDS[desired["kind"]].adopt, _fields_of_others(live)
    if adopt is None or others is None:
        return desired
    accepted: Manifest = adopt(desired, _without_owned(desired, live, others), None)
    return accepted if accepted is desired or is_serializable(accepted) else desired


def policy_additions(desired: Manifest, accepted: Manifest) -> Iterator[Addition]:
    """Yield what with_policy_additions() has added."""
    kind, cuts_off = desired["kind"], desired["kind"] == "Service" and not _serves(desired["spec"], accepted["spec"])
    for path in _added(desired, accepted):
        yield Addition(kind, path, cuts_off)


def _fields_of_others(live: Manifest) -> list[Any] | None:
    """Return the field sets of all managers but Metacontroller, None if it has none itself."""
    every = [entry.get("fieldsV1") for entry in mappings_in(value_at(live, "metadata", "managedFields"))]
    record = ("f:metadata", "f:annotations", f"f:{LAST_APPLIED}")
    others = [fields for fields in every if value_at(fields, *record) is None]
    return others if len(others) < len(every) else None


def _without_owned(desired: Any, live: Any, others: list[Any]) -> Any:
    """Return a live value without what other managers have added to the desired one; `others` are their field sets."""
    if not others:
        return live
    if {} in others:  # an empty set owns the whole value
        return desired
    if isinstance(desired, dict) and isinstance(live, dict):
        return _keep(desired, live, _owned(others))
    if isinstance(desired, list) and isinstance(live, list):
        return list(_keep(index_by_merge_key(desired), index_by_merge_key(live), _owned(others)).values())
    return live


def _keep(desired: Manifest, live: Manifest, owned: dict[Any, list[Any]]) -> Manifest:
    return {
        key: _without_owned(desired[key], value, owned.get(key, [])) if key in desired else value
        for key, value in live.items()
        if key in desired or key not in owned
    }


def _owned(others: list[Any]) -> dict[Any, list[Any]]:
    """Return the inner field sets by the name of a field, or by Metacontroller's merge key of an item."""
    found: dict[Any, list[Any]] = {}
    for fields in others:
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
