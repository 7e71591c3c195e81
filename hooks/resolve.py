"""
resolve() applies the defaults of fields that a valid Function may omit, from the config or the constants here.

Three kinds of values are decided elsewhere: the CRD's own defaults (replicas, startupTimeoutSeconds) in function.py,
requests and limits in resources.py, and what neither user nor operator can change in children/.
"""

from collections.abc import Mapping

from hooks import flux, naming, quantity
from hooks.config import Config
from hooks.core_v1 import EnvVar
from hooks.function import Function, FunctionSpec
from hooks.manifest import Manifest, without_empty_values
from hooks.naming import Identity
from hooks.resolved import (
    Artifact,
    Autoscaling,
    Fetch,
    Install,
    Mount,
    Platform,
    Pod,
    Repository,
    ResolvedFunction,
    ResolvedSource,
    Scaling,
)
from hooks.resources import Resources, function_resources, install_resources
from hooks.runtimes import FAMILIES

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


def resolve(
    function: Function,
    config: Config,
    *,
    observed_replicas: int | None = None,
    configs_version: str = "",
    repository: Repository | None = None,
    artifact: Artifact | None = None,
) -> ResolvedFunction:
    """
    Return a valid Function with every default applied.

    `configs_version` is a text whose change rolls the pods, "" for none. `observed_replicas` is the live Deployment's
    spec.replicas, None if there is no Deployment: an autoscaled Function keeps that number. If the response omitted
    it, the API server would set it to 1. `repository` is the GitRepository to return, by default that of the first
    attempt, and `artifact` the one that counts for a source that is fetched.
    """
    identity, spec = function.metadata.identity, function.spec
    resources = function_resources(spec.resource_configuration, config)
    return ResolvedFunction(
        identity=identity,
        source=_source(function, config, resources, repository, artifact),
        pod=_pod(identity, spec, config, resources, configs_version),
        scaling=_scaling(spec, config, observed_replicas),
        install=_install(spec, config, resources),
        platform=Platform(
            trace_collector_endpoint=config.trace_collector_endpoint,
            publisher_proxy_address=config.publisher_proxy_address,
            sources_size=config.volume_sizes.sources,
            tmp_size=config.volume_sizes.tmp,
        ),
    )


def _source(
    function: Function, config: Config, resources: Resources, repository: Repository | None, artifact: Artifact | None
) -> ResolvedSource:
    spec, inline = function.spec, function.spec.source.inline
    runtime = config.runtimes[spec.runtime]
    return ResolvedSource(
        text=inline.source if inline else "",
        fetch=None if inline else _fetch(spec, config, resources, artifact),
        repository=None if inline else repository or flux.repository(function, config),
        runtime_name=spec.runtime,
        runtime=FAMILIES[runtime.family],
        is_deprecated=runtime.deprecated,
        image=(spec.runtime_image_override or "").strip() or config.image(runtime),
    )


def _fetch(spec: FunctionSpec, config: Config, resources: Resources, artifact: Artifact | None) -> Fetch | None:
    git, reference = spec.source.git_repository, spec.source.source_ref
    if git:
        given = {"url": git.url, "baseDir": git.base_dir, "reference": git.reference}
    elif reference:
        given = {"baseDir": reference.path or "/"}
    else:
        return None
    return Fetch(
        artifact=artifact,
        path=flux.directory(given["baseDir"]),
        given=given,
        max_bytes=int(quantity.parse(config.volume_sizes.sources)),
        resources=install_resources(spec.resource_configuration, resources, config),
    )


def _pod(identity: Identity, spec: FunctionSpec, config: Config, resources: Resources, configs_version: str) -> Pod:
    return Pod(
        labels=naming.pod_labels(identity, spec.labels or {}),
        annotations=_pod_annotations(spec, config, configs_version),
        user_annotations=spec.annotations or {},
        env=tuple(_env_entry(entry) for entry in spec.env or ()),
        env_from=tuple(without_empty_values(spec.env_from or [])),
        mounts=_mounts(spec),
        resources=resources,
        has_own_account=spec.service_account_name is None,
        service_account_name=spec.service_account_name or identity.name,
        automounts_token=_automounts_token(spec),
        image_pull_secrets=_pull_secrets(spec, config),
        pod_security={**POD_SECURITY, **without_empty_values(spec.pod_security_context or {})},
        container_security=_container_security(spec),
        node_selector=spec.node_selector or {},
        tolerations=tuple(without_empty_values(spec.tolerations or [])),
        priority_class_name=spec.priority_class_name or "",
        startup_timeout_seconds=spec.startup_timeout_seconds,
    )


def _pod_annotations(spec: FunctionSpec, config: Config, configs_version: str) -> Mapping[str, str]:
    version = {naming.CONFIGS_VERSION: configs_version} if configs_version else {}
    return {**config.pod_annotations, **(spec.annotations or {}), **version}


def _env_entry(entry: EnvVar) -> Manifest:
    clean: Manifest = without_empty_values(entry)
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


def _automounts_token(spec: FunctionSpec) -> bool:
    """By default the token is mounted only if the spec names a ServiceAccount: Kubernetes mounts it for any account."""
    if spec.automount_service_account_token is None:
        return spec.service_account_name is not None
    return spec.automount_service_account_token


def _pull_secrets(spec: FunctionSpec, config: Config) -> tuple[str, ...]:
    own = [reference.name for reference in spec.image_pull_secrets or ()]
    return tuple(dict.fromkeys([*own, *config.image_pull_secrets]))


def _container_security(spec: FunctionSpec) -> Manifest:
    """Merge `capabilities` key by key, so that adding a capability keeps `drop: [ALL]`."""
    own = without_empty_values(spec.container_security_context or {})
    capabilities = {**CONTAINER_SECURITY["capabilities"], **own.get("capabilities", {})}
    return {**CONTAINER_SECURITY, **own, "capabilities": capabilities}


def _scaling(spec: FunctionSpec, config: Config, observed_replicas: int | None) -> Scaling:
    """`replicas: 0` turns the Function off and takes precedence over scaleConfig."""
    scale = spec.scale_config
    if scale is None or spec.replicas == 0:
        return Scaling(replicas=spec.replicas, autoscaling=None)
    autoscaling = Autoscaling(
        min_replicas=scale.min_replicas,
        max_replicas=scale.max_replicas,
        cpu=scale.target_cpu or config.target_cpu_utilization_percentage,
        memory=scale.target_memory or 0,
    )
    return Scaling(replicas=observed_replicas or scale.min_replicas, autoscaling=autoscaling)


def _install(spec: FunctionSpec, config: Config, resources: Resources) -> Install | None:
    """The list of packages of a fetched source is not known before the pod has it, so its step always runs."""
    inline = spec.source.inline
    dependencies = (inline.dependencies if inline else None) or ""
    if inline and not dependencies.strip():
        return None
    return Install(
        dependencies=dependencies,
        resources=install_resources(spec.resource_configuration, resources, config),
        gets_inputs=config.install.environment,
        registry_secret_name=config.package_registry_config_secret_name,
    )
