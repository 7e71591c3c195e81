"""
Models of the Function CRD: the same fields, types and bounds as crds/functions.yaml.

Optional fields may be None; resolve.py applies their defaults. The core/v1 types (env, security contexts, tolerations)
are in core_v1.py and stay plain JSON. Unknown keys are ignored, since the installed CRD may be newer than this hook.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from hooks.core_v1 import (
    ContainerSecurityContext,
    EnvFromSource,
    EnvVar,
    Integer,
    LabelValue,
    ObjectName,
    OptionalBool,
    PodSecurityContext,
    Quantity,
    ResourceClaim,
    TemplateMetadata,
    Toleration,
)
from hooks.naming import Identity
from hooks.patterns import Pattern

MountPath = Annotated[str, Field(min_length=2, max_length=1024, pattern=Pattern.MOUNT_PATH)]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class InlineSource(Model):
    source: str = Field(min_length=1, max_length=262144)
    dependencies: str | None = Field(default=None, max_length=131072)


class GitAuth(Model):
    type: Literal["basic", "key"]
    secret_name: ObjectName


class GitRepository(Model):
    url: str = Field(min_length=1, max_length=2048)
    base_dir: str = Field(min_length=1, max_length=1024)
    reference: str = Field(min_length=1, max_length=255)
    auth: GitAuth | None = None
    interval: str | None = Field(default=None, min_length=2, max_length=16, pattern=Pattern.INTERVAL)


class SourceReference(Model):
    kind: Literal["GitRepository", "OCIRepository", "Bucket", "ExternalArtifact"]
    name: ObjectName
    path: str | None = Field(default=None, min_length=1, max_length=1024)


class Source(Model):
    inline: InlineSource | None = None
    git_repository: GitRepository | None = None
    source_ref: SourceReference | None = None


class ScaleConfig(Model):
    min_replicas: Integer = Field(ge=1, le=1000)
    max_replicas: Integer = Field(ge=1, le=1000)
    target_cpu: Integer | None = Field(default=None, alias="targetCPUUtilizationPercentage", ge=1, le=1000)
    target_memory: Integer | None = Field(default=None, alias="targetMemoryUtilizationPercentage", ge=1, le=1000)


class ResourceRequirements(Model):
    requests: dict[str, Quantity] | None = Field(default=None, max_length=16)
    limits: dict[str, Quantity] | None = Field(default=None, max_length=16)
    claims: list[ResourceClaim] | None = Field(default=None, max_length=16)


class ResourceChoice(Model):
    profile: str | None = Field(default=None, min_length=1, max_length=63)
    resources: ResourceRequirements | None = None


class ResourceConfiguration(Model):
    function: ResourceChoice | None = None
    build: ResourceChoice | None = None


class SecretMount(Model):
    secret_name: ObjectName
    mount_path: MountPath


class ConfigMapMount(Model):
    config_map_name: ObjectName
    mount_path: MountPath


class LocalObjectReference(Model):
    name: ObjectName


class FunctionSpec(Model):
    runtime: str = Field(min_length=1, max_length=63, pattern=Pattern.RUNTIME)
    runtime_image_override: str | None = Field(default=None, max_length=1024)
    source: Source
    env: list[EnvVar] | None = Field(default=None, max_length=256)
    env_from: list[EnvFromSource] | None = Field(default=None, max_length=64)
    labels: dict[str, LabelValue] | None = Field(default=None, max_length=64)
    annotations: dict[str, Annotated[str, Field(max_length=32768)]] | None = Field(default=None, max_length=64)
    replicas: Integer = Field(default=1, ge=0, le=1000)
    scale_config: ScaleConfig | None = None
    resource_configuration: ResourceConfiguration | None = None
    secret_mounts: list[SecretMount] | None = Field(default=None, max_length=64)
    config_map_mounts: list[ConfigMapMount] | None = Field(default=None, max_length=64)
    service_account_name: ObjectName | None = None
    automount_service_account_token: OptionalBool = None
    image_pull_secrets: list[LocalObjectReference] | None = Field(default=None, max_length=16)
    pod_security_context: PodSecurityContext | None = None
    container_security_context: ContainerSecurityContext | None = None
    node_selector: dict[str, LabelValue] | None = Field(default=None, max_length=64)
    tolerations: list[Toleration] | None = Field(default=None, max_length=64)
    priority_class_name: ObjectName | None = None
    startup_timeout_seconds: Integer = Field(default=150, ge=1, le=3600)
    template: TemplateMetadata | None = None


class Annotations(Model):
    """The annotations that the hook reads."""

    requested_at: str | None = Field(default=None, alias="reconcile.fluxcd.io/requestedAt")


class Metadata(Model):
    """The metadata that the hook uses, with the API server's bounds."""

    name: str = Field(max_length=253)
    namespace: str = Field(max_length=253)
    uid: str = Field(max_length=253)
    generation: Integer = Field(default=1, ge=0, lt=2**63)
    labels: dict[str, str] | None = None
    annotations: Annotations | None = None

    @property
    def identity(self) -> Identity:
        """What names and labels are made from."""
        return Identity(name=self.name, namespace=self.namespace, uid=self.uid, labels=self.labels or {})


class Function(Model):
    metadata: Metadata
    spec: FunctionSpec
