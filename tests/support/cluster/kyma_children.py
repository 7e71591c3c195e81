"""
The Deployment and the Service that Kyma's controller creates for a Function.

Written from its source at commit 779485d; tests/cluster/test_migration_simulator.py compares them with those of Kyma.
"""

from support.cluster.control_plane import Manifest
from support.cluster.kyma_pod import pod

PREFIX = "serverless.kyma-project.io/"


def internal_labels(function: Manifest) -> dict[str, str]:
    metadata = function["metadata"]
    return {
        f"{PREFIX}function-name": metadata["name"],
        f"{PREFIX}managed-by": "function-controller",
        f"{PREFIX}uuid": metadata["uid"],
    }


def selector_labels(function: Manifest) -> dict[str, str]:
    return internal_labels(function) | {f"{PREFIX}resource": "deployment"}


def selector(function: Manifest, *, resource: bool = False) -> str:
    labels = selector_labels(function) if resource else internal_labels(function)
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def child(function: Manifest, **name: str) -> Manifest:
    """Return the metadata of a child; `name` is name or generateName."""
    metadata = function["metadata"]
    owner: Manifest = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function"}
    owner |= {"name": metadata["name"], "uid": metadata["uid"], "controller": True, "blockOwnerDeletion": True}
    labels = metadata.get("labels", {}) | internal_labels(function)
    return {**name, "namespace": metadata["namespace"], "labels": labels, "ownerReferences": [owner]}


def service(function: Manifest) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": child(function, name=function["metadata"]["name"]),
        "spec": {
            "selector": selector_labels(function),
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}],
        },
    }


def deployment(function: Manifest) -> Manifest:
    metadata, spec = function["metadata"], function["spec"]
    labels = spec.get("labels", {}) | selector_labels(function) | {"app.kubernetes.io/name": metadata["name"]}
    annotations = {
        "sidecar.istio.io/nativeSidecar": "true",
        "proxy.istio.io/config": '{ "holdApplicationUntilProxyStarts": true }',
        "rt-cfg.kyma-project.io/alter-img-registry": "true",
        "rt-cfg.kyma-project.io/add-img-pull-secret": "true",
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": child(function, generateName=f"{metadata['name']}-"),
        "spec": {
            "replicas": spec.get("replicas", 1),
            "selector": {"matchLabels": selector_labels(function)},
            "template": {
                "metadata": {"labels": labels, "annotations": spec.get("annotations", {}) | annotations},
                "spec": pod(function),
            },
        },
    }
