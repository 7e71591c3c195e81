"""Fields that a Function does not have: kubectl refuses them, and so do the commands that read files."""

from collections.abc import Iterator, Sequence
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
"""Of Kubernetes' ObjectMeta."""


def unknown_fields(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the path of each field that a Function does not have, and what was probably meant."""
    yield from _beside(value, _FUNCTION, "")
    yield from _beside(value.get("metadata"), _METADATA, "metadata.")
    try:
        FunctionSpec.model_validate(value.get("spec"), extra="forbid")
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            if fault["type"] == "extra_forbidden":
                *place, name = fault["loc"]
                yield dotted(("spec", *fault["loc"])), _message(str(name), _known(place))


def _beside(value: Any, known: Sequence[str], path: str) -> Iterator[tuple[str, str]]:
    for name in value if isinstance(value, dict) else ():
        if name not in known:
            yield f"{path}{name}", _message(name, known)


def _message(name: str, known: Sequence[str]) -> str:
    lower = {each.lower(): each for each in known}
    meant = [lower[each] for each in get_close_matches(name.lower(), lower, n=1)]
    suggestion = f', did you mean "{meant[0]}"?' if meant else ";"
    fields = ", ".join(f'"{each}"' for each in sorted(known))
    return f"unknown field{suggestion} supported fields: {fields}"


def _known(place: Sequence[Any]) -> list[str]:
    """Return the fields of what stands at a place in a spec, by the schema of the models."""
    schema = whole = FunctionSpec.model_json_schema()
    for step in place:
        schema = _resolved(schema, whole)
        if isinstance(step, int):
            schema = schema.get("items", {})
        else:
            schema = schema.get("properties", {}).get(step, schema.get("additionalProperties", {}))
    return list(_resolved(schema, whole).get("properties", ()))


def _resolved(schema: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without references and without the null that may stand in its place."""
    for arm in schema.get("anyOf", ()):
        if arm.get("type") != "null":
            return _resolved(arm, whole)
    if reference := schema.get("$ref"):
        return _resolved(whole["$defs"][reference.rpartition("/")[2]], whole)
    return schema
