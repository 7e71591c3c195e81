"""
All an operator may choose; chart values and --config files mirror Config, key for key.

A file is laid over the defaults: maps are merged key by key, null takes an entry away (and leaves a whole setting at
its default), everything else is replaced. Unknown keys are refused, so that no setting is ever silently without effect;
so is what would make the API server refuse the children of every Function, or of every Function of a kind.
"""

import os
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from hooks import config_rules
from hooks.config_types import (
    MANY,
    Address,
    Amounts,
    Annotations,
    FamilyName,
    Flag,
    Image,
    ImagePattern,
    Percent,
    Profiles,
    Registry,
    Runtimes,
    SecretName,
    Size,
)
from hooks.runtimes import FAMILIES
from hooks.validation_errors import field_errors


class Setting(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class ResourceProfile(Setting):
    """Requests and limits of one size of Function."""

    requests: Amounts
    limits: Amounts


class RuntimeImage(Setting):
    """One name users may write in spec.runtime; `image` stands below Config.registry."""

    family: FamilyName
    image: Image
    deprecated: Flag = False


class Install(Setting):
    """
    The step that installs packages: its limits are raised above the Function's, its requests are not.

    `environment`: whether a Function's env, envFrom and mounts reach it too, as in Kyma.
    """

    limits: Amounts = {"cpu": "1", "memory": "512Mi"}
    environment: Flag = True


class VolumeSizes(Setting):
    """Upper bounds of the two scratch volumes of a pod."""

    sources: Size = "1Gi"
    tmp: Size = "512Mi"


class Related(Setting):
    """What Metacontroller sends along: pods, so that a status says why they fail; Secrets and ConfigMaps in use."""

    pods: Flag = True
    configs: Flag = False


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
        "python312": _runtime("python312", "python"),
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
    target_cpu_utilization_percentage: Percent = Field(default=50, alias="targetCPUUtilizationPercentage")
    allowed_image_overrides: tuple[ImagePattern, ...] = Field(default=("*",), max_length=MANY)
    """What spec.runtimeImageOverride may be: an image, or how it begins and then "*". By default anything."""
    allow_unrestricted_security_context: Flag = False
    """Whether security contexts may ask for what Pod Security "restricted" forbids, such as root."""
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
    """Return BUILDLESS_REVISION: it tells the pods before an upgrade from those after it. Empty if it is not set."""
    return os.environ.get("BUILDLESS_REVISION", "")


class Unsound(ValueError):
    """A configuration that would not work; `faults` has the path and the message of each setting that is to blame."""

    def __init__(self, found: list[tuple[str, str]]) -> None:
        self.faults = found
        super().__init__("\n".join(f"{path}: {message}" for path, message in found))


def load(path: str | None = None) -> Config:
    """
    Return the configuration in the YAML file at `path`, laid over the defaults.

    Without `path` the file is the one named by the environment variable BUILDLESS_CONFIG; without that too, the
    defaults hold. Raises OSError if the file cannot be read, yaml.YAMLError or ValueError if it holds no map of
    settings, and Unsound with every fault if these do not work.
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
    """Return the defaults with `overlay` laid over them; raises Unsound with every fault."""
    defaults = Config().model_dump(by_alias=True)
    settings = defaults | _overlaid(defaults, overlay)
    config: Config | None = None
    found: list[tuple[str, str]] = []
    try:
        config = Config.model_validate(settings)
    except ValidationError as error:
        found += field_errors(error)
    found += config_rules.problems(settings)
    if config is None or found:
        raise Unsound([(path if path.isprintable() else repr(path)[1:-1], message) for path, message in found])
    return config


def _overlaid(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in overlay.items():
        below = base.get(key)
        merged[key] = _overlaid(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return {key: value for key, value in merged.items() if value is not None}
