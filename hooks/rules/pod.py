"""Rules for all that a user adds to the pods together: no duplicates, and its size."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from hooks.config import Config
from hooks.function import Function, FunctionSpec
from hooks.rules.rule import Cel, rule
from hooks.rules.size import MOUNT_BYTES, OTHER_BYTES, SOURCE_BYTES, encoded_bytes
from hooks.rules.violation import Violation, duplicate, forbidden, too_long

_LISTS = ("env", "secretMounts", "configMapMounts", "imagePullSecrets", "podSecurityContext.sysctls")


@rule(
    enforced_by="schema",
    reads=["env", "secret_mounts", "config_map_mounts", "image_pull_secrets", "pod_security_context"],
    schema=(f"spec.{field}.x-kubernetes-list-map-keys" for field in _LISTS),
)
def duplicates(function: Function, config: Config) -> Iterator[Violation]:
    """No two variables, mounts, pull secrets or sysctls have the same key."""
    spec = function.spec
    if spec.env:
        yield from _duplicates("spec.env[{}].name", [entry["name"] for entry in spec.env])
    if spec.secret_mounts:
        yield from _duplicates("spec.secretMounts[{}].mountPath", [mount.mount_path for mount in spec.secret_mounts])
    if spec.config_map_mounts:
        yield from _duplicates(
            "spec.configMapMounts[{}].mountPath", [mount.mount_path for mount in spec.config_map_mounts]
        )
    if spec.image_pull_secrets:
        yield from _duplicates("spec.imagePullSecrets[{}].name", [secret.name for secret in spec.image_pull_secrets])
    if sysctls := (spec.pod_security_context or {}).get("sysctls"):
        yield from _duplicates("spec.podSecurityContext.sysctls[{}].name", [sysctl["name"] for sysctl in sysctls])


@rule(
    enforced_by="cel",
    reads=["template"],
    cel=[Cel("!has(self.labels) && !has(self.annotations)", at=["spec.template"])],
)
def template_metadata(function: Function, config: Config) -> Iterator[Violation]:
    """The deprecated field for labels and annotations is empty."""
    old = function.spec.template or {}
    if old.get("labels") is not None or old.get("annotations") is not None:
        yield forbidden("spec.template", "use spec.labels and spec.annotations")


@rule(enforced_by="hook")
def pod_size(function: Function, config: Config) -> Iterator[Violation]:
    """What a Function adds to its pods beside the source fits into the annotation too."""
    spec = function.spec
    pull_secrets = [secret.name for secret in spec.image_pull_secrets or ()]
    once: list[Any] = [function.metadata.labels, spec.labels, spec.annotations]
    once += [spec.node_selector, spec.tolerations, spec.pod_security_context, pull_secrets]
    size = encoded_bytes([once, *2 * _common_fields(spec)]) + _inputs_bytes(spec)
    if size > OTHER_BYTES:
        detail = f"env, labels, annotations, mounts and the other pod fields take {size} bytes as JSON"
        yield too_long("spec", OTHER_BYTES, detail)


@rule(enforced_by="hook", reads=["env", "env_from", "secret_mounts", "config_map_mounts"])
def install_size(function: Function, config: Config) -> Iterator[Violation]:
    """Where a step installs packages, the variables and mounts that it gets too fit into the annotation."""
    inline = function.spec.source.inline
    if not config.install.environment or not inline or not inline.dependencies:
        return
    inputs, most = 2 * _inputs_bytes(function.spec), SOURCE_BYTES + OTHER_BYTES
    code = encoded_bytes([inline.source, inline.dependencies]) if inputs > OTHER_BYTES else 0
    if code + inputs > most:
        detail = f"source and dependencies take {code} bytes as JSON, env and mounts in two containers {inputs}"
        yield too_long("spec", most, detail)


def _inputs_bytes(spec: FunctionSpec) -> int:
    """Return the bytes of the variables and mounts that a user gives to a container."""
    mounts = [*(spec.secret_mounts or ()), *(spec.config_map_mounts or ())]
    if not (mounts or spec.env or spec.env_from):
        return 0
    inputs = [spec.env, spec.env_from, *(tuple(mount.__dict__.values()) for mount in mounts)]
    return encoded_bytes(inputs) + MOUNT_BYTES * len(mounts)


def _common_fields(spec: FunctionSpec) -> list[Any]:
    """Return the fields of both containers: the Function's, and the one that installs packages."""
    choice = spec.resource_configuration and spec.resource_configuration.function
    amounts = [choice.resources.requests, choice.resources.limits] if choice and choice.resources else []
    return [spec.container_security_context, spec.runtime_image_override, *amounts]


def _duplicates(field: str, values: list[str]) -> Iterator[Violation]:
    """Yield the second of each value that occurs more than once."""
    if len(set(values)) == len(values):
        return
    seen = Counter[str]()
    for index, value in enumerate(values):
        seen[value] += 1
        if seen[value] == 2:
            yield duplicate(field.format(index), value)
