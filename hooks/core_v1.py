"""
The core/v1 types in a Function's spec (env, tolerations, security contexts), with the bounds of the CRD.

They are TypedDicts, since the hook reads few of their fields. Validating them keeps an invalid value out of the
Deployment, which the API server would refuse on every sync.
"""

from typing import Annotated, Any, Literal, Required

from pydantic import Discriminator, Field, Strict, Tag
from typing_extensions import TypedDict  # pydantic requires this one before Python 3.12

from hooks.patterns import Pattern

LabelValue = Annotated[str, Field(max_length=63, pattern=Pattern.LABEL_VALUE)]
ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=Pattern.OBJECT_NAME)]
ConfigKey = Annotated[str, Field(min_length=1, max_length=253, pattern=Pattern.CONFIG_KEY)]

Integer = Annotated[int, Strict()]
OptionalBool = Annotated[bool, Strict()] | None
OptionalText = Annotated[str, Field(max_length=253)] | None
NonEmptyText = Annotated[str, Field(min_length=1, max_length=253)]
UnixId = Annotated[int, Strict(), Field(ge=0, le=2147483647)]

INTEGER, STRING = "<integer>", "<string>"
"""The names of the two types of Quantity in pydantic's error paths."""


def _quantity_tag(value: Any) -> str:
    """Return the tag of a string or integer, else the type's name: bool is a subclass of int, but not a quantity."""
    return {str: STRING, int: INTEGER}.get(type(value), type(value).__name__)


Quantity = Annotated[
    Annotated[Annotated[str, Field(max_length=64)], Tag(STRING)] | Annotated[Integer, Tag(INTEGER)],
    Discriminator(_quantity_tag),
]


class KeySelector(TypedDict, total=False):
    name: Required[ObjectName]
    key: Required[ConfigKey]
    optional: OptionalBool


class ObjectFieldSelector(TypedDict, total=False):
    apiVersion: Literal["v1"] | None
    fieldPath: Required[Annotated[str, Field(min_length=1, max_length=512)]]


class ResourceFieldSelector(TypedDict, total=False):
    containerName: Literal["function"] | None
    resource: Required[Annotated[str, Field(min_length=1, max_length=253, pattern=Pattern.RESOURCE_FIELD)]]
    divisor: Quantity | None


class FileKeySelector(TypedDict, total=False):
    volumeName: Required[Literal["sources", "tmp"]]
    path: Required[Annotated[str, Field(min_length=1, max_length=4096)]]
    key: Required[Annotated[str, Field(min_length=1, max_length=253, pattern=Pattern.VARIABLE_NAME)]]
    optional: OptionalBool


class EnvVarSource(TypedDict, total=False):
    configMapKeyRef: KeySelector | None
    secretKeyRef: KeySelector | None
    fieldRef: ObjectFieldSelector | None
    resourceFieldRef: ResourceFieldSelector | None
    fileKeyRef: FileKeySelector | None


class EnvVar(TypedDict, total=False):
    name: Required[NonEmptyText]
    value: Annotated[str, Field(max_length=40960)] | None
    valueFrom: Annotated[EnvVarSource, Field(min_length=1, max_length=1)] | None


class OptionalObjectReference(TypedDict, total=False):
    name: Required[ObjectName]
    optional: OptionalBool


class EnvFromSource(TypedDict, total=False):
    prefix: Annotated[str, Field(max_length=253, pattern=Pattern.VARIABLE_NAME)] | None
    configMapRef: OptionalObjectReference | None
    secretRef: OptionalObjectReference | None


class ResourceClaim(TypedDict, total=False):
    name: Required[Annotated[str, Field(max_length=253)]]
    request: OptionalText


class AppArmorProfile(TypedDict, total=False):
    type: Required[Literal["Localhost", "RuntimeDefault", "Unconfined"]]
    localhostProfile: Annotated[str, Field(max_length=1024, pattern=Pattern.LOCALHOST_PROFILE)] | None


class SeccompProfile(TypedDict, total=False):
    type: Required[Literal["Localhost", "RuntimeDefault", "Unconfined"]]
    localhostProfile: Annotated[str, Field(min_length=1, max_length=1024)] | None


class SELinuxOptions(TypedDict, total=False):
    level: OptionalText
    role: OptionalText
    type: OptionalText
    user: OptionalText


class Sysctl(TypedDict, total=False):
    name: Required[Annotated[str, Field(min_length=1, max_length=253, pattern=Pattern.SYSCTL)]]
    value: Required[Annotated[str, Field(max_length=253)]]


class WindowsSecurityContextOptions(TypedDict, total=False):
    gmsaCredentialSpec: Annotated[str, Field(min_length=1, max_length=65536)] | None
    gmsaCredentialSpecName: ObjectName | None
    hostProcess: OptionalBool
    runAsUserName: OptionalText


class PodSecurityContext(TypedDict, total=False):
    appArmorProfile: AppArmorProfile | None
    seccompProfile: SeccompProfile | None
    fsGroup: UnixId | None
    runAsGroup: UnixId | None
    runAsUser: UnixId | None
    runAsNonRoot: OptionalBool
    fsGroupChangePolicy: Literal["OnRootMismatch", "Always"] | None
    supplementalGroups: Annotated[list[UnixId], Field(max_length=64)] | None
    supplementalGroupsPolicy: Literal["Merge", "Strict"] | None
    seLinuxChangePolicy: Literal["Recursive"] | None
    seLinuxOptions: SELinuxOptions | None
    sysctls: Annotated[list[Sysctl], Field(max_length=64)] | None
    windowsOptions: WindowsSecurityContextOptions | None


class Capabilities(TypedDict, total=False):
    add: Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=64)] | None
    drop: Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=64)] | None


class ContainerSecurityContext(TypedDict, total=False):
    allowPrivilegeEscalation: OptionalBool
    appArmorProfile: AppArmorProfile | None
    seccompProfile: SeccompProfile | None
    capabilities: Capabilities | None
    privileged: OptionalBool
    procMount: Literal["Default"] | None
    readOnlyRootFilesystem: OptionalBool
    runAsGroup: UnixId | None
    runAsUser: UnixId | None
    runAsNonRoot: OptionalBool
    seLinuxOptions: SELinuxOptions | None
    windowsOptions: WindowsSecurityContextOptions | None


class Toleration(TypedDict, total=False):
    key: Annotated[str, Field(max_length=317)] | None
    operator: Literal["Exists", "Equal"] | None
    value: LabelValue | None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None
    tolerationSeconds: Annotated[int, Strict(), Field(ge=-2147483648, le=2147483647)] | None


class TemplateMetadata(TypedDict, total=False):
    labels: Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=64)] | None
    annotations: Annotated[dict[str, Annotated[str, Field(max_length=32768)]], Field(max_length=64)] | None
