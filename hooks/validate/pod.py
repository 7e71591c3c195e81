"""Rules for what a user adds to the pods: variables, labels, annotations; and how much of it there is."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hooks import quantity
from hooks.config import Config
from hooks.function import Function, FunctionSpec
from hooks.runtimes import RESERVED_ENV
from hooks.validate.size import MOUNT_BYTES, OTHER_BYTES, SOURCE_BYTES, encoded_bytes
from hooks.validate.violation import Rule, Violation, quoted, rule

_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = re.compile(rf"([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?{_NAME}")
_ANNOTATION_KEY = re.compile(_KEY.pattern.replace("a-z0-9", "A-Za-z0-9", 6), re.ASCII)
"""Kubernetes looks at an annotation's key in lower case."""
_KEY_SHAPE = "at most 63 of A-Z, a-z, 0-9, '-', '_', '.', after an optional DNS name and '/'"
_RESERVED_PREFIX = "serverless.kyma-project.io/"
_RESERVED_ANNOTATION = "proxy.istio.io/config"


@rule("cel")
def env_names(function: Function, config: Config) -> Iterator[Violation]:
    """A variable's name is one that Kubernetes takes."""
    for index, entry in enumerate(function.spec.env or ()):
        if not _ENV_NAME.fullmatch(entry["name"]):
            yield Violation(
                f"spec.env[{index}].name",
                f"{quoted(entry['name'])} is no variable name: letters, digits, '_', '-' and '.', no digit first",
            )


@rule("cel")
def env_reserved(function: Function, config: Config) -> Iterator[Violation]:
    """A variable does not take the place of one that makes the Function run."""
    for index, entry in enumerate(function.spec.env or ()):
        if entry["name"] in RESERVED_ENV:
            yield Violation(f"spec.env[{index}].name", f"{entry['name']} is reserved, choose another name")


@rule("cel")
def env_values(function: Function, config: Config) -> Iterator[Violation]:
    """A variable has a value or a place to take it from."""
    for index, entry in enumerate(function.spec.env or ()):
        if entry.get("value") and entry.get("valueFrom"):
            yield Violation(f"spec.env[{index}]", "expected only one of value and valueFrom")


@rule("cel")
def env_nul(function: Function, config: Config) -> Iterator[Violation]:
    """A value holds no NUL: the API server would take it, and no container could start."""
    for index, entry in enumerate(function.spec.env or ()):
        if "\0" in (entry.get("value") or ""):
            yield Violation(f"spec.env[{index}].value", "holds a NUL character, which no environment variable can")


@rule("cel")
def env_divisor(function: Function, config: Config) -> Iterator[Violation]:
    """The unit of a resource is a quantity."""
    for index, entry in enumerate(function.spec.env or ()):
        source = entry.get("valueFrom")
        reference = source.get("resourceFieldRef") if source else None
        divisor = reference.get("divisor") if reference else None
        try:
            quantity.parse(1 if divisor is None else divisor)
        except ValueError as error:
            yield Violation(f"spec.env[{index}].valueFrom.resourceFieldRef.divisor", str(error))


@rule("schema")
def given_once(function: Function, config: Config) -> Iterator[Violation]:
    """Variables, mount paths and pull secrets are given once each."""
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


@rule("cel")
def keys(function: Function, config: Config) -> Iterator[Violation]:
    """Keys of labels, annotations and nodeSelector are keys to Kubernetes."""
    spec = function.spec
    yield from _bad_keys("spec.labels", spec.labels, _KEY)
    yield from _bad_keys("spec.annotations", spec.annotations, _ANNOTATION_KEY)
    yield from _bad_keys("spec.nodeSelector", spec.node_selector, _KEY)


@rule("cel")
def keys_reserved(function: Function, config: Config) -> Iterator[Violation]:
    """Labels and annotations do not take the place of ours."""
    spec = function.spec
    for field, given in (("spec.labels", spec.labels), ("spec.annotations", spec.annotations)):
        for key in sorted(given) if given else ():
            if key.startswith(_RESERVED_PREFIX):
                yield Violation(field, f"{quoted(key)} is reserved: no key may begin with {_RESERVED_PREFIX}")
    if _RESERVED_ANNOTATION in (spec.annotations or ()):
        yield Violation("spec.annotations", f"'{_RESERVED_ANNOTATION}' is reserved")


@rule("cel")
def template(function: Function, config: Config) -> Iterator[Violation]:
    """Kyma's old place for labels and annotations stays empty."""
    old = function.spec.template or {}
    if old.get("labels") is not None or old.get("annotations") is not None:
        yield Violation("spec.template", "use spec.labels and spec.annotations")


@rule("hook")
def other_size(function: Function, config: Config) -> Iterator[Violation]:
    """All else that goes into a pod fits beside the source."""
    spec = function.spec
    pull_secrets = [secret.name for secret in spec.image_pull_secrets or ()]
    once: list[Any] = [function.metadata.labels, spec.labels, spec.annotations]
    once += [spec.node_selector, spec.tolerations, spec.pod_security_context, pull_secrets]
    size = encoded_bytes([once, *2 * _of_both_containers(spec)]) + _inputs_bytes(spec)
    if size > OTHER_BYTES:
        yield Violation(
            "spec",
            f"env, labels, annotations, mounts and the other pod fields take {size} bytes when encoded, "
            f"at most {OTHER_BYTES} fit",
        )


@rule("hook")
def install_size(function: Function, config: Config) -> Iterator[Violation]:
    """The variables and mounts fit a second time, where a step installs packages."""
    inline = function.spec.source.inline
    if not config.install.environment or not inline or not inline.dependencies:
        return
    inputs, room = 2 * _inputs_bytes(function.spec), SOURCE_BYTES + OTHER_BYTES
    code = encoded_bytes([inline.source, inline.dependencies]) if inputs > OTHER_BYTES else 0
    if code + inputs > room:
        yield Violation(
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


def _bad_keys(field: str, given: Mapping[str, str] | None, shape: re.Pattern[str]) -> Iterator[Violation]:
    for key in sorted(given) if given else ():
        if not shape.fullmatch(key) or key.find("/") > 253:
            yield Violation(field, f"{quoted(key)} is no key: {_KEY_SHAPE}")


def _repeated(field: str, values: list[str]) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield Violation(field.format(index), f"{quoted(value)} is given twice, keep one of them")
        seen.add(value)


RULES: tuple[Rule, ...] = (
    env_names,
    env_reserved,
    env_values,
    env_nul,
    env_divisor,
    given_once,
    keys,
    keys_reserved,
    template,
    other_size,
    install_size,
)
