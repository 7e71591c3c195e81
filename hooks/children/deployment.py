"""
The Deployment. The source is part of its pod template, so an edit is an ordinary rolling update.

Metacontroller merges this manifest with the live object, and the API server sets defaults: other components may set
any field that is not set here. A change to the pod template below restarts the pods of every Function.
"""

from collections.abc import Iterator

from hooks import environment, naming
from hooks.manifest import Manifest
from hooks.resolved import Artifact, Fetch, Install, Mount, Pod, ResolvedFunction
from hooks.runtimes import REGISTRY_CONFIG_DIR

READ_ONLY_FOR_GROUP = 0o440
PULL_AND_INSTALL_SECONDS = 450
"""Time for image pull and install, on top of the startup timeout, before Kubernetes counts a rollout as failed."""


def build(function: ResolvedFunction) -> Iterator[Manifest]:
    """Yield the Deployment if its source is there. A rollout removes an old pod only once a new one is ready."""
    if function.source.fetch and not function.source.fetch.artifact:
        return
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": naming.child_metadata(function.identity),
        "spec": {
            "replicas": function.scaling.replicas,
            "revisionHistoryLimit": 2,
            "progressDeadlineSeconds": function.pod.startup_timeout_seconds + PULL_AND_INSTALL_SECONDS,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "selector": {"matchLabels": naming.selector(function.identity)},
            "template": {"metadata": _template_metadata(function.pod), "spec": _pod_spec(function)},
        },
    }


def _template_metadata(pod: Pod) -> Manifest:
    metadata: Manifest = {"labels": pod.labels}
    if pod.annotations:
        metadata["annotations"] = pod.annotations
    return metadata


def _pod_spec(function: ResolvedFunction) -> Manifest:
    pod = function.pod
    spec: Manifest = {
        "serviceAccountName": pod.service_account_name,
        "automountServiceAccountToken": pod.automounts_token,
        "enableServiceLinks": False,
        "securityContext": pod.pod_security,
        "containers": [_main_container(function)],
        "volumes": _volumes(function),
    }
    if init_containers := list(_init_containers(function)):
        spec["initContainers"] = init_containers
    if pod.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in pod.image_pull_secrets]
    if pod.node_selector:
        spec["nodeSelector"] = dict(pod.node_selector)
    if pod.tolerations:
        spec["tolerations"] = list(pod.tolerations)
    if pod.priority_class_name:
        spec["priorityClassName"] = pod.priority_class_name
    return spec


def _main_container(function: ResolvedFunction) -> Manifest:
    pod, runtime = function.pod, function.source.runtime
    container = _common_container_fields(naming.MAIN_CONTAINER, function) | {
        "command": ["sh", "-c", runtime.fetched.start if function.source.fetch else runtime.start],
        "env": environment.main_container_env(function),
        "ports": [{"containerPort": naming.PORT, "protocol": "TCP"}],
        "resources": {"requests": dict(pod.resources.requests), "limits": dict(pod.resources.limits)},
        "volumeMounts": _volume_mounts(function),
        # No startup probe: it would delay Ready by up to a second (docs/probes.md).
        "readinessProbe": _probe(period=1, timeout=2, failures=7),
        "livenessProbe": _probe(period=10, timeout=4, failures=3)
        | {"initialDelaySeconds": pod.startup_timeout_seconds},
        # Gives all nodes time to remove the endpoint before the server stops accepting requests.
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    }
    if pod.env_from:
        container["envFrom"] = list(pod.env_from)
    return container


def _init_containers(function: ResolvedFunction) -> Iterator[Manifest]:
    if function.source.fetch and function.source.fetch.artifact:
        yield _fetch_container(function, function.source.fetch, function.source.fetch.artifact)
    if function.install:
        yield _install_container(function, function.install)


def _fetch_container(function: ResolvedFunction, fetch: Fetch, artifact: Artifact) -> Manifest:
    return _common_container_fields(naming.FETCH_CONTAINER, function) | {
        "command": ["sh", "-c", function.source.runtime.fetched.fetch],
        "env": environment.fetch_container_env(fetch, artifact),
        "resources": {"requests": dict(fetch.resources.requests), "limits": dict(fetch.resources.limits)},
        "volumeMounts": _scratch_mounts(function),
    }


def _install_container(function: ResolvedFunction, install: Install) -> Manifest:
    runtime = function.source.runtime
    registry = {"name": naming.REGISTRY_CONFIG_VOLUME, "mountPath": REGISTRY_CONFIG_DIR, "readOnly": True}
    mounts = _volume_mounts(function) if install.gets_inputs else _scratch_mounts(function)
    container = _common_container_fields(naming.INSTALL_CONTAINER, function) | {
        "command": ["sh", "-c", runtime.fetched.install if function.source.fetch else runtime.install],
        "env": environment.install_container_env(function, install),
        "resources": {"requests": dict(install.resources.requests), "limits": dict(install.resources.limits)},
        "volumeMounts": [*mounts, registry],
    }
    if function.pod.env_from and install.gets_inputs:
        container["envFrom"] = list(function.pod.env_from)
    return container


def _common_container_fields(name: str, function: ResolvedFunction) -> Manifest:
    return {
        "name": name,
        "image": function.source.image,
        "workingDir": function.source.runtime.work_dir,
        "securityContext": function.pod.container_security,
        # Copies the last log lines of npm, pip or the handler to the pod's status.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _probe(*, period: int, timeout: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": "/healthz", "port": naming.PORT},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }


def _scratch_mounts(function: ResolvedFunction) -> list[Manifest]:
    return [
        {"name": naming.SOURCES_VOLUME, "mountPath": function.source.runtime.work_dir},
        {"name": naming.TMP_VOLUME, "mountPath": "/tmp"},
    ]


def _volume_mounts(function: ResolvedFunction) -> list[Manifest]:
    return [*_scratch_mounts(function), *map(_volume_mount, function.pod.mounts)]


def _volume_mount(mount: Mount) -> Manifest:
    return {"name": naming.mount_volume(mount.kind, mount.name), "mountPath": mount.path, "readOnly": True}


def _volumes(function: ResolvedFunction) -> list[Manifest]:
    volumes: list[Manifest] = [
        {"name": naming.SOURCES_VOLUME, "emptyDir": {"sizeLimit": function.platform.sources_size}},
        {"name": naming.TMP_VOLUME, "emptyDir": {"sizeLimit": function.platform.tmp_size}},
    ]
    if function.install:
        secret = {
            "secretName": function.install.registry_secret_name,
            "optional": True,
            "defaultMode": READ_ONLY_FOR_GROUP,
        }
        volumes.append({"name": naming.REGISTRY_CONFIG_VOLUME, "secret": secret})
    mounted = {naming.mount_volume(mount.kind, mount.name): mount for mount in function.pod.mounts}
    return volumes + [_object_volume(name, mount) for name, mount in mounted.items()]


def _object_volume(name: str, mount: Mount) -> Manifest:
    if mount.kind == "secret":
        return {"name": name, "secret": {"secretName": mount.name, "defaultMode": READ_ONLY_FOR_GROUP}}
    return {"name": name, "configMap": {"name": mount.name, "defaultMode": READ_ONLY_FOR_GROUP}}
