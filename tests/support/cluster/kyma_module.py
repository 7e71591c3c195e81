"""
The objects of Kyma's serverless module that a migration deletes or scales down.

Written from its source at commit 779485d. The CRD has no validation rules: no test needs them.
"""

from support.cluster.control_plane import Manifest
from support.cluster.stack import GROUP

SYSTEM = "kyma-system"
CRD = "functions.serverless.kyma-project.io"
MODULE_CRD = "serverlesses.operator.kyma-project.io"
MODULE = {"kyma-project.io/module": "serverless"}
OPERATOR, CONTROLLER = "serverless-operator", "serverless-ctrl-mngr"


def crd() -> Manifest:
    """Return Kyma's CRD of Functions, without its validation."""
    any_object: Manifest = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    spec = any_object | {"properties": {"replicas": {"type": "integer", "format": "int32", "default": 1, "minimum": 0}}}
    version = {
        "name": "v1alpha2",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": any_object}}},
        "additionalPrinterColumns": [{"name": "Version", "type": "integer", "jsonPath": ".metadata.generation"}],
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.podSelector",
            },
        },
    }
    names: Manifest = {"kind": "Function", "listKind": "FunctionList", "plural": "functions", "singular": "function"}
    names |= {"shortNames": ["fn", "fns"], "categories": ["all"]}
    return custom_resource_definition(CRD, GROUP.split("/")[2], names, version)


def module_crd() -> Manifest:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": schema}
    names = {"kind": "Serverless", "listKind": "ServerlessList", "plural": "serverlesses", "singular": "serverless"}
    return custom_resource_definition(MODULE_CRD, "operator.kyma-project.io", names, version)


def custom_resource_definition(name: str, group: str, names: Manifest, version: Manifest) -> Manifest:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name, "labels": MODULE},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def deployment_of(name: str) -> Manifest:
    """Return one of the module's Deployments; no pod of it runs."""
    labels = {"app": name}
    pod = {"containers": [{"name": "manager", "image": f"example.com/{name}"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": SYSTEM, "labels": MODULE},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels | MODULE}, "spec": pod},
        },
    }


def other_objects() -> list[Manifest]:
    """Return one object of each other kind that the module has."""
    kinds = [
        ("v1", "ConfigMap", "serverless-config", SYSTEM),
        ("v1", "ServiceAccount", "serverless-controller-manager", SYSTEM),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "kyma-functions-edit", None),
        ("scheduling.k8s.io/v1", "PriorityClass", "serverless-priority", None),
    ]
    made: list[Manifest] = []
    for version, kind, name, namespace in kinds:
        metadata = {"name": name, "labels": MODULE} | ({"namespace": namespace} if namespace else {})
        made.append({"apiVersion": version, "kind": kind, "metadata": metadata})
    made[-1]["value"] = 2_000_000
    return made
