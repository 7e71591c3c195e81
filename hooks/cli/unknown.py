"""Unknown fields of a Function: the API server rejects them, and so do the commands that read files."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from hooks.function import FunctionSpec
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


def unknown_fields(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the path of each unknown field, and a message with the supported fields and the most similar of them."""
    yield from _unknown(value, _FUNCTION, "")
    yield from _unknown(value.get("metadata"), _METADATA, "metadata.")
    try:
        FunctionSpec.model_validate(value.get("spec"), extra="forbid")
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            if each["type"] == "extra_forbidden":
                *parent, name = each["loc"]
                yield dotted(("spec", *each["loc"])), _message(str(name), _fields(parent))


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


def _fields(path: Sequence[Any]) -> list[str]:
    """Return the fields of the object at a path in a spec, from the JSON schema of the models."""
    schema = root = FunctionSpec.model_json_schema()
    for step in path:
        schema = _resolved(schema, root)
        if isinstance(step, int):
            schema = schema.get("items", {})
        else:
            schema = schema.get("properties", {}).get(step, schema.get("additionalProperties", {}))
    return list(_resolved(schema, root).get("properties", ()))


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Return the schema behind a reference, or behind an "anyOf" with null."""
    for alternative in schema.get("anyOf", ()):
        if alternative.get("type") != "null":
            return _resolved(alternative, root)
    if reference := schema.get("$ref"):
        return _resolved(root["$defs"][reference.rpartition("/")[2]], root)
    return schema
