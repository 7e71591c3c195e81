"""Unknown fields of a Function: the API server rejects them, and so do the commands that read files."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from hooks.function import Function, Model
from hooks.validation_errors import dotted

_FUNCTION = ("apiVersion", "kind", "metadata", "spec", "status")
_METADATA = (
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
)
"""The fields of ObjectMeta, in Kubernetes' meta/v1."""


def unknown_fields(value: dict[str, Any], function: type[Model] = Function) -> Iterator[tuple[str, str]]:
    """Yield the path of each unknown field, and a message with the supported fields and the most similar of them."""
    yield from _unknown(value, _FUNCTION, "")
    yield from _unknown(value.get("metadata"), _METADATA, "metadata.")
    spec: type[Model] = function.model_fields["spec"].annotation  # type: ignore[assignment]
    try:
        spec.model_validate(value.get("spec"), extra="forbid")
    except ValidationError:
        schema = spec.model_json_schema()
        yield from _below(value.get("spec"), schema, schema, ("spec",))


def _below(
    value: Any, schema: dict[str, Any], root: dict[str, Any], path: tuple[str | int, ...]
) -> Iterator[tuple[str, str]]:
    """Yield the unknown fields of a value, however deep; types are not checked."""
    schema = _resolved(schema, root)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(item, schema.get("items", {}), root, (*path, index))
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    for name, item in value.items() if isinstance(value, dict) else ():
        if properties and name not in properties:
            yield dotted((*path, name)), _message(name, list(properties))
        else:
            yield from _below(item, properties.get(name, others), root, (*path, name))


def _unknown(value: Any, known: Sequence[str], path: str) -> Iterator[tuple[str, str]]:
    for name in value if isinstance(value, dict) else ():
        if name not in known:
            yield f"{path}{name}", _message(name, known)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question with the most similar of the known names, "" if none is similar."""
    lower = {each.lower(): each for each in known}
    similar = [lower[each] for each in get_close_matches(name.lower()[:100], lower, n=1)]
    return f'did you mean "{similar[0]}"?' if similar else ""


def _message(name: str, known: Sequence[str]) -> str:
    question = did_you_mean(name, known)
    suggestion = f", {question}" if question else ";"
    fields = ", ".join(f'"{each}"' for each in sorted(known))
    return f"unknown field{suggestion} supported fields: {fields}"


def _resolved(schema: Any, root: dict[str, Any]) -> dict[str, Any]:
    """Return the schema behind a reference, or behind an "anyOf" with null; {} for one that allows anything."""
    if not isinstance(schema, dict):
        return {}
    for alternative in schema.get("anyOf", ()):
        if alternative.get("type") != "null":
            return _resolved(alternative, root)
    if reference := schema.get("$ref"):
        return _resolved(root["$defs"][reference.rpartition("/")[2]], root)
    return schema
