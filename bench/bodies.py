"""
Request bodies for the benchmarks of the hook, as Metacontroller sends them for Functions at rest.

The offline model of Metacontroller settles each Function with this tree's hook. What that model leaves out and a
request holds (managedFields, the CompositeController, pods) has about the size that it has in
tests/support/fixtures/metacontroller.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import yaml

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.cases import NOW, complete, settle
from support.offline_metacontroller import World

from hooks.config import Config

DISTINCT = 200
LARGE_SOURCE_BYTES = 9_500
"""A body has the source three times: in the Function, in its Deployment and in the record of that."""
PODS = 100
SYSTEM = {"resourceVersion": "258", "creationTimestamp": "2026-01-01T00:00:00Z"}
KEYS = ("containerPort", "port", "mountPath", "name", "uid", "type")
"""The keys by which the API server names the items of a list in managedFields."""

Manifest = dict[str, Any]


def bodies() -> dict[str, list[bytes]]:
    """Return the requests of each kind, by the name of the kind; all are settled."""
    pods = {f"pod-{number}": _pod(f"pod-{number}") for number in range(PODS)}
    return {
        "steady": [request(_function("hello"))],
        f"{DISTINCT} distinct": [request(_function(f"hello-{number}", number)) for number in range(DISTINCT)],
        "50 KB": [request(_function("hello", source="# " + "x" * LARGE_SOURCE_BYTES))],
        f"{PODS} pods": [request(_function("hello"), pods)],
    }


def request(function: Manifest, pods: Manifest | None = None) -> bytes:
    """Return the body of a sync in which nothing is left to do."""
    world = World(complete(function))
    settle(world, Config(), NOW)
    found = world.request()
    found["controller"] = _with_system_fields(_controller(), "kubectl")
    _with_system_fields(found["parent"], "kubectl")
    for child in (child for group in found["children"].values() for child in group.values()):
        _with_system_fields(child, "metacontroller")
    found["related"] = {"Pod.v1": pods} if pods else {}
    return orjson.dumps(found)


def _function(name: str, number: int = 0, source: str = "") -> Manifest:
    """Return a Function; another `number` changes its environment, labels and source."""
    text = f"def main(event, context):\n    return 'hi {number}'\n{source}"
    env = [{"name": f"NAME_{each}", "value": f"value {number}"} for each in range(1 + number % 8)]
    labels = {"team": f"team-{number}"} if number % 3 else {}
    spec: Manifest = {"runtime": "python312", "source": {"inline": {"source": text}}, "env": env}
    if labels:
        spec["labels"] = labels
    if number % 4 == 1:
        spec["scaleConfig"] = {"minReplicas": 1, "maxReplicas": 5}
    uid = f"11111111-2222-3333-4444-{number:012}"
    return {"metadata": {"name": name, "uid": uid}, "spec": spec}


def _controller() -> Manifest:
    found: Manifest = yaml.safe_load((ROOT / "compositecontroller.yaml").read_text(encoding="utf-8"))
    return found


def _with_system_fields(item: Manifest, manager: str) -> Manifest:
    """Add what only the API server sets."""
    fields = {"f:metadata": _fields(item["metadata"]), "f:spec": _fields(item.get("spec", {}))}
    entries = [{"fieldsV1": fields, "manager": manager, "operation": "Update"}]
    if "status" in item:
        status = {"f:status": _fields(item["status"])}
        entries.append({"fieldsV1": status, "manager": manager, "operation": "Update", "subresource": "status"})
    head = {"apiVersion": item["apiVersion"], "fieldsType": "FieldsV1", "time": SYSTEM["creationTimestamp"]}
    item["metadata"] |= SYSTEM | {"managedFields": [head | entry for entry in entries]}
    item["metadata"].setdefault("uid", "28638901-1134-41f4-aa9b-160857ed94c9")
    return item


def _fields(value: Any) -> Manifest:
    """Return the FieldsV1 of a value: its structure without its values."""
    if isinstance(value, dict):
        return {f"f:{key}": _fields(item) for key, item in value.items()}
    return dict(_items(value)) if isinstance(value, list) else {}


def _items(items: list[Any]) -> Iterator[tuple[str, Manifest]]:
    for item in items:
        if isinstance(item, dict) and (key := next((key for key in KEYS if key in item), None)):
            yield "k:" + json.dumps({key: item[key]}, separators=(",", ":")), {".": {}} | _fields(item)


def _pod(name: str) -> Manifest:
    """Return a running pod."""
    mounts = [{"name": "sources", "mountPath": "/usr/src/app/function"}, {"name": "tmp", "mountPath": "/tmp"}]
    probe = {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10, "timeoutSeconds": 4}
    container = {"name": "function", "image": "python312:1", "volumeMounts": mounts, "readinessProbe": probe}
    env = [{"name": f"NAME_{number}", "value": "value"} for number in range(8)]
    ready = [{"type": each, "status": "True"} for each in ("PodScheduled", "Initialized", "Ready", "ContainersReady")]
    state = {"name": "function", "ready": True, "restartCount": 0, "state": {"running": {}}, "image": "python312:1"}
    metadata = {"name": name, "namespace": "default", "uid": name}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container | {"env": env}]}}
    return _with_system_fields(
        pod | {"status": {"phase": "Running", "conditions": ready, "containerStatuses": [state]}}, "kubelet"
    )
