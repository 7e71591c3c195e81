"""
Requests and responses of Metacontroller's sync and finalize hooks, version v1.

The children in a request are observed, those in a response desired. Metacontroller deletes an observed child that the
response omits, so a response without children is never a safe fallback.

Only the parent's spec and metadata come from the Function's author. Other components write children, related objects
and the status: a child counts only with its expected kind, name and namespace, and malformed values count as absent.
Source: Metacontroller's CompositeController hook API, release 4.17.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import ValidationError

from hooks.children import KINDS, Kind
from hooks.function import Function, Metadata, Model
from hooks.manifest import Manifest, as_mapping, value_at
from hooks.previous_status import PreviousCondition, parse_conditions
from hooks.validation_errors import field_errors

MAX_FIELD_ERRORS = 200
"""More than fit into the message of a condition."""
ORPHAN = "orphan"
"""The garbage collector's finalizer for a deletion that keeps the dependents (meta/v1 FinalizerOrphanDependents)."""


class Unreadable(Exception):
    """The body is not a hook request about a Function; str() is one line without values of the request."""


@dataclass(frozen=True, kw_only=True)
class HookRequest:
    """
    One request of the sync or finalize hook, about one Function.

    `function` is None if the stored object breaks the schema; `field_errors` then holds the path and message of each
    violation, up to MAX_FIELD_ERRORS. finalize() uses neither, so no spec can block a deletion.
    `observed` maps a kind to the live child of that kind. `related` holds the objects that customize() requested, by
    kind and name; it is empty if that hook is not configured. `previous_status` is the parent's status as sent, and
    `previous` its parsed conditions by type. `orphans` is whether the deletion keeps the children (kubectl's
    --cascade=orphan): the garbage collector removes their owner references.
    """

    function: Function | None
    field_errors: tuple[tuple[str, str], ...]
    metadata: Metadata
    observed: dict[str, Manifest]
    related: dict[tuple[str, str], Manifest]
    previous_status: dict[str, Any]
    previous: dict[str, PreviousCondition]
    finalizing: bool
    orphans: bool

    @classmethod
    def parse(cls, raw: Any) -> "HookRequest":
        """Return the request for the decoded JSON `raw`; raises Unreadable if it is not a hook request."""
        parent = _parent(raw)
        function, errors = _parse_function(parent)
        metadata = function.metadata if function else _parse_metadata(parent)
        status = as_mapping(parent.get("status"))
        return cls(
            function=function,
            field_errors=errors,
            metadata=metadata,
            observed=_observed_children(raw["children"], metadata),
            related=dict(_related_objects(raw.get("related"), metadata.namespace)),
            previous_status=status,
            previous=parse_conditions(status),
            finalizing=raw.get("finalizing") is True,
            orphans=_has_finalizer(parent, ORPHAN),
        )

    @property
    def observed_generation(self) -> int:
        """The generation that the previous status describes, 0 if unknown."""
        generation = self.previous_status.get("observedGeneration")
        return generation if type(generation) is int else 0

    def child(self, kind: str) -> Manifest | None:
        """Return the observed child of that kind, None if there is none."""
        return self.observed.get(kind)

    @property
    def observed_replicas(self) -> int | None:
        """The observed Deployment's spec.replicas, None if there is no Deployment."""
        replicas = value_at(self.child("Deployment"), "spec", "replicas")
        return replicas if type(replicas) is int and replicas >= 0 else None


@dataclass(frozen=True, kw_only=True)
class SyncResponse:
    """
    The hook's response. `resync_after` is in seconds, 0 for none; `finalized` may be true only in finalize.

    `dropped` is the code location of an error while a failure was being explained, "" for none. It is logged, not sent.
    """

    status: dict[str, Any]
    children: list[Manifest]
    resync_after: int = 0
    finalized: bool = False
    dropped: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the response as Metacontroller reads it, without keys that have their default value."""
        body: dict[str, Any] = {"status": self.status, "children": self.children}
        if self.resync_after:
            body["resyncAfterSeconds"] = self.resync_after
        if self.finalized:
            body["finalized"] = True
        return body


class _ObjectWithMetadata(Model):
    """The part of a Function that is required even if its spec breaks the schema."""

    metadata: Metadata


def _parent(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise Unreadable("expected a JSON object")
    for key in ("parent", "children"):
        if not isinstance(raw.get(key), dict):
            raise Unreadable(f"{key}: expected an object")
    parent: dict[str, Any] = raw["parent"]
    return parent


def _parse_function(parent: dict[str, Any]) -> tuple[Function | None, tuple[tuple[str, str], ...]]:
    """Return the Function, or None and its errors: it may have been stored under another schema, such as Kyma's."""
    try:
        return Function.model_validate(parent), ()
    except ValidationError as error:
        return None, tuple(islice(field_errors(error), MAX_FIELD_ERRORS))


def _parse_metadata(parent: dict[str, Any]) -> Metadata:
    try:
        return _ObjectWithMetadata.model_validate(parent).metadata
    except ValidationError as error:
        errors = "; ".join(f"{path or 'parent'}: {message}" for path, message in field_errors(error))
        raise Unreadable(errors) from None


def _has_finalizer(parent: dict[str, Any], name: str) -> bool:
    finalizers = value_at(parent, "metadata", "finalizers")
    return isinstance(finalizers, list) and name in finalizers


def _observed_children(groups: dict[str, Any], metadata: Metadata) -> dict[str, Manifest]:
    """Return the objects with the kind, name and namespace of a child of this Function, by kind."""
    name, namespace = metadata.name, metadata.namespace
    children = {}
    for kind in KINDS.values():
        members = groups.get(kind.group)
        if not isinstance(members, dict):
            continue
        # Hook version v2 prefixes the name with the namespace.
        child: Any = members.get(name) or members.get(f"{namespace}/{name}")
        if _has_identity(child, kind, name, namespace):
            children[kind.name] = child
    return children


def _has_identity(child: Any, kind: Kind, name: str, namespace: str) -> bool:
    """Return whether an object has this kind and name; a missing namespace is that of the Function."""
    metadata = value_at(child, "metadata")
    return (
        isinstance(metadata, dict)
        and (child.get("kind"), child.get("apiVersion")) == (kind.name, kind.api_version)
        and metadata.get("name") == name
        and metadata.get("namespace", namespace) == namespace
    )


def _related_objects(groups: Any, namespace: str) -> Iterator[tuple[tuple[str, str], Manifest]]:
    """Yield the related objects in the Function's namespace, each with its kind and name."""
    for members in groups.values() if isinstance(groups, dict) else ():
        for member in members.values() if isinstance(members, dict) else ():
            metadata = member.get("metadata") if isinstance(member, dict) else None
            if not isinstance(metadata, dict) or metadata.get("namespace", namespace) != namespace:
                continue
            kind, name = member.get("kind"), metadata.get("name")
            if isinstance(kind, str) and isinstance(name, str):
                yield (kind, name), member
