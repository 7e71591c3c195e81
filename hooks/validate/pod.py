"""Rules for what a user adds to the pods: variables, labels, annotations, mounted files."""

import re
from collections.abc import Iterator
from itertools import combinations

from hooks import quantity
from hooks.config import Config
from hooks.function import FunctionSpec
from hooks.manifest import Manifest
from hooks.runtimes import FAMILIES, RESERVED_ENV
from hooks.validate.size import OTHER_BYTES, encoded_bytes
from hooks.validate.violation import Rule, Violation

_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_KEY = re.compile(
    r"([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
_KEY_SHAPE = "at most 63 of A-Z, a-z, 0-9, '-', '_', '.', after an optional DNS name and '/'"
_RESERVED_PREFIX = "serverless.kyma-project.io/"
_RESERVED_ANNOTATION = "proxy.istio.io/config"


def _env(spec: FunctionSpec, config: Config) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, entry in enumerate(spec.env or ()):
        field, name = f"spec.env[{index}]", entry.get("name")
        if not isinstance(name, str) or not _ENV_NAME.fullmatch(name):
            yield Violation(f"{field}.name", f"{name!r} is no variable name: letters, digits, '_', '-' and '.'")
        elif name in RESERVED_ENV:
            yield Violation(f"{field}.name", f"{name} is reserved, choose another name")
        elif name in seen:
            yield Violation(f"{field}.name", f"{name} is given twice, keep one of them")
        else:
            seen.add(name)
        if entry.get("value") and entry.get("valueFrom"):
            yield Violation(field, "expected only one of value and valueFrom")
        yield from _divisor(field, entry.get("valueFrom") or {})


def _divisor(field: str, source: Manifest) -> Iterator[Violation]:
    try:
        quantity.parse((source.get("resourceFieldRef") or {}).get("divisor", "1"))
    except ValueError as error:
        yield Violation(f"{field}.valueFrom.resourceFieldRef.divisor", str(error))


def _labels(spec: FunctionSpec, config: Config) -> Iterator[Violation]:
    for field, keys in (
        ("spec.labels", spec.labels),
        ("spec.annotations", spec.annotations),
        ("spec.nodeSelector", spec.node_selector),
    ):
        for key in sorted(keys or ()):
            if not _KEY.fullmatch(key) or len(key.rpartition("/")[0]) > 253:
                yield Violation(field, f"{key!r} is no key: {_KEY_SHAPE}")
            elif field != "spec.nodeSelector" and key.startswith(_RESERVED_PREFIX):
                yield Violation(field, f"{key!r} is reserved: no key may begin with {_RESERVED_PREFIX}")
    if _RESERVED_ANNOTATION in (spec.annotations or ()):
        yield Violation("spec.annotations", f"{_RESERVED_ANNOTATION!r} is reserved")


def _mounts(spec: FunctionSpec, config: Config) -> Iterator[Violation]:
    mounts = [(f"spec.secretMounts[{i}].mountPath", m.mount_path) for i, m in enumerate(spec.secret_mounts or ())]
    mounts += [
        (f"spec.configMapMounts[{i}].mountPath", m.mount_path) for i, m in enumerate(spec.config_map_mounts or ())
    ]
    for field, path in mounts:
        if not path.startswith("/") or {"", ".", ".."} & set(path.removesuffix("/").split("/")[1:]):
            yield Violation(field, f"{path!r} is not an absolute path without '.', '..' and '//'")
    runtime = config.runtimes.get(spec.runtime)
    ours = ["/tmp", FAMILIES[runtime.family].work_dir] if runtime else ["/tmp"]
    for field, path in mounts:
        for taken in ours:
            if _contains(path, taken):
                yield Violation(field, f"{path!r} would cover {taken}, which the Function needs")
    for (_, first), (field, second) in combinations(mounts, 2):
        if _contains(first, second) or _contains(second, first):
            yield Violation(field, f"{second!r} overlaps {first!r}, which is mounted too")


def _other_size(spec: FunctionSpec, config: Config) -> Iterator[Violation]:
    fragments = [spec.env, spec.env_from, spec.labels, spec.annotations, spec.node_selector, spec.tolerations]
    mounts = [(m.secret_name, m.mount_path) for m in spec.secret_mounts or ()]
    mounts += [(m.config_map_name, m.mount_path) for m in spec.config_map_mounts or ()]
    size = encoded_bytes([*fragments, spec.pod_security_context, spec.container_security_context, mounts])
    if size > OTHER_BYTES:
        yield Violation(
            "spec",
            f"env, annotations and the other pod fields take {size} bytes when encoded, at most {OTHER_BYTES} fit",
        )


def _contains(outer: str, inner: str) -> bool:
    """Tell whether path `inner` is `outer` or lies below it."""
    parent, child = outer.rstrip("/") + "/", inner.rstrip("/") + "/"
    return child.startswith(parent)


RULES: tuple[Rule, ...] = (_env, _labels, _mounts, _other_size)
