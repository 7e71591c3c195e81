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
MANAGER = "serverless-manager"
"""The field manager of what Kyma's operator applies."""
LABELS = MODULE | {
    "app.kubernetes.io/component": "controller",
    "app.kubernetes.io/instance": CRD,
    "app.kubernetes.io/name": "serverless",
    "app.kubernetes.io/part-of": "serverless",
    "app.kubernetes.io/version": "main",
}
ANNOTATIONS = {
    "controller-gen.kubebuilder.io/version": "v0.16.4",
    f"{MANAGER}.kyma-project.io/managed-by-{MANAGER}-disclaimer": "DO NOT EDIT - This resource is managed by "
    f"{MANAGER}.\nAny modifications are discarded and the resource is reverted to the original state.",
}
"""Labels and annotations of the CRD of Functions."""
OPERATOR, CONTROLLER = "serverless-operator", "serverless-ctrl-mngr"
RBAC, CACHE = "rbac.authorization.k8s.io/v1", "serverless-manifest-cache"
OTHERS = {
    ("v1", "ConfigMap", True): "functions serverless-config serverless-log-config serverless.function.cli "
    "serverless-operator-log-config serverless-operator.kyma-project.io",
    ("v1", "Service", True): "serverless-controller-manager",
    ("v1", "ServiceAccount", True): "serverless-controller-manager serverless-operator",
    (RBAC, "Role", True): "serverless-leader-election-role",
    (RBAC, "RoleBinding", True): "serverless-leader-election-rolebinding",
    (RBAC, "ClusterRole", False): "kyma-functions-edit kyma-functions-view serverless-kyma-serverless-edit "
    "serverless-kyma-serverless-view serverless-manager-role serverless-operator-role",
    (RBAC, "ClusterRoleBinding", False): "serverless-manager-rolebinding serverless-operator-rolebinding",
    ("networking.k8s.io/v1", "NetworkPolicy", True): "kyma-project.io--serverless-allow-egress "
    "kyma-project.io--serverless-allow-metrics kyma-project.io--serverless-allow-to-apiserver "
    "kyma-project.io--serverless-allow-to-dns kyma-project.io--serverless-operator-allow-to-apiserver "
    "kyma-project.io--serverless-operator-allow-to-dns",
    ("scheduling.k8s.io/v1", "PriorityClass", False): "serverless-priority serverless-operator-priority",
}
"""Other objects of the module: version, kind, whether it has a namespace, and names."""


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
    made = custom_resource_definition(CRD, GROUP.split("/")[2], names, version)
    made["metadata"] |= {"labels": LABELS, "annotations": ANNOTATIONS}
    return made


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
    """Return the other objects that the module labels, and the Secret in which the operator keeps what it applied."""
    made: list[Manifest] = [
        {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name, "labels": MODULE} | ({"namespace": SYSTEM} if has_namespace else {}),
        }
        for (version, kind, has_namespace), names in OTHERS.items()
        for name in names.split()
    ]
    for each in made:
        if each["kind"] == "PriorityClass":
            each["value"] = 2_000_000
        elif each["kind"].endswith("Binding"):
            kind, name = each["kind"].removesuffix("Binding"), each["metadata"]["name"].removesuffix("binding")
            each["roleRef"] = {"apiGroup": RBAC.partition("/")[0], "kind": kind, "name": name}
        elif each["kind"] == "NetworkPolicy":
            each["spec"] = {"podSelector": {"matchLabels": MODULE}}
        elif each["kind"] == "Service":
            each["spec"] = {"ports": [{"port": 8080}]}
    return [*made, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": CACHE, "namespace": SYSTEM}}]


def objects() -> list[Manifest]:
    """Return the module's objects."""
    return [crd(), module_crd(), deployment_of(OPERATOR), deployment_of(CONTROLLER), *other_objects()]
