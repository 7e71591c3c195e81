"""Generated Functions reach every field of a Function, every keyword of its schema and every rule."""

from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

import jsonschema
from pydantic import ValidationError
from support import random_functions
from support.function_values import SPEC
from support.schema_breaks import ENTRY, ITEM, SCHEMA_BREAKS, SchemaBreak, least

from hooks.cli.render import completed
from hooks.config import Config, Git
from hooks.function import Function
from hooks.rules import RULES

Manifest = dict[str, Any]

SEED, COUNT = 20_260_101, 5_000
KEYWORDS = {
    *("type", "anyOf", "enum", "pattern", "required", "minimum", "maximum", "minLength", "maxLength"),
    *("maxItems", "maxProperties", "minProperties"),
}
CONFIG = Config()
SCHEMA = jsonschema.Draft202012Validator(SPEC)
NEVER_SOUND = (
    "spec.template.",
    *(f"spec.resourceConfiguration.{part}.resources.claims" for part in ("function", "build")),
)
"""Fields that no Function may have."""
OF_OTHER_CONFIGS = {"allowed_image", "root_user"}
"""Rules that no Function breaks under the default config."""


def keywords(schema: Manifest, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the place of every keyword that a value can break, as jsonschema names it in an error."""
    yield from ((*path, keyword) for keyword in KEYWORDS & schema.keys())
    for name, inner in schema.get("properties", {}).items():
        yield from keywords(inner, (*path, "properties", name))
    for keyword in ("items", "additionalProperties"):
        yield from keywords(schema[keyword], (*path, keyword)) if keyword in schema else ()


def fields(schema: Manifest, path: str = "spec") -> Iterator[str]:
    """Yield the path of every property below a schema: spec.env[].name."""
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from fields(inner, f"{path}.{name}")
    yield from fields(schema["items"], f"{path}[]") if "items" in schema else ()


def given(value: Any, path: str = "spec") -> Iterator[str]:
    """Yield the path of everything in a spec."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from given(inner, f"{path}.{key}")
    for inner in value if isinstance(value, list) else ():
        yield from given(inner, f"{path}[]")


def broken_keywords(spec: Manifest) -> set[tuple[str, ...]]:
    return {tuple(map(str, error.absolute_schema_path)) for error in SCHEMA.iter_errors(spec)}


def place(found: SchemaBreak) -> tuple[str, ...]:
    steps = {ITEM: ("items",), ENTRY: ("additionalProperties",)}
    path = [step for name in found.path for step in steps.get(name, ("properties", name))]
    return (*(path[:-2] if found.keyword == "required" else path), found.keyword)


@cache
def sound() -> list[Manifest]:
    random = Random(SEED)
    return [random_functions.sound(random) for _ in range(COUNT)]


@cache
def fetched() -> list[Manifest]:
    random = Random(SEED)
    return [random_functions.fetched(random) for _ in range(500)]


@cache
def generated() -> list[Manifest]:
    random = Random(SEED)
    return [random_functions.function(random)[1] for _ in range(COUNT)]


def refusing_rules(parent: Manifest, config: Config = CONFIG) -> set[str]:
    """Return the names of the rules that refuse a Function, "schema" if the schema does."""
    try:
        function = Function.model_validate(completed(parent))
    except ValidationError:
        return {"schema"}
    return {rule.name for rule in RULES if any(rule.find(function, config))}


def test_sound_functions_break_no_rule() -> None:
    """The schema and the rules accept every sound Function."""
    for parent in sound()[:500]:
        assert refusing_rules(parent) == set()


def test_fetched_functions_break_no_rule() -> None:
    """Where git.enabled is set, every sound Function may have its source fetched."""
    for parent in fetched():
        assert refusing_rules(parent, Config(git=Git(enabled=True))) == set(), parent["spec"]["source"]
        assert refusing_rules(parent) == {"git_enabled"}


def test_sound_functions_have_every_field() -> None:
    """Every property of the schema is in some sound Function, but for those that no Function may have."""
    found = {path for parent in sound() + fetched() for path in given(parent["spec"])}
    assert [path for path in fields(SPEC) if path not in found and not path.startswith(NEVER_SOUND)] == []


def test_the_same_seed_makes_the_same_functions() -> None:
    """A Function depends only on the seed and its number."""
    random = Random(SEED)
    assert [random_functions.function(random)[1] for _ in range(100)] == generated()[:100]


def test_schema_breaks() -> None:
    """Each break of a keyword has a value that breaks it."""
    for found in SCHEMA_BREAKS:
        broken = set()
        for value in found.values:
            spec = least(SPEC)
            found.apply(spec, value)
            broken |= broken_keywords(spec)
        assert place(found) in broken, found


def test_every_keyword_of_the_schema_has_a_break() -> None:
    """A new property, bound, pattern or enum of the CRD is broken without an entry anywhere."""
    assert set(keywords(SPEC)) - {place(found) for found in SCHEMA_BREAKS} == {("type",)}, "a spec is always an object"


def test_generated_functions_break_the_schema_everywhere() -> None:
    """The five thousand break 95 % of the schema's keywords."""
    left = set(keywords(SPEC))
    most = len(left) // 20
    for parent in generated():
        left -= broken_keywords(parent["spec"]) if len(left) > most else set()
    assert len(left) <= most, left


def test_generated_functions_break_every_rule() -> None:
    """Each rule that a Function can break under the default config refuses some of the five thousand."""
    left = {rule.name for rule in RULES} - OF_OTHER_CONFIGS
    for parent in generated():
        left -= refusing_rules(parent) if left else set()
    assert left == set()


def test_half_of_the_odd_functions_are_accepted() -> None:
    """Odd Functions are accepted often enough for a test that needs accepted ones, and refused often enough."""
    random = Random(SEED)
    accepted = sum(not refusing_rules(random_functions.odd(random)[1]) for _ in range(300))
    assert 100 < accepted < 250
