"""Rules for the variables of a Function: their names, their values and where these come from."""

import re
from collections.abc import Iterator
from typing import Any

from hooks import quantity
from hooks.config import Config
from hooks.function import Function
from hooks.kubernetes_names import VARIABLE_SHAPE, is_annotation_key, is_key, is_variable_name
from hooks.rules import cel
from hooks.rules.violation import Cel, Rule, Violation, invalid, rule
from hooks.runtimes import FAMILIES, RESERVED_ENV

FIELDS = {
    *("metadata.name", "metadata.namespace", "metadata.uid"),
    *("spec.nodeName", "spec.host", "spec.serviceAccountName"),
    *("status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"),
}
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")
_EXPONENT = re.compile(r"[eE][-+0-9]")
OF_CPU = ("0", "1m", "1")
DECIMAL = ("0", "1", "1k", "1M", "1G", "1T", "1P", "1E")
BINARY = ("0", "1", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
"""What Kubernetes divides an amount by, as it prints it."""
_DIVIDES = (
    "!has(self.divisor) || (isQuantity(string(self.divisor)) && string(self.divisor).matches('[0-9]') && "
    "!string(self.divisor).matches('[eE][-+0-9]') && (self.resource in ['limits.cpu', 'requests.cpu'] ? "
    f"{list(OF_CPU)} : string(self.divisor).endsWith('i') ? {list(BINARY)} : {list(DECIMAL)})"
    " .exists(unit, quantity(unit).compareTo(quantity(string(self.divisor))) == 0))"
)
_NAME, _VALUE_FROM = "spec.env[*].name", "spec.env[*].valueFrom"


@rule("cel", "env", cel=[Cel("self.matches('^[ -<>-~]+$')", [_NAME])])
def env_names(function: Function, config: Config) -> Iterator[Violation]:
    """A variable's name is one that Kubernetes takes."""
    for index, entry in enumerate(function.spec.env or ()):
        if not is_variable_name(entry["name"]):
            yield invalid(f"spec.env[{index}].name", VARIABLE_SHAPE, entry["name"])


@rule("cel", "env", cel=[Cel(f"!(self in {sorted(RESERVED_ENV)})", [_NAME])])
def env_reserved(function: Function, config: Config) -> Iterator[Violation]:
    """A variable does not take the place of one that makes the Function run."""
    for index, entry in enumerate(function.spec.env or ()):
        if entry["name"] in RESERVED_ENV:
            yield invalid(f"spec.env[{index}].name", "is reserved, choose another name", entry["name"])


@rule("policy", "env")
def env_paths(function: Function, config: Config) -> Iterator[Violation]:
    """A variable does not change where the runtime looks for the handler."""
    runtime = config.runtimes.get(function.spec.runtime)
    family = FAMILIES[runtime.family] if runtime else None
    for index, entry in enumerate(function.spec.env or ()):
        if family and entry["name"] in family.paths and entry.get("value") != family.env[entry["name"]]:
            yield invalid(f"spec.env[{index}].name", "is set by the runtime, choose another name", entry["name"])


@rule("cel", "env", cel=[Cel("!has(self.value) || self.value == '' || !has(self.valueFrom)", ["spec.env[*]"])])
def env_values(function: Function, config: Config) -> Iterator[Violation]:
    """A variable has a value or a place to take it from."""
    for index, entry in enumerate(function.spec.env or ()):
        if entry.get("value") and entry.get("valueFrom"):
            yield invalid(f"spec.env[{index}].valueFrom", "may not be specified when value is not empty")


@rule("cel", "env", cel=[Cel(r"!has(self.value) || !self.value.contains('\u0000')", ["spec.env[*]"])])
def env_nul(function: Function, config: Config) -> Iterator[Violation]:
    """A value holds no NUL: the API server would take it, and no container could start."""
    for index, entry in enumerate(function.spec.env or ()):
        if "\0" in (entry.get("value") or ""):
            yield invalid(f"spec.env[{index}].value", "holds a NUL character, which no environment variable can")


@rule("cel", "env", cel=[Cel(f"self in {sorted(FIELDS)} || {cel.FIELD_KEYS}", [f"{_VALUE_FROM}.fieldRef.fieldPath"])])
def env_fields(function: Function, config: Config) -> Iterator[Violation]:
    """A variable from a field of the pod names one that a container can be given."""
    for field, path in _sources(function, "fieldRef", "fieldPath"):
        if path not in FIELDS and not _is_subscript(path):
            yield invalid(field, "is no field of a pod that a variable can hold", path)


@rule("cel", "env", cel=[Cel(_DIVIDES, [f"{_VALUE_FROM}.resourceFieldRef"])])
def env_units(function: Function, config: Config) -> Iterator[Violation]:
    """The unit of a resource is one that Kubernetes divides by."""
    for index, entry in enumerate(function.spec.env or ()):
        source = entry.get("valueFrom")
        reference = source.get("resourceFieldRef") if source else None
        divisor = reference.get("divisor") if reference else None
        if reference and divisor is not None and not _divides(reference["resource"], divisor):
            yield invalid(
                f"spec.env[{index}].valueFrom.resourceFieldRef.divisor",
                "must be 1 or 1m for cpu, else 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi or 1Ei",
                divisor,
            )


@rule("cel", "env", cel=[Cel("!self.matches('(^|/)[.][.](/|$)')", [f"{_VALUE_FROM}.fileKeyRef.path"])])
def env_files(function: Function, config: Config) -> Iterator[Violation]:
    """A variable from a file names one inside its volume."""
    for field, path in _sources(function, "fileKeyRef", "path"):
        if ".." in path.split("/"):
            yield invalid(field, "must not contain '..'", path)


@rule("cel", "env_from", cel=[Cel("has(self.configMapRef) != has(self.secretRef)", ["spec.envFrom[*]"])])
def env_from(function: Function, config: Config) -> Iterator[Violation]:
    """A set of variables comes from one ConfigMap or one Secret."""
    for index, entry in enumerate(function.spec.env_from or ()):
        if (entry.get("configMapRef") is None) == (entry.get("secretRef") is None):
            yield invalid(f"spec.envFrom[{index}]", "must have exactly one of configMapRef and secretRef")


def _sources(function: Function, kind: str, key: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the value of a key, for each variable that comes from such a source."""
    for index, entry in enumerate(function.spec.env or ()):
        source: dict[str, Any] = (entry.get("valueFrom") or {}).get(kind) or {}  # type: ignore[assignment]
        if key in source:
            yield f"spec.env[{index}].valueFrom.{kind}.{key}", source[key]


def _is_subscript(path: str) -> bool:
    found = _SUBSCRIPT.fullmatch(path)
    return bool(found) and (is_key if found[1] == "labels" else is_annotation_key)(found[2]) if found else False


def _divides(resource: str, divisor: str | int) -> bool:
    """Tell whether Kubernetes takes the unit: by value, but binary and decimal are not the same, exponents neither."""
    try:
        unit = quantity.canonical(divisor)
    except ValueError:
        return False
    units = OF_CPU if resource in ("limits.cpu", "requests.cpu") else DECIMAL + BINARY
    return unit in units and not _EXPONENT.search(str(divisor))


RULES: tuple[Rule, ...] = (
    env_names,
    env_reserved,
    env_paths,
    env_values,
    env_nul,
    env_fields,
    env_units,
    env_files,
    env_from,
)
