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
from hooks.faults import faults
from hooks.function import Function, Metadata, Model
from hooks.manifest import Manifest
from hooks.previous_status import Condition, conditions

MOST_FAULTS = 200
"""More than a condition's message has room for."""


class Unreadable(Exception):
    """The body is no sync request of a Function; str() is one line that holds no value from the request."""


@dataclass(frozen=True, kw_only=True)
class FinalizeRequest:
    """
    All that a deletion needs: not the spec, so that no spec, however broken, can stand in its way.

    `observed` maps a kind to the live child of that kind. `related` has the objects that customize() named, by kind and
    name; it is empty where that hook is not installed. `previous_status` is the parent's status as sent and `previous`
    what can be read of its conditions, by type.
    """

    metadata: Metadata
    observed: dict[str, Manifest]
    related: dict[tuple[str, str], Manifest]
    previous_status: dict[str, Any]
    previous: dict[str, Condition]
    finalizing: bool

    @classmethod
    def parse(cls, raw: Any) -> "FinalizeRequest":
        """Return the request in decoded JSON `raw`; raises Unreadable if there is none."""
        parent = _parent(raw)
        return cls(**_surroundings(raw, _metadata(parent)))

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
        spec = (self.child("Deployment") or {}).get("spec")
        replicas = spec.get("replicas") if isinstance(spec, dict) else None
        return replicas if type(replicas) is int and replicas >= 0 else None


@dataclass(frozen=True, kw_only=True)
class SyncRequest(FinalizeRequest):
    """
    The same with the whole Function.

    `function` is None where the stored object breaks the schema; then `faults` has the path and message of each breach,
    up to MOST_FAULTS.
    """

    function: Function | None
    faults: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, raw: Any) -> "SyncRequest":
        """Return the request in decoded JSON `raw`; raises Unreadable if there is none."""
        parent = _parent(raw)
        try:
            function = Function.model_validate(parent)
        except ValidationError as error:
            # Stored under another schema, such as Kyma's: the status says so, and what runs stays.
            return cls(
                function=None, faults=tuple(islice(faults(error), MOST_FAULTS)), **_surroundings(raw, _metadata(parent))
            )
        return cls(function=function, **_surroundings(raw, function.metadata))


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
    """Return every fault as `path: message`, joined by "; ", without the values that were found."""
    return "; ".join(f"{path or 'parent'}: {message}" for path, message in faults(error))


class _Named(Model):
    metadata: Metadata


def _parent(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise Unreadable("expected a JSON object")
    for key in ("parent", "children"):
        if not isinstance(raw.get(key), dict):
            raise Unreadable(f"{key}: expected an object")
    parent: dict[str, Any] = raw["parent"]
    return parent


def _metadata(parent: dict[str, Any]) -> Metadata:
    try:
        return _Named.model_validate(parent).metadata
    except ValidationError as error:
        raise Unreadable(describe(error)) from None


def _surroundings(raw: dict[str, Any], metadata: Metadata) -> dict[str, Any]:
    """Return the fields of a request that do not come from the Function's spec."""
    found = raw["parent"].get("status")
    status = found if isinstance(found, dict) else {}
    return {
        "metadata": metadata,
        "observed": _observed(raw["children"], metadata),
        "related": dict(_related(raw.get("related"), metadata.namespace)),
        "previous_status": status,
        "previous": conditions(status),
        "finalizing": raw.get("finalizing") is True,
    }


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
    if not isinstance(child, dict) or child.get("kind") != kind.name:
        return False
    if child.get("apiVersion") != kind.api_version:
        return False
    metadata = child.get("metadata")
    return (
        isinstance(metadata, dict)
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
