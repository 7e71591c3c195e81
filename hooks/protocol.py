"""
What Metacontroller sends and what it is answered, hook version v1.

"children" in a request are observed, in a response desired. An observed child that is not in the response is
deleted, so an answer without children is a statement, never a fallback.

Of a request only the parent is the Function's own. Children, related objects and the old status are written by others:
a child counts only under the kind, name and namespace that it must have, and what has another shape is absent.
Source: Metacontroller's CompositeController hook API, release 4.17.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import ValidationError

from hooks.children import KINDS, Kind
from hooks.function import Function, Metadata, Model
from hooks.manifest import Manifest, at, mapping
from hooks.previous_status import Condition, conditions
from hooks.validation_errors import field_errors

MOST_FIELD_ERRORS = 200
"""More than a condition's message has room for."""


class Unreadable(Exception):
    """The body is no sync request of a Function; str() is one line that holds no value from the request."""


@dataclass(frozen=True, kw_only=True)
class HookRequest:
    """
    One request of the sync or finalize hook, about one Function.

    `function` is None where the stored object breaks the schema; `field_errors` then holds the path and message of each
    breach, up to MOST_FIELD_ERRORS. A finalize uses neither, so no spec can block a deletion.
    `observed` maps a kind to the live child of that kind. `related` has the objects that customize() named, by kind and
    name; it is empty where that hook is not installed. `previous_status` is the parent's status as sent and `previous`
    what can be read of its conditions, by type.
    """

    function: Function | None
    field_errors: tuple[tuple[str, str], ...]
    metadata: Metadata
    observed: dict[str, Manifest]
    related: dict[tuple[str, str], Manifest]
    previous_status: dict[str, Any]
    previous: dict[str, Condition]
    finalizing: bool

    @classmethod
    def parse(cls, raw: Any) -> "HookRequest":
        """Return the request in decoded JSON `raw`; raises Unreadable if it is not one."""
        parent = _parent(raw)
        function, found = _function(parent)
        metadata = function.metadata if function else _metadata(parent)
        status = mapping(parent.get("status"))
        return cls(
            function=function,
            field_errors=found,
            metadata=metadata,
            observed=_observed(raw["children"], metadata),
            related=dict(_related(raw.get("related"), metadata.namespace)),
            previous_status=status,
            previous=conditions(status),
            finalizing=raw.get("finalizing") is True,
        )

    @property
    def observed_generation(self) -> int:
        """The generation that the old status is about, 0 where it does not say."""
        generation = self.previous_status.get("observedGeneration")
        return generation if type(generation) is int else 0

    def child(self, kind: str) -> Manifest | None:
        """Return the observed child of that kind."""
        return self.observed.get(kind)

    @property
    def observed_replicas(self) -> int | None:
        """The observed Deployment's spec.replicas, None where there is no Deployment."""
        replicas = at(self.child("Deployment"), "spec", "replicas")
        return replicas if type(replicas) is int and replicas >= 0 else None


@dataclass(frozen=True, kw_only=True)
class SyncResponse:
    """
    `resync_after` is in seconds, 0 for none; `finalized` may be true only while finalizing.

    `dropped` is where an explanation failed that the status lacks, "" where none did. It is for the log, and not sent.
    """

    status: dict[str, Any]
    children: list[Manifest]
    resync_after: int = 0
    finalized: bool = False
    dropped: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the response as Metacontroller reads it: only keys it knows, and none that says nothing."""
        answer: dict[str, Any] = {"status": self.status, "children": self.children}
        if self.resync_after:
            answer["resyncAfterSeconds"] = self.resync_after
        if self.finalized:
            answer["finalized"] = True
        return answer


def describe(error: ValidationError) -> str:
    """Return every error as `path: message`, joined by "; ", without the values that were found."""
    return "; ".join(f"{path or 'parent'}: {message}" for path, message in field_errors(error))


class _Parent(Model):
    """What of a Function is needed even where its spec breaks the schema."""

    metadata: Metadata


def _parent(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise Unreadable("expected a JSON object")
    for key in ("parent", "children"):
        if not isinstance(raw.get(key), dict):
            raise Unreadable(f"{key}: expected an object")
    parent: dict[str, Any] = raw["parent"]
    return parent


def _function(parent: dict[str, Any]) -> tuple[Function | None, tuple[tuple[str, str], ...]]:
    """Return the Function, or None and what it breaks: it may be stored under another schema, such as Kyma's."""
    try:
        return Function.model_validate(parent), ()
    except ValidationError as error:
        return None, tuple(islice(field_errors(error), MOST_FIELD_ERRORS))


def _metadata(parent: dict[str, Any]) -> Metadata:
    try:
        return _Parent.model_validate(parent).metadata
    except ValidationError as error:
        raise Unreadable(describe(error)) from None


def _observed(groups: dict[str, Any], metadata: Metadata) -> dict[str, Manifest]:
    """Return the children that stand where this Function's must, and are what they must be."""
    name, namespace = metadata.name, metadata.namespace
    found = {}
    for kind in KINDS.values():
        members = groups.get(kind.group)
        if not isinstance(members, dict):
            continue
        # Version v2 of the hook API writes the namespace before the name.
        child: Any = members.get(name) or members.get(f"{namespace}/{name}")
        if _is(child, kind, name, namespace):
            found[kind.name] = child
    return found


def _is(child: Any, kind: Kind, name: str, namespace: str) -> bool:
    """Tell whether an object has this identity; without a namespace it is in its Function's."""
    metadata = at(child, "metadata")
    return (
        isinstance(metadata, dict)
        and (child.get("kind"), child.get("apiVersion")) == (kind.name, kind.api_version)
        and metadata.get("name") == name
        and metadata.get("namespace", namespace) == namespace
    )


def _related(groups: Any, namespace: str) -> Iterator[tuple[tuple[str, str], Manifest]]:
    """Yield the objects of the Function's namespace, each with its kind and name."""
    for members in groups.values() if isinstance(groups, dict) else ():
        for member in members.values() if isinstance(members, dict) else ():
            metadata = member.get("metadata") if isinstance(member, dict) else None
            if not isinstance(metadata, dict) or metadata.get("namespace", namespace) != namespace:
                continue
            kind, name = member.get("kind"), metadata.get("name")
            if isinstance(kind, str) and isinstance(name, str):
                yield (kind, name), member
