"""
Last-applied records, and responses that leave a child unchanged.

Metacontroller's dynamic apply records the last response in an annotation of the child, which every user with write
access to the child can overwrite. A record is therefore valid only on the object that it describes, and only its spec
is used: kind, name and labels in a response come from the Function. Without a valid record the response repeats the
child as observed; Metacontroller then updates the record and nothing else (docs/security.md, "Records").
"""

from collections.abc import Iterable
from typing import Any

import orjson

from hooks import naming
from hooks.children import KINDS
from hooks.manifest import Manifest, as_mapping, is_serializable
from hooks.protocol import HookRequest, Unreadable

LAST_APPLIED = "metacontroller.k8s.io/last-applied-configuration"
"""The annotation in which Metacontroller's dynamic apply keeps the last-applied manifest of a child."""
_RECORDED_METADATA = {"name", "namespace", "labels", "annotations"}


def last_applied(child: Manifest) -> Manifest | None:
    """
    Return the last-applied fields of an observed child, without apiVersion, kind and metadata.

    None if there is no record, or if it is malformed, describes another object, or has metadata that the hook never
    sends.
    """
    record = _decode_record(child)
    if not isinstance(record, dict) or not _describes(record, child):
        return None
    kind = child["kind"]
    fields = {field: record[field] for field in KINDS[kind].fields if field in record}
    spec = fields.get("spec", {})
    if not isinstance(spec, dict) or (kind == "Deployment" and not isinstance(spec.get("template"), dict)):
        return None
    return fields or None


def is_mergeable(child: Manifest) -> bool:
    """
    Return whether Metacontroller can update the child.

    Every update fails while the record is not a JSON object. Inside a JSON object, Metacontroller ignores a value whose
    type differs from the child's.
    Source: Metacontroller 4.17, pkg/dynamic/apply.
    """
    text = _annotations(child).get(LAST_APPLIED)
    if isinstance(text, str) and text.startswith('{"apiVersion":"') and text.endswith("}}"):
        return True  # the form that Metacontroller writes: decoding it would cost time on every sync
    record = _decode_record(child)
    return record is None or isinstance(record, dict)


def unchanged_children(request: HookRequest, kinds: Iterable[str] = KINDS) -> list[Manifest]:
    """
    Return the observed children of these kinds as last applied, or else as observed: neither changes a running pod.

    If there is an autoscaler, the Deployment keeps its observed number of replicas. Raises Unreadable for a child that
    is nested too deeply to serialize.
    """
    wanted = set(kinds)
    return [_unchanged(child, request) for kind, child in request.observed.items() if kind in wanted]


def hold_deployment(children: list[Manifest], request: HookRequest) -> list[Manifest]:
    """
    Return the children with a Deployment: if they have none, that is the observed one, unchanged.

    Without an observed one, they have no autoscaler either.
    """
    kinds = [child["kind"] for child in children]
    if "Deployment" in kinds:
        return children
    if held := unchanged_children(request, {"Deployment"}):
        return sorted([*children, *held], key=lambda child: list(KINDS).index(child["kind"]))
    return [child for child in children if child["kind"] != "HorizontalPodAutoscaler"]


def _unchanged(child: Manifest, request: HookRequest) -> Manifest:
    metadata = naming.child_metadata(request.metadata.identity)
    if annotations := _own_annotations(child):
        metadata["annotations"] = annotations
    manifest = last_applied(child)
    if not manifest or not is_serializable(manifest):
        manifest = _as_observed(child)
        if not is_serializable(manifest):
            raise Unreadable(f"children.{child['kind']}: nested too deeply")
    replicas = request.observed_replicas
    if child["kind"] == "Deployment" and request.child("HorizontalPodAutoscaler") and replicas is not None:
        manifest = manifest | {"spec": manifest["spec"] | {"replicas": replicas}}
    return {"apiVersion": child["apiVersion"], "kind": child["kind"], "metadata": metadata, **manifest}


def _own_annotations(child: Manifest) -> dict[str, str]:
    """Return the observed annotations that the hook sets: without them, Metacontroller would remove these."""
    if not KINDS[child["kind"]].needs_git:
        return {}
    found = _annotations(child).items()
    return {key: value for key, value in found if naming.is_child_annotation(key) and isinstance(value, str)}


def _as_observed(child: Manifest) -> Manifest:
    return {key: value for key, value in child.items() if key not in ("apiVersion", "kind", "metadata", "status")}


def _decode_record(child: Manifest) -> Any:
    """Return a child's record as decoded JSON, None if there is none, and the text itself if it is not JSON."""
    text = _annotations(child).get(LAST_APPLIED)
    try:
        return orjson.loads(text) if isinstance(text, str) and text else None
    except orjson.JSONDecodeError:
        return text


def _annotations(child: Manifest) -> Manifest:
    return as_mapping(child["metadata"].get("annotations"))


def _describes(record: Manifest, child: Manifest) -> bool:
    """Return whether a record has this child's identity and no metadata that the hook never sends."""
    recorded, own = record.get("metadata"), child["metadata"]
    if not isinstance(recorded, dict) or not recorded.keys() <= _RECORDED_METADATA:
        return False
    if "annotations" in recorded and not all(map(naming.is_child_annotation, as_mapping(recorded["annotations"]))):
        return False
    if (record.get("apiVersion"), record.get("kind")) != (child["apiVersion"], child["kind"]):
        return False
    namespace = own.get("namespace")
    return bool(recorded.get("name") == own["name"] and recorded.get("namespace", namespace) == namespace)
