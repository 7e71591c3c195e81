"""
The operator's settings. The chart's `config` values and --config files have the keys of Config.

A file overrides the defaults: maps are merged key by key, null removes an entry of a map or resets a setting, and
everything else is replaced. An unknown key is an error, and so is a value with which the API server would reject the
children of all Functions, or of all Functions with one runtime or profile.
"""

import os
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from hooks import config_rules
from hooks.config_types import (
    MAX_ENTRIES,
    Address,
    Amounts,
    Annotations,
    FamilyName,
    Flag,
    Image,
    ImagePattern,
    Interval,
    Percent,
    Profiles,
    Registry,
    Runtimes,
    SecretName,
    Size,
    Timeout,
)
from hooks.runtimes import FAMILIES
from hooks.validation_errors import field_errors


class Setting(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class ResourceProfile(Setting):
    """The requests and limits of one named size."""

    requests: Amounts
    limits: Amounts


class RuntimeImage(Setting):
    """What one name in spec.runtime stands for; `image` is relative to Config.registry."""

    family: FamilyName
    image: Image
    deprecated: Flag = False


class Install(Setting):
    """
    The init container that installs dependencies. The higher of its limit and the Function's applies.

    `environment`: whether it has the Function's env, envFrom and mounts, as in Kyma.
    """

    limits: Amounts = {"cpu": "1", "memory": "512Mi"}
    environment: Flag = True


class VolumeSizes(Setting):
    """Size limits of the two emptyDir volumes of a pod."""

    sources: Size = "1Gi"
    tmp: Size = "512Mi"


class Related(Setting):
    """Related objects in a sync request: pods, to explain failures; Secrets and ConfigMaps, to restart on changes."""

    pods: Flag = True
    configs: Flag = False


class Git(Setting):
    """
    Sources that Flux' source-controller fetches.

    `enabled` needs Flux' custom resources, and permissions of Metacontroller. `interval` is that of a Function without
    one, `timeout` that of one fetch.
    """

    enabled: Flag = False
    interval: Interval = "1m0s"
    timeout: Timeout = "1m0s"


def _profile(cpu: str, memory: str, cpu_limit: str, memory_limit: str) -> ResourceProfile:
    return ResourceProfile(requests={"cpu": cpu, "memory": memory}, limits={"cpu": cpu_limit, "memory": memory_limit})


def _runtime(name: str, family: str, *, deprecated: bool = False) -> RuntimeImage:
    return RuntimeImage(family=family, image=f"runtime-{name}:{FAMILIES[family].image_version}", deprecated=deprecated)


class Config(Setting):
    registry: Registry = "ghcr.io/buildless-functions"
    runtimes: Runtimes[RuntimeImage] = {
        "nodejs20": _runtime("nodejs20", "nodejs", deprecated=True),
        "nodejs22": _runtime("nodejs22", "nodejs"),
        "nodejs24": _runtime("nodejs24", "nodejs"),
        "nodejs26": _runtime("nodejs26", "nodejs"),
        "python312": _runtime("python312", "python"),
        "python314": _runtime("python314", "python"),
    }
    profiles: Profiles[ResourceProfile] = {
        "XS": _profile("50m", "64Mi", "150m", "256Mi"),
        "S": _profile("100m", "128Mi", "200m", "256Mi"),
        "M": _profile("200m", "256Mi", "400m", "512Mi"),
        "L": _profile("400m", "512Mi", "800m", "1Gi"),
        "XL": _profile("800m", "1Gi", "1600m", "2Gi"),
    }
    default_profile: str = "L"
    minimum_resources: Amounts = {"cpu": "10m", "memory": "16Mi"}
    install: Install = Install()
    volume_sizes: VolumeSizes = VolumeSizes()
    related: Related = Related()
    git: Git = Git()
    target_cpu_utilization_percentage: Percent = Field(default=50, alias="targetCPUUtilizationPercentage")
    allowed_image_overrides: tuple[ImagePattern, ...] = Field(default=("*",), max_length=MAX_ENTRIES)
    """Values allowed in spec.runtimeImageOverride: image references, or prefixes followed by "*". By default, any."""
    allow_unrestricted_security_context: Flag = False
    """Whether security contexts may set what Pod Security "restricted" forbids, such as root."""
    image_pull_secrets: tuple[SecretName, ...] = ()
    package_registry_config_secret_name: SecretName = "serverless-package-registry-config"
    trace_collector_endpoint: Address = ""
    publisher_proxy_address: Address = "http://eventing-publisher-proxy.kyma-system.svc.cluster.local/publish"
    pod_annotations: Annotations = {
        "proxy.istio.io/config": '{ "holdApplicationUntilProxyStarts": true }',
        "sidecar.istio.io/nativeSidecar": "true",
    }

    def runtime_names(self, family: str) -> list[str]:
        """Return the names of a family's runtimes, sorted."""
        return sorted(name for name, runtime in self.runtimes.items() if runtime.family == family)

    def image(self, runtime: RuntimeImage) -> str:
        """Return the full image reference of a runtime."""
        return f"{self.registry}/{runtime.image}" if self.registry else runtime.image


def revision() -> str:
    """Return BUILDLESS_REVISION, which an upgrade changes; "" if it is not set."""
    return os.environ.get("BUILDLESS_REVISION", "")


class InvalidConfig(ValueError):
    """An invalid configuration; `errors` has the path and the message of each invalid setting."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("\n".join(f"{path}: {message}" for path, message in errors))


def load(path: str | None = None) -> Config:
    """
    Return the defaults, overridden by the YAML file at `path`.

    Without `path` the environment variable BUILDLESS_CONFIG names the file; if that is not set either, the defaults are
    returned. Raises OSError if the file cannot be read, yaml.YAMLError or ValueError if it is not a map of settings,
    and InvalidConfig with every error if a setting is invalid.
    """
    path = path or os.environ.get("BUILDLESS_CONFIG")
    if not path:
        return Config()
    with open(path, encoding="utf-8") as file:
        overlay = yaml.safe_load(file)
    if overlay is None:
        return Config()
    if not isinstance(overlay, dict):
        raise ValueError(f"{path}: expected a map of settings, found {type(overlay).__name__}")
    return over_defaults(overlay)


def over_defaults(overlay: dict[str, Any]) -> Config:
    """Return the defaults, overridden by `overlay`; raises InvalidConfig with every error."""
    defaults = Config().model_dump(by_alias=True)
    settings = defaults | _merged(defaults, overlay)
    config: Config | None = None
    found: list[tuple[str, str]] = []
    try:
        config = Config.model_validate(settings)
    except ValidationError as error:
        found += field_errors(error)
    found += config_rules.problems(settings)
    if config is None or found:
        raise InvalidConfig([(path if path.isprintable() else repr(path)[1:-1], message) for path, message in found])
    return config


def _merged(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in overlay.items():
        below = base.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return {key: value for key, value in merged.items() if value is not None}
