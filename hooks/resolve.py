"""
A Function with no gap left: every default in the house is decided here, before anything is built.

resolve() takes a Function in which validate() found nothing wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hooks import quantity
from hooks.config import Config
from hooks.core_v1 import Variable
from hooks.function import Function, FunctionSpec, InlineSource
from hooks.manifest import Manifest, pruned
from hooks.resources import Resources, function_resources, install_resources
from hooks.runtimes import FAMILIES, Family

POD_SECURITY: Manifest = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "runAsGroup": 1000,
    "fsGroup": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY: Manifest = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


@dataclass(frozen=True, kw_only=True)
class Scale:
    """`memory` is 0 where only the CPU counts; both targets are percent of the requests."""

    min_replicas: int
    max_replicas: int
    cpu: int
    memory: int


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A Secret ("secret") or ConfigMap ("configmap") called `name`, as files below `path`."""

    kind: str
    name: str
    path: str


@dataclass(frozen=True, kw_only=True)
class ResolvedFunction:
    """`source` and `dependencies` are the user's very text; blank dependencies are ""."""

    name: str
    namespace: str
    uid: str
    generation: int
    configs_version: str
    own_labels: Mapping[str, str]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    pod_annotations: Mapping[str, str]
    runtime_name: str
    runtime: Family
    runtime_deprecated: bool
    image: str
    source: str
    dependencies: str
    env: tuple[Manifest, ...]
    env_from: tuple[Manifest, ...]
    mounts: tuple[Mount, ...]
    replicas: int
    scale: Scale | None
    resources: Resources
    install: Resources
    install_environment: bool
    own_service_account: bool
    service_account_name: str
    automount_service_account_token: bool
    image_pull_secrets: tuple[str, ...]
    pod_security: Manifest
    container_security: Manifest
    node_selector: Mapping[str, str]
    tolerations: tuple[Manifest, ...]
    priority_class_name: str
    startup_timeout_seconds: int
    trace_collector_endpoint: str
    publisher_proxy_address: str
    registry_secret_name: str
    sources_size: str
    tmp_size: str


def resolve(
    function: Function, config: Config, observed_replicas: int | None = None, configs_version: str = ""
) -> ResolvedFunction:
    """
    Return the Function with every gap filled.

    `configs_version` is a text whose change rolls the pods, "" for none. `observed_replicas` are those of the live
    Deployment, None where there is none: while an autoscaler is at work they are kept as they are. Leaving the field
    out instead would make the API server default it to 1.
    """
    metadata, spec = function.metadata, function.spec
    image = config.runtimes[spec.runtime]
    inline = spec.source.inline or InlineSource(source="-")
    dependencies = inline.dependencies or ""
    scale = _scale(spec, config)
    resources = function_resources(spec.resource_configuration, config)
    has_packages = bool(dependencies.strip())
    return ResolvedFunction(
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        generation=metadata.generation,
        configs_version=configs_version,
        own_labels=metadata.labels or {},
        labels=spec.labels or {},
        annotations=spec.annotations or {},
        pod_annotations={**config.pod_annotations, **(spec.annotations or {})},
        runtime_name=spec.runtime,
        runtime=FAMILIES[image.family],
        runtime_deprecated=image.deprecated,
        image=(spec.runtime_image_override or "").strip() or config.image(image),
        source=inline.source,
        dependencies=dependencies if has_packages else "",
        env=tuple(_env_entry(entry) for entry in spec.env or ()),
        env_from=tuple(pruned(spec.env_from or [])),
        mounts=_mounts(spec),
        replicas=(observed_replicas or scale.min_replicas) if scale else spec.replicas,
        scale=scale,
        resources=resources,
        install=install_resources(spec.resource_configuration, resources, config) if has_packages else resources,
        install_environment=config.install.environment,
        own_service_account=spec.service_account_name is None,
        service_account_name=spec.service_account_name or metadata.name,
        automount_service_account_token=_automount(spec),
        image_pull_secrets=_pull_secrets(spec, config),
        pod_security={**POD_SECURITY, **pruned(spec.pod_security_context or {})},
        container_security=_container_security(spec),
        node_selector=spec.node_selector or {},
        tolerations=tuple(pruned(spec.tolerations or [])),
        priority_class_name=spec.priority_class_name or "",
        startup_timeout_seconds=spec.startup_timeout_seconds,
        trace_collector_endpoint=config.trace_collector_endpoint,
        publisher_proxy_address=config.publisher_proxy_address,
        registry_secret_name=config.package_registry_config_secret_name,
        sources_size=config.volume_sizes.sources,
        tmp_size=config.volume_sizes.tmp,
    )


def _scale(spec: FunctionSpec, config: Config) -> Scale | None:
    """`replicas: 0` is the user's off switch and wins over the autoscaler."""
    wanted = spec.scale_config
    if wanted is None or spec.replicas == 0:
        return None
    return Scale(
        min_replicas=wanted.min_replicas,
        max_replicas=wanted.max_replicas,
        cpu=wanted.target_cpu or config.target_cpu_utilization_percentage,
        memory=wanted.target_memory or 0,
    )


def _container_security(spec: FunctionSpec) -> Manifest:
    """Capabilities are laid over ours one by one: who adds one does not get back those that are dropped."""
    own = pruned(spec.container_security_context or {})
    capabilities = {**CONTAINER_SECURITY["capabilities"], **own.get("capabilities", {})}
    return {**CONTAINER_SECURITY, **own, "capabilities": capabilities}


def _env_entry(entry: Variable) -> Manifest:
    clean: Manifest = pruned(entry)
    reference = clean.get("valueFrom", {}).get("resourceFieldRef", {})
    if "divisor" in reference:
        reference["divisor"] = quantity.canonical(reference["divisor"])
    return clean


def _mounts(spec: FunctionSpec) -> tuple[Mount, ...]:
    secrets = [Mount(kind="secret", name=m.secret_name, path=m.mount_path) for m in spec.secret_mounts or ()]
    config_maps = [
        Mount(kind="configmap", name=m.config_map_name, path=m.mount_path) for m in spec.config_map_mounts or ()
    ]
    return (*secrets, *config_maps)


def _automount(spec: FunctionSpec) -> bool:
    """No token for the account made for the Function, but the user's own account is there to be used."""
    if spec.automount_service_account_token is None:
        return spec.service_account_name is not None
    return spec.automount_service_account_token


def _pull_secrets(spec: FunctionSpec, config: Config) -> tuple[str, ...]:
    own = [reference.name for reference in spec.image_pull_secrets or ()]
    return tuple(dict.fromkeys([*own, *config.image_pull_secrets]))
