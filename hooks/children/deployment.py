"""
The Deployment: the Function's code travels in its pod template, so an edit is an ordinary rolling update.

Metacontroller merges what is returned here with what is live, and the API server defaults the rest: a field that
is not set here is left to others. Whatever changes below rolls the pods of every Function.
"""

from collections.abc import Iterator

from hooks import environment, naming
from hooks.manifest import Manifest
from hooks.resolve import Mount, ResolvedFunction
from hooks.runtimes import REGISTRY_CONFIG_DIR

PORT = 8080
READ_ONLY_FOR_GROUP = 0o440
PULL_AND_INSTALL_SECONDS = 450
"""What image pull and install may take beside the start itself, before a rollout counts as failed."""


def build(function: ResolvedFunction) -> Iterator[Manifest]:
    """Yield the Deployment; pods of the old generation go only once new ones are ready."""
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": naming.child(function),
        "spec": {
            "replicas": function.replicas,
            "revisionHistoryLimit": 2,
            "progressDeadlineSeconds": function.startup_timeout_seconds + PULL_AND_INSTALL_SECONDS,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "selector": {"matchLabels": naming.selector(function)},
            "template": {"metadata": _template_metadata(function), "spec": _pod_spec(function)},
        },
    }


def summary(child: Manifest) -> Iterator[str]:
    """Yield replicas, image, resources and init containers."""
    pod = child["spec"]["template"]["spec"]
    main = pod["containers"][0]
    yield f"{child['spec']['replicas']} x {main['image']}"
    for name in ("cpu", "memory"):
        resources = main["resources"]
        yield f"{name} {resources['requests'].get(name, 'any')} to {resources['limits'].get(name, 'any')}"
    yield from (f"first {step['name']}" for step in pod.get("initContainers", []))


def _template_metadata(function: ResolvedFunction) -> Manifest:
    metadata: Manifest = {"labels": naming.pod_labels(function)}
    if annotations := naming.pod_annotations(function):
        metadata["annotations"] = annotations
    return metadata


def _pod_spec(function: ResolvedFunction) -> Manifest:
    pod: Manifest = {
        "serviceAccountName": function.service_account_name,
        "automountServiceAccountToken": function.automount_service_account_token,
        "enableServiceLinks": False,
        "securityContext": function.pod_security,
        "containers": [_main_container(function)],
        "volumes": _volumes(function),
    }
    if function.dependencies:
        pod["initContainers"] = [_install_container(function)]
    if function.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in function.image_pull_secrets]
    if function.node_selector:
        pod["nodeSelector"] = dict(function.node_selector)
    if function.tolerations:
        pod["tolerations"] = list(function.tolerations)
    if function.priority_class_name:
        pod["priorityClassName"] = function.priority_class_name
    return pod


def _main_container(function: ResolvedFunction) -> Manifest:
    container = _container("function", function) | {
        "command": ["sh", "-c", function.runtime.start],
        "env": environment.of_function(function),
        "ports": [{"containerPort": PORT, "protocol": "TCP"}],
        "resources": {
            "requests": dict(function.resources.requests),
            "limits": dict(function.resources.limits),
        },
        "volumeMounts": _mounts(function),
        # No startup probe: Ready would wait for one more turn of the kubelet after it (docs/probes.md).
        "readinessProbe": _probe(period=1, timeout=2, failures=7),
        "livenessProbe": _probe(period=10, timeout=4, failures=3)
        | {"initialDelaySeconds": function.startup_timeout_seconds},
        # Endpoints are gone everywhere before the server stops taking calls.
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    }
    if function.env_from:
        container["envFrom"] = list(function.env_from)
    return container


def _install_container(function: ResolvedFunction) -> Manifest:
    registry = {"name": "package-registry-config", "mountPath": REGISTRY_CONFIG_DIR, "readOnly": True}
    mounts = _mounts(function) if function.install_environment else _scratch_mounts(function)
    container = _container(naming.INSTALL, function) | {
        "command": ["sh", "-c", function.runtime.install],
        "env": environment.of_install(function),
        "resources": {"requests": dict(function.install.requests), "limits": dict(function.install.limits)},
        "volumeMounts": [*mounts, registry],
    }
    if function.env_from and function.install_environment:
        container["envFrom"] = list(function.env_from)
    return container


def _container(name: str, function: ResolvedFunction) -> Manifest:
    return {
        "name": name,
        "image": function.image,
        "workingDir": function.runtime.work_dir,
        "securityContext": function.container_security,
        # The last lines of npm, pip or the handler reach the pod's status.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _probe(*, period: int, timeout: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": "/healthz", "port": PORT},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }


def _scratch_mounts(function: ResolvedFunction) -> list[Manifest]:
    return [
        {"name": "sources", "mountPath": function.runtime.work_dir},
        {"name": "tmp", "mountPath": "/tmp"},
    ]


def _mounts(function: ResolvedFunction) -> list[Manifest]:
    return [*_scratch_mounts(function), *map(_mount, function.mounts)]


def _mount(mount: Mount) -> Manifest:
    return {"name": naming.volume(mount.kind, mount.name), "mountPath": mount.path, "readOnly": True}


def _volumes(function: ResolvedFunction) -> list[Manifest]:
    volumes: list[Manifest] = [
        {"name": "sources", "emptyDir": {"sizeLimit": function.sources_size}},
        {"name": "tmp", "emptyDir": {"sizeLimit": function.tmp_size}},
    ]
    if function.dependencies:
        secret = {
            "secretName": function.registry_secret_name,
            "optional": True,
            "defaultMode": READ_ONLY_FOR_GROUP,
        }
        volumes.append({"name": "package-registry-config", "secret": secret})
    mounted = {naming.volume(mount.kind, mount.name): mount for mount in function.mounts}
    return volumes + [_object_volume(name, mount) for name, mount in mounted.items()]


def _object_volume(name: str, mount: Mount) -> Manifest:
    if mount.kind == "secret":
        return {"name": name, "secret": {"secretName": mount.name, "defaultMode": READ_ONLY_FOR_GROUP}}
    return {"name": name, "configMap": {"name": mount.name, "defaultMode": READ_ONLY_FOR_GROUP}}
