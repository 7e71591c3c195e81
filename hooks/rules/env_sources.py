"""Rules for where variables come from: fields of the pod, resources, files, ConfigMaps and Secrets."""

import re
from collections.abc import Iterator
from typing import Any

from hooks import quantity
from hooks.config import Config
from hooks.function import Function
from hooks.kubernetes_names import is_annotation_key, is_key
from hooks.rules import cel
from hooks.rules.rule import Cel, rule
from hooks.rules.violation import Violation, invalid

FIELDS = {
    *("metadata.name", "metadata.namespace", "metadata.uid"),
    *("spec.nodeName", "spec.host", "spec.serviceAccountName"),
    *("status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"),
}
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")
_EXPONENT = re.compile(r"[eE][-+0-9]")
CPU_UNITS = ("0", "1m", "1")
DECIMAL_UNITS = ("0", "1", "1k", "1M", "1G", "1T", "1P", "1E")
BINARY_UNITS = ("0", "1", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
"""The divisors that Kubernetes accepts, in canonical form."""
_IS_DIVISOR = (
    "!has(self.divisor) || (isQuantity(string(self.divisor)) && string(self.divisor).matches('[0-9]') && "
    "!string(self.divisor).matches('[eE][-+0-9]') && (self.resource in ['limits.cpu', 'requests.cpu'] ? "
    f"{list(CPU_UNITS)} : string(self.divisor).endsWith('i') ? {list(BINARY_UNITS)} : {list(DECIMAL_UNITS)})"
    " .exists(unit, quantity(unit).compareTo(quantity(string(self.divisor))) == 0))"
)
_VALUE_FROM = "spec.env[*].valueFrom"


@rule(
    enforced_by="cel",
    reads=["env"],
    cel=[Cel(f"self in {sorted(FIELDS)} || {cel.FIELD_KEYS}", at=[f"{_VALUE_FROM}.fieldRef.fieldPath"])],
)
def env_fields(function: Function, config: Config) -> Iterator[Violation]:
    """A variable that comes from a field of the pod names a field that Kubernetes supports."""
    for field, path in _sources(function, "fieldRef", "fieldPath"):
        if path not in FIELDS and not _is_subscript(path):
            yield invalid(field, "must be a field of the pod that a variable can hold", path)


@rule(enforced_by="cel", reads=["env"], cel=[Cel(_IS_DIVISOR, at=[f"{_VALUE_FROM}.resourceFieldRef"])])
def env_divisors(function: Function, config: Config) -> Iterator[Violation]:
    """The divisor of a resource is a unit that Kubernetes divides by."""
    for index, entry in enumerate(function.spec.env or ()):
        source = entry.get("valueFrom")
        reference = source.get("resourceFieldRef") if source else None
        divisor = reference.get("divisor") if reference else None
        if reference and divisor is not None and not _is_divisor(reference["resource"], divisor):
            yield invalid(
                f"spec.env[{index}].valueFrom.resourceFieldRef.divisor",
                "must be 1 or 1m for cpu, else 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi or 1Ei",
                divisor,
            )


@rule(
    enforced_by="cel",
    reads=["env"],
    cel=[Cel("!self.matches('(^|/)[.][.](/|$)')", at=[f"{_VALUE_FROM}.fileKeyRef.path"])],
)
def env_files(function: Function, config: Config) -> Iterator[Violation]:
    """A variable that comes from a file names a file inside its volume."""
    for field, path in _sources(function, "fileKeyRef", "path"):
        if ".." in path.split("/"):
            yield invalid(field, "must not contain '..'", path)


@rule(
    enforced_by="cel",
    reads=["env_from"],
    cel=[Cel("has(self.configMapRef) != has(self.secretRef)", at=["spec.envFrom[*]"])],
)
def env_from(function: Function, config: Config) -> Iterator[Violation]:
    """An item of envFrom names one ConfigMap or one Secret."""
    for index, entry in enumerate(function.spec.env_from or ()):
        if (entry.get("configMapRef") is None) == (entry.get("secretRef") is None):
            yield invalid(f"spec.envFrom[{index}]", "must have exactly one of configMapRef and secretRef")


def _sources(function: Function, kind: str, key: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the value of `key`, for each variable whose source is of `kind`."""
    for index, entry in enumerate(function.spec.env or ()):
        source: dict[str, Any] = (entry.get("valueFrom") or {}).get(kind) or {}  # type: ignore[assignment]
        if key in source:
            yield f"spec.env[{index}].valueFrom.{kind}.{key}", source[key]


def _is_subscript(path: str) -> bool:
    found = _SUBSCRIPT.fullmatch(path)
    return bool(found) and (is_key if found[1] == "labels" else is_annotation_key)(found[2]) if found else False


def _is_divisor(resource: str, divisor: str | int) -> bool:
    """Return whether Kubernetes accepts the divisor: any spelling of a unit, except one with an exponent."""
    try:
        unit = quantity.canonical(divisor)
    except ValueError:
        return False
    units = CPU_UNITS if resource in ("limits.cpu", "requests.cpu") else DECIMAL_UNITS + BINARY_UNITS
    return unit in units and not _EXPONENT.search(str(divisor))
