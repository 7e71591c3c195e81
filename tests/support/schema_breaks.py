"""Values that the CRD's schema forbids: for each property, however deep, and for each keyword of its schema."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import reduce
from typing import Any

from support.function_values import SPEC

from hooks.patterns import Pattern

Manifest = dict[str, Any]

ITEM, ENTRY, REMOVED = "[]", "{}", object()
OF_TYPES: dict[str, Any] = {"string": "x", "integer": 7, "boolean": True, "array": [], "object": {}, "number": 1.5}


@dataclass(frozen=True)
class SchemaBreak:
    """Each of `values` breaks `keyword` at `path` below a spec; ITEM and ENTRY in it are those of a list or map."""

    path: tuple[str, ...]
    keyword: str
    values: list[Any]

    @property
    def schema(self) -> Manifest:
        """The schema at `path`."""
        return reduce(_below, self.path, SPEC)

    def apply(self, spec: Manifest, value: Any) -> None:
        """Put a value at `path`, and above it the least that the schema requires."""
        place: Any = spec
        schema = SPEC
        for step in self.path[:-1]:
            _empty_for(place, schema, step)
            place, schema = _child(place, step, _below(schema, step))
        _empty_for(place, schema, self.path[-1])
        if isinstance(place, list):
            place[:1] = [value]
        elif value is REMOVED:
            place.pop(self.path[-1], None)
        else:
            place["k" if self.path[-1] == ENTRY else self.path[-1]] = deepcopy(value)


def schema_breaks(schema: Manifest = SPEC, path: tuple[str, ...] = ()) -> Iterator[SchemaBreak]:
    """Yield a break for each keyword of each property; a spec itself is never of another type."""
    for keyword, values in _forbidden(schema).items() if path else ():
        yield SchemaBreak(path, keyword, values)
    for name in schema.get("required", ()):
        yield SchemaBreak((*path, name), "required", [REMOVED])
    for name, inner in schema.get("properties", {}).items():
        yield from schema_breaks(inner, (*path, name))
    for keyword, step in (("items", ITEM), ("additionalProperties", ENTRY)):
        if keyword in schema:
            yield from schema_breaks(schema[keyword], (*path, step))


def least(schema: Manifest) -> Any:
    """Return the least that this schema allows."""
    kind = schema.get("type", "quantity")
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object" and "additionalProperties" in schema:
        return {"k": least(schema["additionalProperties"])}
    if kind == "object":
        return _required(schema) or _some_properties(schema, schema.get("minProperties", 0))
    if kind == "array":
        return [least(schema["items"])]
    text = next((each.example for each in Pattern if each == schema.get("pattern")), "a")
    return {"integer": max(1, schema.get("minimum", 1)), "boolean": True, "quantity": "1", "string": text}[kind]


def _required(schema: Manifest) -> Manifest:
    return {name: least(schema["properties"][name]) for name in schema.get("required", ())}


def _some_properties(schema: Manifest, count: int) -> Manifest:
    return {name: least(inner) for name, inner in list(schema["properties"].items())[:count]}


def _forbidden(schema: Manifest) -> dict[str, list[Any]]:
    """Return by keyword the values that this schema forbids; null, which some components drop, is in the last list."""
    fitting = ("string", "integer") if "anyOf" in schema else (schema["type"],)
    wrong = [value for name, value in OF_TYPES.items() if name not in fitting]
    found = {"anyOf" if "anyOf" in schema else "type": [*wrong, None]}
    if "enum" in schema:
        found["enum"] = ["other"]
    if "pattern" in schema:
        found["pattern"] = [" ", "é", least(schema) + "\n"]
    return found | {keyword: [make(schema, schema[keyword])] for keyword, make in BOUNDS.items() if keyword in schema}


def _too_many_properties(schema: Manifest, bound: int) -> Manifest:
    if "additionalProperties" in schema:
        return {f"k{number}": least(schema["additionalProperties"]) for number in range(bound + 1)}
    return _some_properties(schema, bound + 1)


BOUNDS: dict[str, Callable[[Manifest, int], Any]] = {
    "minimum": lambda _, bound: bound - 1,
    "maximum": lambda _, bound: bound + 1,
    "minLength": lambda _, bound: "a" * (bound - 1),
    "maxLength": lambda _, bound: "a" * (bound + 1),
    "maxItems": lambda schema, bound: [least(schema["items"])] * (bound + 1),
    "maxProperties": _too_many_properties,
    "minProperties": lambda _, __: {},
}


def _below(schema: Manifest, step: str) -> Manifest:
    inner: Manifest = (
        schema["items"]
        if step == ITEM
        else schema["additionalProperties"]
        if step == ENTRY
        else schema["properties"][step]
    )
    return inner


def _empty_for(place: Any, schema: Manifest, step: str) -> None:
    """Empty an object that has another property than its only one: two violations at once are reported differently."""
    if schema.get("maxProperties") == 1 and step not in place:
        place.clear()


def _child(place: Any, step: str, schema: Manifest) -> tuple[Any, Manifest]:
    """Return the value one step below, made if it is missing or of another type, and its schema."""
    key: Any = 0 if step == ITEM else "k" if step == ENTRY else step
    found = (place[0] if place else None) if step == ITEM else place.get(key)
    if not isinstance(found, list if schema["type"] == "array" else dict):
        found = [] if schema["type"] == "array" else {} if "additionalProperties" in schema else _required(schema)
        if step == ITEM:
            place[:1] = [found]
        else:
            place[key] = found
    return found, schema


SCHEMA_BREAKS = list(schema_breaks())
