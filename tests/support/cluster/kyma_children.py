"""
The children that Kyma's controller creates for a Function.

Written from its source at commit 779485d. The start script is a stand-in: no pod runs.
"""

from support.cluster.control_plane import Manifest

PREFIX = "serverless.kyma-project.io/"
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
    """Return the init container that clones the repository at the commit that the controller has resolved."""
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
    mounts: list[Manifest] = [
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
    """Return variables as the API server returns them: without a value if it is empty."""
    return [{"name": name} | ({"value": value} if value else {}) for name, value in values.items()]


def is_python(function: Manifest) -> bool:
    return str(function["spec"]["runtime"]).startswith("python")


def is_from_git(function: Manifest) -> bool:
    return "gitRepository" in function["spec"]["source"]
