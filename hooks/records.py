"""
What was last applied to a child, and the answers that keep a child as it is.

Metacontroller's dynamic apply keeps the last answer in an annotation of the child, which anyone who may edit the child
can write. So a record counts only for the very object on which it stands, and only its spec does: kind, name and labels
of an answer are made anew from the Function. Without a record that counts, an answer repeats the child as observed.
Metacontroller then writes that into the record and changes nothing else (docs/security.md, "Records").
"""

from collections.abc import Iterable
from typing import Any

import orjson

from hooks import naming
from hooks.children import KINDS
from hooks.manifest import Manifest, can_be_written, mapping
from hooks.protocol import HookRequest, Unreadable

LAST_APPLIED = "metacontroller.k8s.io/last-applied-configuration"
"""The annotation in which Metacontroller's dynamic apply keeps what it last sent for a child."""
_METADATA = {"name", "namespace", "labels"}


def last_applied(child: Manifest) -> Manifest | None:
    """
    Return what was last sent for an observed child beside its identity: the fields of its kind.

    None without a record, with one of another object or shape, and with one that has metadata which no answer has.
    """
    record = _decoded(child)
    if not isinstance(record, dict) or not _is_of(record, child):
        return None
    kind = child["kind"]
    found = {field: record[field] for field in KINDS[kind].fields if field in record}
    spec = found.get("spec", {})
    if not isinstance(spec, dict) or (kind == "Deployment" and not isinstance(spec.get("template"), dict)):
        return None
    return found or None


def is_mergeable(child: Manifest) -> bool:
    """
    Tell whether Metacontroller can update the child at all.

    A record that is no JSON object makes each update fail; in one that is, whatever has another type than the child has
    counts as absent.
    Source: Metacontroller 4.17, pkg/dynamic/apply.
    """
    text = _annotations(child).get(LAST_APPLIED)
    if isinstance(text, str) and text.startswith('{"apiVersion":"') and text.endswith("}}"):
        return True  # as Metacontroller writes it: only a record that looks otherwise is worth decoding
    record = _decoded(child)
    return record is None or isinstance(record, dict)


def held(request: HookRequest, kinds: Iterable[str] = KINDS) -> list[Manifest]:
    """
    Return the observed children of these kinds as last applied, or as observed: neither changes what runs.

    While an autoscaler is observed, the Deployment's replicas are the observed number, or the answer would undo its
    work.
    """
    wanted = set(kinds)
    return [_held(child, request) for kind, child in request.observed.items() if kind in wanted]


def _held(child: Manifest, request: HookRequest) -> Manifest:
    metadata = naming.of_child(request.metadata.name, request.metadata.uid, request.metadata.labels or {})
    manifest = last_applied(child)
    if not manifest or not can_be_written(manifest):
        manifest = _as_observed(child)
        if not can_be_written(manifest):
            raise Unreadable(f"children.{child['kind']}: nested too deeply")
    replicas = request.observed_replicas
    if child["kind"] == "Deployment" and request.child("HorizontalPodAutoscaler") and replicas is not None:
        manifest = manifest | {"spec": manifest["spec"] | {"replicas": replicas}}
    return {"apiVersion": child["apiVersion"], "kind": child["kind"], "metadata": metadata, **manifest}


def _as_observed(child: Manifest) -> Manifest:
    return {key: value for key, value in child.items() if key not in ("apiVersion", "kind", "metadata", "status")}


def _decoded(child: Manifest) -> Any:
    """Return the JSON in a child's record, None where there is no record, and what is no JSON as it is."""
    text = _annotations(child).get(LAST_APPLIED)
    try:
        return orjson.loads(text) if isinstance(text, str) and text else None
    except orjson.JSONDecodeError:
        return text


def _annotations(child: Manifest) -> Manifest:
    return mapping(child["metadata"].get("annotations"))


def _is_of(record: Manifest, child: Manifest) -> bool:
    """Tell whether a record is of the object that it stands on, with no metadata but what Metacontroller sends."""
    named, own = record.get("metadata"), child["metadata"]
    if not isinstance(named, dict) or not named.keys() <= _METADATA:
        return False
    if (record.get("apiVersion"), record.get("kind")) != (child["apiVersion"], child["kind"]):
        return False
    namespace = own.get("namespace", named.get("namespace"))
    return bool(named.get("name") == own["name"] and named.get("namespace", namespace) == namespace)
