"""
The examples of tests/core/broken_specs.yaml, whose head describes the format.

tests/core/test_broken_specs.py checks them; the generator of random Functions, the freeze tests and docs/rules.md use
them too. They are YAML beside the tests, so that a case needs no Python and the service does not load them.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from support.cases import ROOT, complete, overlaid
from support.yaml_files import read_yaml

from hooks.config import Config

Manifest = dict[str, Any]

TABLE = ROOT / "tests" / "core" / "broken_specs.yaml"
KEYS = {"spec", "error", "values", "name", "config", "also"}
RUNTIMES = ", ".join(f'"{name}"' for name in sorted(Config().runtimes))
REPEATED = re.compile(r"\{(.)\*(\d+)\}")


@dataclass(frozen=True)
class Example:
    """A spec, as a merge patch, and the error that it gives with this config; `error` is "" for a valid spec."""

    key: str
    spec: Manifest
    error: str
    name: str
    settings: Manifest
    also: str

    def parent(self) -> Manifest:
        """Return the whole Function."""
        parent = complete({"metadata": {"name": self.name}, "spec": {}})
        return parent | {"spec": overlaid(parent["spec"], self.spec)}

    def config(self) -> Config:
        if not self.settings:
            return Config()
        return Config.model_validate(overlaid(Config().model_dump(by_alias=True), self.settings))


def examples(*keys: str) -> list[Example]:
    """Return the examples under these keys: names of rules, `schema` or `valid`. Without keys: those of all rules."""
    wanted = keys or set(_table()) - {"schema", "valid"}
    return [example for key, rows in _table().items() if key in wanted for row in rows for example in _of(key, row)]


@cache
def _table() -> dict[str, list[Manifest]]:
    table: dict[str, list[Manifest]] = read_yaml(TABLE)
    return table


def _of(key: str, row: Manifest) -> Iterator[Example]:
    """Yield an example for each of a row's values, or one for a row without values."""
    assert set(row) <= KEYS, f"{TABLE.name}: {key} has unknown keys {set(row) - KEYS}"
    for value in row.get("values", [None]):
        shown = json.dumps(_filled(value, value), ensure_ascii=False)
        yield Example(
            key=key,
            spec=_filled(row["spec"], value),
            error=_filled(row.get("error", "").replace("{value}", shown).replace("{runtimes}", RUNTIMES), value),
            name=_filled(row.get("name", "hello"), value),
            settings=row.get("config", {}),
            also=row.get("also", ""),
        )


def _filled(template: Any, value: Any, index: int = 0) -> Any:
    """Return a template with its placeholders replaced: {value}, {n} and {x*1000} in texts, `times` in lists."""
    if isinstance(template, dict):
        return {_filled(key, value, index): _filled(item, value, index) for key, item in template.items()}
    if isinstance(template, list):
        return [item for each in template for item in _items(each, value)]
    if template == "{value}" and value != template:
        return _filled(value, value, index)
    if not isinstance(template, str):
        return template
    text = template.replace("{value}", str(value)).replace("{n}", str(index))
    return REPEATED.sub(lambda found: found[1] * int(found[2]), text)


def _items(template: Any, value: Any) -> list[Any]:
    """Return the items of a list that a template stands for."""
    if isinstance(template, dict) and "times" in template:
        item = {key: each for key, each in template.items() if key != "times"}
        return [_filled(item, value, index) for index in range(template["times"])]
    return [_filled(template, value)]
