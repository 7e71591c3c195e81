"""
Records of last-applied configuration that a user with `edit` in one namespace may write onto a child.

Each makes the text of the annotation for an observed child. The records of FOREIGN name another object or hold none, so
they are ignored. Those of OWN name the child itself and have fields that no answer may have.
"""

import json
from collections.abc import Callable
from typing import Any

Manifest = dict[str, Any]
Forgery = Callable[[Manifest], str]

PRIVILEGED: Manifest = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "forged", "namespace": "kube-system", "labels": {"app": "forged"}},
    "spec": {
        "selector": {"matchLabels": {"app": "forged"}},
        "template": {
            "metadata": {"labels": {"app": "forged"}},
            "spec": {
                "hostPID": True,
                "containers": [{"name": "a", "image": "a", "securityContext": {"privileged": True}}],
                "volumes": [{"name": "host", "hostPath": {"path": "/"}}],
            },
        },
    },
}
BINDING: Manifest = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "forged"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "mallory"}],
}


def identity(child: Manifest, **metadata: Any) -> Manifest:
    """Return apiVersion, kind and metadata of this child's record."""
    own = {"name": child["metadata"]["name"], "namespace": child["metadata"].get("namespace", "default")}
    return {"apiVersion": child["apiVersion"], "kind": child["kind"], "metadata": own | metadata}


def body(child: Manifest) -> Manifest:
    return {key: value for key, value in child.items() if key not in ("apiVersion", "kind", "metadata", "status")}


def record(**changes: Any) -> Forgery:
    """Return a forgery that names the child and changes other metadata."""
    return lambda child: json.dumps(identity(child, **changes) | body(child))


def deep() -> Manifest:
    """Return nesting that Go's JSON accepts and orjson refuses to write."""
    value: Manifest = {}
    for _ in range(500):
        value = {"a": value}
    return value


def text(record: str) -> Forgery:
    """Return a forgery that is the same for every child."""
    return lambda _: record


FOREIGN: dict[str, Forgery] = {
    "a privileged Deployment in kube-system": text(json.dumps(PRIVILEGED)),
    "a cluster role binding": text(json.dumps(BINDING)),
    "the same kind under another name": record(name="other"),
    "the same name in another namespace": record(namespace="kube-system"),
    "no name": record(name=None),
    "another version": lambda child: json.dumps(identity(child) | body(child) | {"apiVersion": "example.com/v1"}),
    "another kind": lambda child: json.dumps(identity(child) | body(child) | {"kind": "Pod"}),
    "metadata of a list": lambda child: json.dumps(identity(child) | body(child) | {"metadata": ["name"]}),
    "an empty object": text("{}"),
    "null": text("null"),
    "a list": text("[]"),
    "a text": text('"x"'),
    "a number": text("1"),
    "no JSON": text("{"),
    "nothing": text(""),
    "deep nesting": text("[" * 100_000),
}
UNMERGEABLE = {"a list", "a text", "a number", "no JSON", "deep nesting"}
"""Metacontroller cannot decode these, so it updates nothing until they are removed."""
OWN: dict[str, Forgery] = {
    "owners, finalizers and annotations": record(
        ownerReferences=[{"apiVersion": "v1", "kind": "Namespace", "name": "default", "uid": "0"}],
        finalizers=["example.com/stays"],
        annotations={"example.com/forged": "x"},
    ),
    "labels": record(labels={"controller-uid": "0", "example.com/forged": "x", "app": "\n"}),
    "a status": lambda child: json.dumps(identity(child) | body(child) | {"status": {"forged": True}}),
    "spec of a text": lambda child: json.dumps(identity(child) | {"spec": "x"}),
    "a deep spec": lambda child: json.dumps(identity(child) | {"spec": {"template": deep(), "ports": deep()}}),
    "no spec": lambda child: json.dumps(identity(child)),
}
ALL = FOREIGN | OWN
