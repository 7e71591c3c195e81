"""Rules for all that a user adds to the pods: nothing twice, and how much of it there is."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from hooks.config import Config
from hooks.function import Function, FunctionSpec
from hooks.rules.size import MOUNT_BYTES, OTHER_BYTES, SOURCE_BYTES, encoded_bytes
from hooks.rules.violation import Cel, Rule, Violation, invalid, rule, shown

_LISTS = ("env", "secretMounts", "configMapMounts", "imagePullSecrets", "podSecurityContext.sysctls")


@rule(
    "schema",
    "env",
    "secret_mounts",
    "config_map_mounts",
    "image_pull_secrets",
    "pod_security_context",
    schema=(f"spec.{field}.x-kubernetes-list-map-keys" for field in _LISTS),
)
def given_once(function: Function, config: Config) -> Iterator[Violation]:
    """Variables, mount paths, pull secrets and sysctls are given once each."""
    spec = function.spec
    if spec.env:
        yield from _repeated("spec.env[{}].name", [entry["name"] for entry in spec.env])
    if spec.secret_mounts:
        yield from _repeated("spec.secretMounts[{}].mountPath", [mount.mount_path for mount in spec.secret_mounts])
    if spec.config_map_mounts:
        yield from _repeated(
            "spec.configMapMounts[{}].mountPath", [mount.mount_path for mount in spec.config_map_mounts]
        )
    if spec.image_pull_secrets:
        yield from _repeated("spec.imagePullSecrets[{}].name", [secret.name for secret in spec.image_pull_secrets])
    if sysctls := (spec.pod_security_context or {}).get("sysctls"):
        yield from _repeated("spec.podSecurityContext.sysctls[{}].name", [sysctl["name"] for sysctl in sysctls])


@rule("cel", "template", cel=[Cel("!has(self.labels) && !has(self.annotations)", ["spec.template"])])
def template(function: Function, config: Config) -> Iterator[Violation]:
    """Kyma's old place for labels and annotations stays empty."""
    old = function.spec.template or {}
    if old.get("labels") is not None or old.get("annotations") is not None:
        yield invalid("spec.template", "use spec.labels and spec.annotations")


@rule("hook")
def other_size(function: Function, config: Config) -> Iterator[Violation]:
    """All else that goes into a pod fits beside the source."""
    spec = function.spec
    pull_secrets = [secret.name for secret in spec.image_pull_secrets or ()]
    once: list[Any] = [function.metadata.labels, spec.labels, spec.annotations]
    once += [spec.node_selector, spec.tolerations, spec.pod_security_context, pull_secrets]
    size = encoded_bytes([once, *2 * _of_both_containers(spec)]) + _inputs_bytes(spec)
    if size > OTHER_BYTES:
        yield invalid(
            "spec",
            f"env, labels, annotations, mounts and the other pod fields take {size} bytes when encoded, "
            f"at most {OTHER_BYTES} fit",
        )


@rule("hook", "env", "env_from", "secret_mounts", "config_map_mounts")
def install_size(function: Function, config: Config) -> Iterator[Violation]:
    """The variables and mounts fit a second time, where a step installs packages."""
    inline = function.spec.source.inline
    if not config.install.environment or not inline or not inline.dependencies:
        return
    inputs, room = 2 * _inputs_bytes(function.spec), SOURCE_BYTES + OTHER_BYTES
    code = encoded_bytes([inline.source, inline.dependencies]) if inputs > OTHER_BYTES else 0
    if code + inputs > room:
        yield invalid(
            "spec",
            f"source and dependencies take {code} bytes when encoded, env and mounts, which the step that installs "
            f"packages has too, {inputs}: at most {room} fit together",
        )


def _inputs_bytes(spec: FunctionSpec) -> int:
    """Return the size of what a container gets from the user: its variables and mounts."""
    mounts = [*(spec.secret_mounts or ()), *(spec.config_map_mounts or ())]
    if not (mounts or spec.env or spec.env_from):
        return 0
    inputs = [spec.env, spec.env_from, *(tuple(mount.__dict__.values()) for mount in mounts)]
    return encoded_bytes(inputs) + MOUNT_BYTES * len(mounts)


def _of_both_containers(spec: FunctionSpec) -> list[Any]:
    """Return what stands in the pod twice: in the function's container and in the one that installs."""
    choice = spec.resource_configuration and spec.resource_configuration.function
    amounts = [choice.resources.requests, choice.resources.limits] if choice and choice.resources else []
    return [spec.container_security_context, spec.runtime_image_override, *amounts]


def _repeated(field: str, values: list[str]) -> Iterator[Violation]:
    """Yield the second place of each value that stands there more than once."""
    if len(set(values)) == len(values):
        return
    seen = Counter[str]()
    for index, value in enumerate(values):
        seen[value] += 1
        if seen[value] == 2:
            yield Violation(field.format(index), f"Duplicate value: {shown(value)}")


RULES: tuple[Rule, ...] = (given_once, template, other_size, install_size)
