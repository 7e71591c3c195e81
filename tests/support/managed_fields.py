"""
The part of metadata.managedFields that the hook reads, as the API server records it before admission changes an object.

tests/chaos/test_policies.py compares with a real API server.
"""

import json
from typing import Any

from hooks.harmful_additions import merge_key

Manifest = dict[str, Any]
ATOMIC = {
    "selector",
    "externalIPs",
    "add",
    "drop",
    "command",
    "args",
    "envFrom",
    "tolerations",
    "include",
    "sparseCheckout",
}
"""Fields that are owned as a whole, though they are maps or lists."""
SYSTEM = ("managedFields", "uid", "resourceVersion", "generation", "creationTimestamp")


def entry(manager: str, fields: Any) -> Manifest:
    return {"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields}


def fields_of(value: Any, key: str = "") -> Manifest:
    """Return the field set of a value that one manager has set as a whole."""
    if isinstance(value, dict) and key not in ATOMIC:
        return {f"f:{name}": fields_of(inner, name) for name, inner in value.items() if name not in SYSTEM}
    if isinstance(value, list) and key not in ATOMIC and value and all(merge_key(item) is not None for item in value):
        return {_item(item): {".": {}} | fields_of(item) for item in value}
    return {}


def fields_changed(before: Any, after: Any, key: str = "") -> Manifest:
    """Return the field set of what `after` adds to `before` or changes."""
    if isinstance(before, dict) and isinstance(after, dict) and key not in ATOMIC:
        names = [name for name in after if name not in SYSTEM and before.get(name) != after[name]]
        return {
            f"f:{name}": fields_changed(before[name], after[name], name)
            if name in before
            else fields_of(after[name], name)
            for name in names
        }
    keyed = isinstance(before, list) and isinstance(after, list) and all(merge_key(item) is not None for item in after)
    if keyed and key not in ATOMIC:
        earlier = {merge_key(item): item for item in before}
        found: Manifest = {}
        for item in after:
            old = earlier.get(merge_key(item))
            if old != item:
                found[_item(item)] = {".": {}} | (fields_changed(old, item) if old else fields_of(item))
        return found
    return {}


def after_update(before: Manifest, after: Manifest, manager: str) -> list[Manifest]:
    """Return the entries after a manager's update: it alone owns what it has changed."""
    entries = before.get("metadata", {}).get("managedFields", [])
    changed, present = fields_changed(before, after), fields_of(after)
    own: Manifest = next((each["fieldsV1"] for each in entries if each["manager"] == manager), {})
    others = {
        each["manager"]: _without(_both(each["fieldsV1"], present), changed)
        for each in entries
        if each["manager"] != manager
    }
    found = {manager: _both(_either(own, changed), present)} | others
    return [entry(name, fields) for name, fields in found.items() if fields]


def _either(first: Manifest, second: Manifest) -> Manifest:
    common = {name: _either(first[name], second[name]) for name in first if name in second}
    return first | second | common


def _both(first: Manifest, second: Manifest) -> Manifest:
    """Return the fields of the first set that are in the second, in which {} is a whole value."""
    inner = {name: _both(first[name], second[name]) if second[name] else {} for name in first if name in second}
    return {name: fields for name, fields in inner.items() if fields or not first[name] or not second[name]}


def _without(first: Manifest, second: Manifest) -> Manifest:
    """Return the fields of the first set without those that the second owns as well."""
    inner = {name: _without(fields, second[name]) if name in second else fields for name, fields in first.items()}
    return {name: fields for name, fields in inner.items() if fields or name not in second}


def _item(item: Manifest) -> str:
    keys = {"containerPort", "port"} & item.keys()
    named = (
        {key: item[key] for key in keys} | {"protocol": item.get("protocol", "TCP")} if keys else {"name": item["name"]}
    )
    return f"k:{json.dumps(named, separators=(',', ':'))}"
