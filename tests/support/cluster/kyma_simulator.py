"""
Kyma's serverless module, as far as a migration meets it: what it leaves in a cluster, and what its controllers do.

In our own words from its source at commit 779485d. Its CRD stands here without its rules, and its start script without
its lines: neither plays a part.
"""

from itertools import starmap
from typing import Any

from support.cluster.control_plane import Manifest, wait_until
from support.cluster.stack import GROUP, Stack

SYSTEM = "kyma-system"
CRD = "functions.serverless.kyma-project.io"
PREFIX = "serverless.kyma-project.io/"
MODULE = {"kyma-project.io/module": "serverless"}
OPERATOR, CONTROLLER = "serverless-operator", "serverless-ctrl-mngr"
MODULE_CRD = "serverlesses.operator.kyma-project.io"
SIZE = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "150m", "memory": "256Mi"}}
POD_SECURITY = {
    "runAsUser": 1000,
    "runAsGroup": 1000,
    "fsGroup": 1000,
    "supplementalGroups": [1000],
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY = {
    "privileged": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
}


class Kyma:
    """A cluster's Kyma; its controller acts when it is told to, if its Deployment says that it runs."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.plane = stack, stack.plane

    def install(self) -> None:
        """Create what is in a cluster with the module, so far as somebody is told to touch it."""
        self.plane.kubectl("create", "namespace", SYSTEM)
        for each in (crd(), module_crd(), deployment_of(OPERATOR), deployment_of(CONTROLLER), *others()):
            self.plane.kubectl("apply", "--server-side", "--field-manager=serverless-operator", "-f", "-", stdin=each)
        for name in (CRD, MODULE_CRD):
            self.stack.wait_until_established(name)
        module = {"apiVersion": "operator.kyma-project.io/v1alpha1", "kind": "Serverless"}
        metadata = {
            "name": "default",
            "namespace": SYSTEM,
            "finalizers": ["serverless-operator.kyma-project.io/deletion"],
        }
        self.plane.kubectl("create", "-f", "-", stdin=module | {"metadata": metadata})

    def runs(self) -> bool:
        """Tell whether the controller is to run; the operator would see to it."""
        found = [self.stack.get("deployments", SYSTEM, name) for name in (OPERATOR, CONTROLLER)]
        return any(each and each["spec"]["replicas"] for each in found)

    def settle(self, functions: list[tuple[str, str]]) -> None:
        """Reconcile these Functions until all are Running."""
        assert self.runs()
        wait_until(lambda: all(list(starmap(self.reconcile, functions))), "Kyma to be content", 60)

    def reconcile(self, namespace: str, name: str) -> bool:
        """Do what the controller does for a Function; return whether it is content."""
        function = self.stack.get("functions", namespace, name)
        assert function is not None
        found = self.deployments(function)
        if len(found) > 1:
            everything = f"/apis/apps/v1/namespaces/{namespace}/deployments?labelSelector={selector(function)}"
            self.plane.call(
                "DELETE", everything, {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
            )
            return False
        wanted = deployment(function)
        if not found:
            self.create("/apis/apps/v1", "deployments", namespace, wanted)
            return False
        if self.updated(found[0], wanted) or self.changed_service(function):
            return False
        self.report(function, found[0])
        return is_ready(found[0])

    def deployments(self, function: Manifest) -> list[Manifest]:
        """Return the Function's Deployments; Kyma knows them by three labels, not by name or owner."""
        own, namespace = internal_labels(function).items(), function["metadata"]["namespace"]
        return [each for each in self.stack.list("deployments", namespace) if own <= each["metadata"]["labels"].items()]

    def create(self, prefix: str, resource: str, namespace: str, body: Manifest) -> None:
        code, answer = self.plane.call("POST", f"{prefix}/namespaces/{namespace}/{resource}", body)
        assert code == 201, answer

    def updated(self, live: Manifest, wanted: Manifest) -> bool:
        """Put template and replicas right, nothing else; return whether that was needed."""
        theirs, ours = main(live), main(wanted)
        same = ("image", "command", "env", "volumeMounts", "securityContext")
        if live["spec"]["replicas"] == wanted["spec"]["replicas"] and all(theirs.get(k) == ours[k] for k in same):
            return False
        live["spec"] |= {key: wanted["spec"][key] for key in ("template", "replicas")}
        self.put("/apis/apps/v1", "deployments", live)
        return True

    def changed_service(self, function: Manifest) -> bool:
        """Put ports, selector, type and labels right; return whether that was needed."""
        namespace, wanted = function["metadata"]["namespace"], service(function)
        live = self.stack.get("services", namespace, function["metadata"]["name"])
        if live is None:
            self.create("/api/v1", "services", namespace, wanted)
            return True
        if (live["metadata"]["labels"], live["spec"]["selector"]) == (
            wanted["metadata"]["labels"],
            wanted["spec"]["selector"],
        ):
            return False
        live["metadata"]["labels"] = wanted["metadata"]["labels"]
        live["spec"] |= wanted["spec"]
        self.put("/api/v1", "services", live)
        return True

    def put(self, prefix: str, resource: str, body: Manifest) -> None:
        path = f"{prefix}/namespaces/{body['metadata']['namespace']}/{resource}/{body['metadata']['name']}"
        code, answer = self.plane.call("PUT", path, body)
        assert code == 200, answer

    def report(self, function: Manifest, live: Manifest) -> None:
        """Write the status that Kyma writes of a Function whose Deployment is ready."""
        if not is_ready(live):
            return
        since, name = live["metadata"]["creationTimestamp"], live["metadata"]["name"]
        said = [
            ("ConfigurationReady", "FunctionSpecValidated", "Function configured"),
            ("Running", "DeploymentReady", f"Deployment {name} is ready"),
        ]
        kept = function.get("status", {}).get("conditions", [])
        status = {
            "observedGeneration": function["metadata"]["generation"],
            "runtime": function["spec"]["runtime"],
            "runtimeImage": main(live)["image"],
            "replicas": live["status"]["replicas"],
            "podSelector": selector(function, resource=True),
            "functionResourceProfile": "XS",
            "containerSecurityContext": main(live)["securityContext"],
            "podSecurityContext": live["spec"]["template"]["spec"]["securityContext"],
            "conditions": [
                *(each for each in kept if each["type"] not in ("ConfigurationReady", "Running")),
                *(
                    {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": since}
                    for kind, reason, message in said
                ),
            ],
        }
        metadata = function["metadata"]
        self.stack.patch("functions", metadata["namespace"], metadata["name"], {"status": status}, status=True)


def crd() -> Manifest:
    """Return Kyma's definition of Functions, without its rules."""
    anything: Manifest = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    spec = anything | {"properties": {"replicas": {"type": "integer", "format": "int32", "default": 1, "minimum": 0}}}
    version = {
        "name": "v1alpha2",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": anything}}},
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
    names = {"kind": "Function", "listKind": "FunctionList", "plural": "functions", "singular": "function"}
    names |= {"shortNames": ["fn", "fns"], "categories": ["all"]}
    return definition(CRD, GROUP.split("/")[2], names, version)


def module_crd() -> Manifest:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": schema}
    names = {"kind": "Serverless", "listKind": "ServerlessList", "plural": "serverlesses", "singular": "serverless"}
    return definition(MODULE_CRD, "operator.kyma-project.io", names, version)


def definition(name: str, group: str, names: Manifest, version: Manifest) -> Manifest:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name, "labels": MODULE},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def deployment_of(name: str) -> Manifest:
    """Return one of Kyma's own Deployments; no node runs it here."""
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


def others() -> list[Manifest]:
    """Return one of each kind of object that the module has beside that."""
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
    return ",".join(f"{key}={value}" for key, value in labels.items())


def child(function: Manifest, **name: str) -> Manifest:
    """Return the metadata of a child as Kyma creates it."""
    metadata = function["metadata"]
    owner = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function"}
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


def pod(function: Manifest) -> Manifest:
    spec = function["spec"]
    scratch = ["sources", "tmp", *(["local"] if is_python(function) else [])]
    secrets = [each["secretName"] for each in spec.get("secretMounts", ())]
    initial = {"initContainers": [fetcher(function)]} if is_from_git(function) else {}
    if is_from_git(function):
        scratch.append("git-repository")
    registry = {"secretName": "serverless-package-registry-config", "optional": True, "defaultMode": 420}
    return initial | {
        "containers": [container(function)],
        "securityContext": POD_SECURITY | spec.get("podSecurityContext", {}),
        "volumes": [
            *({"name": name, "emptyDir": {}} for name in scratch),
            {"name": "package-registry-config", "secret": registry},
            *({"name": name, "secret": {"secretName": name, "defaultMode": 438}} for name in secrets),
        ],
    }


def fetcher(function: Manifest) -> Manifest:
    """Return the init container that clones a repository; the controller has looked the commit up."""
    source = function["spec"]["source"]["gitRepository"]
    values = {"APP_REPOSITORY_URL": source["url"], "APP_REPOSITORY_REFERENCE": source["reference"]}
    values |= {"APP_REPOSITORY_COMMIT": "1" * 40, "APP_DESTINATION_PATH": "/git-repository/repo"}
    return {
        "name": "init",
        "image": "europe-docker.pkg.dev/kyma-project/prod/function-buildless-init:main",
        "command": ["sh", "-c", "exec fetch\n"],
        "env": named(values),
        "volumeMounts": [{"name": "git-repository", "mountPath": "/git-repository"}],
    }


def container(function: Manifest) -> Manifest:
    spec, runtime = function["spec"], function["spec"]["runtime"]
    work_dir = "/kubeless" if is_python(function) else "/usr/src/app/function"
    file = "pip.conf" if is_python(function) else ".npmrc"
    probe: Manifest = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5}
    mounts = [
        {"name": "sources", "mountPath": work_dir},
        {"name": "tmp", "mountPath": "/tmp"},
        {"name": "package-registry-config", "mountPath": f"{work_dir}/package-registry-config/{file}", "subPath": file},
    ]
    if is_python(function):
        mounts.append({"name": "local", "mountPath": "/.local"})
    if is_from_git(function):
        mounts.append({"name": "git-repository", "mountPath": "/git-repository"})
    mounts += [
        {"name": each["secretName"], "readOnly": True, "mountPath": each["mountPath"]}
        for each in spec.get("secretMounts", ())
    ]
    return {
        "name": "function",
        "image": f"europe-docker.pkg.dev/kyma-project/prod/function-runtime-{runtime}:main",
        "workingDir": work_dir,
        "command": ["sh", "-c", "set -e\nexec start\n"],
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "env": env(function),
        "resources": SIZE,
        "startupProbe": probe | {"failureThreshold": 30},
        "readinessProbe": probe | {"failureThreshold": 1, "timeoutSeconds": 2},
        "livenessProbe": probe | {"failureThreshold": 3, "timeoutSeconds": 4},
        "securityContext": CONTAINER_SECURITY | spec.get("containerSecurityContext", {}),
        "volumeMounts": mounts,
    }


def env(function: Manifest) -> list[Manifest]:
    metadata, spec = function["metadata"], function["spec"]
    before = {
        "FUNC_NAME": metadata["name"],
        "FUNC_RUNTIME": spec["runtime"],
        "SERVICE_NAMESPACE": metadata["namespace"],
    }
    if is_python(function):
        before |= {"PYTHONUNBUFFERED": "TRUE", "MOD_NAME": "handler", "FUNC_HANDLER": "main"}
    after = {}
    if inline := spec["source"].get("inline"):
        after = {"FUNC_HANDLER_SOURCE": inline["source"], "FUNC_HANDLER_DEPENDENCIES": inline.get("dependencies", "")}
    after |= {"FUNCTION_PATH": "/kubeless"} if is_python(function) else {"HANDLER_PATH": "./function/handler.js"}
    return [*named(before), *spec.get("env", ()), *named(after)]


def named(values: dict[str, str]) -> list[Manifest]:
    """Return variables as the API server gives them back: an empty value is none."""
    return [{"name": name} | ({"value": value} if value else {}) for name, value in values.items()]


def is_python(function: Manifest) -> bool:
    return str(function["spec"]["runtime"]).startswith("python")


def is_from_git(function: Manifest) -> bool:
    return "gitRepository" in function["spec"]["source"]


def main(deployment: Manifest) -> Any:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container


def is_ready(deployment: Manifest) -> bool:
    """Kyma asks for both conditions, and not for which generation they hold."""
    said = {each["type"]: each for each in deployment.get("status", {}).get("conditions", ())}
    available, progressing = said.get("Available", {}), said.get("Progressing", {})
    return (available.get("status"), progressing.get("reason")) == ("True", "NewReplicaSetAvailable")
