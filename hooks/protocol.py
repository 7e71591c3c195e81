"""
What Metacontroller asks and what it is answered, hook version v1.

"children" in a request are observed, in a response desired. An observed child that is not in the response is
deleted, so an answer without children is a statement, never a fallback.
Source: Metacontroller's CompositeController hook API, release 4.17.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError

from hooks.faults import faults
from hooks.function import Function, Metadata, Model
from hooks.manifest import Manifest

AnyModel = TypeVar("AnyModel", bound=Model)

LAST_APPLIED = "metacontroller.k8s.io/last-applied-configuration"
"""The annotation in which Metacontroller's dynamic apply keeps what it last sent for a child."""


class Unreadable(Exception):
    """What was sent is no sync request of a Function; str() is one line that holds no value from the request."""


class NoLastApplied(Exception):
    """A child lacks the record of what was last applied (Metacontroller runs with server-side apply?)."""


@dataclass(frozen=True, kw_only=True)
class FinalizeRequest:
    """
    All that a deletion needs: not the spec, so that no spec, however broken, can stand in its way.

    `observed` maps (kind, name) to the live child; `previous_status` is the parent's status as sent. `related` has the
    objects that customize() asked for; it is empty where that hook is not installed.
    """

    metadata: Metadata
    observed: dict[tuple[str, str], Manifest]
    related: dict[tuple[str, str], Manifest]
    previous_status: dict[str, Any]
    finalizing: bool

    @classmethod
    def parse(cls, raw: Any) -> "FinalizeRequest":
        """Return the request in decoded JSON `raw`; raises Unreadable if there is none."""
        parent = _parent(raw)
        return cls(metadata=_read(_Named, parent).metadata, **_surroundings(raw))

    def child(self, kind: str) -> Manifest | None:
        """Return the observed child of that kind that is named like the Function."""
        return self.observed.get((kind, self.metadata.name))


@dataclass(frozen=True, kw_only=True)
class SyncRequest(FinalizeRequest):
    """The same with the whole Function."""

    function: Function

    @classmethod
    def parse(cls, raw: Any) -> "SyncRequest":
        """Return the request in decoded JSON `raw`; raises Unreadable if there is none."""
        function = _read(Function, _parent(raw))
        return cls(function=function, metadata=function.metadata, **_surroundings(raw))

    @property
    def observed_replicas(self) -> int | None:
        """The observed Deployment's spec.replicas, None where there is no Deployment."""
        deployment = self.child("Deployment")
        return deployment["spec"].get("replicas") if deployment else None


@dataclass(frozen=True, kw_only=True)
class SyncResponse:
    """`resync_after` is in seconds, 0 for none; `finalized` may be true only while finalizing."""

    status: dict[str, Any]
    children: list[Manifest]
    resync_after: int = 0
    finalized: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the response as Metacontroller reads it: only keys it knows, and none that says nothing."""
        answer: dict[str, Any] = {"status": self.status, "children": self.children}
        if self.resync_after:
            answer["resyncAfterSeconds"] = self.resync_after
        if self.finalized:
            answer["finalized"] = True
        return answer


def last_applied(child: Manifest) -> Manifest:
    """Return what was last sent for an observed child; raises NoLastApplied if there is no record of it."""
    record = child["metadata"].get("annotations", {}).get(LAST_APPLIED)
    if record is None:
        raise NoLastApplied(f"{child['kind']} {child['metadata']['name']} has no annotation {LAST_APPLIED}")
    manifest: Manifest = orjson.loads(record)
    return manifest


def held(request: FinalizeRequest, kinds: Iterable[str] | None = None) -> list[Manifest]:
    """
    Return the observed children (of `kinds`, if given) exactly as last applied, which changes nothing.

    While an autoscaler is among the observed, the Deployment's replicas are the observed number, or the answer
    would undo its work. Raises NoLastApplied.
    """
    wanted = [
        child
        for (kind, _), child in sorted(request.observed.items(), key=itemgetter(0))
        if kinds is None or kind in kinds
    ]
    autoscaled = request.child("HorizontalPodAutoscaler") is not None
    return [_as_applied(child, autoscaled) for child in wanted]


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


def _read(model: type[AnyModel], parent: dict[str, Any]) -> AnyModel:
    try:
        return model.model_validate(parent)
    except ValidationError as error:
        raise Unreadable(describe(error)) from None


def _surroundings(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a request that come from outside the Function's metadata and spec."""
    return {
        "observed": _by_name(raw["children"], "children"),
        "related": _by_name(raw.get("related") or {}, "related"),
        "previous_status": raw["parent"].get("status") or {},
        "finalizing": raw.get("finalizing") is True,
    }


def _as_applied(child: Manifest, autoscaled: bool) -> Manifest:
    manifest = last_applied(child)
    if autoscaled and child["kind"] == "Deployment":
        return manifest | {"spec": manifest["spec"] | {"replicas": child["spec"]["replicas"]}}
    return manifest


def _by_name(groups: Any, where: str) -> dict[tuple[str, str], Manifest]:
    """Return every object in `groups`, a map of group to a map of name to object, by its own kind and name."""
    if not isinstance(groups, dict):
        raise Unreadable(f"{where}: expected an object")
    found = {}
    for group, members in groups.items():
        if not isinstance(members, dict):
            raise Unreadable(f"{where}.{group}: expected an object")
        for key, member in members.items():
            try:
                found[member["kind"], member["metadata"]["name"]] = member
            except (KeyError, TypeError):
                raise Unreadable(f"{where}.{group}.{key}: expected a Kubernetes object") from None
    return found
