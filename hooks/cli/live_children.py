"""The children of a Function among the objects of a cluster, as kubectl prints them."""

from collections.abc import Iterable

from hooks import naming
from hooks.children import KINDS
from hooks.cli.document import namespace_of
from hooks.manifest import Manifest, value_at


def live_children(objects: Iterable[Manifest], function: Manifest) -> dict[str, Manifest]:
    """Return by kind the objects that Metacontroller made for this Function, by its UID; without one there are none."""
    uid = value_at(function, "metadata", "uid")
    return {
        kind.name: each
        for each in objects
        if (kind := KINDS.get(str(each.get("kind")))) and each.get("apiVersion") == kind.api_version
        if _identity(each) == _identity(function)
        if uid and value_at(each, "metadata", "labels", naming.CONTROLLER_UID) == uid
    }


def _identity(value: Manifest) -> tuple[str, object]:
    return namespace_of(value), value_at(value, "metadata", "name")
