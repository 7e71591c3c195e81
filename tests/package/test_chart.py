"""The chart's values: defaults are Config's, the schema knows its settings, and docs/values.md lists them all."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml
from support.cases import ROOT

from hooks import __version__
from hooks.config import Config

Manifest = dict[str, Any]

CHART = ROOT / "chart"
TEXT = (CHART / "values.yaml").read_text(encoding="utf-8")
VALUES = yaml.safe_load(TEXT)
SCHEMA = CHART / "values.schema.json"
PAGE = ROOT / "docs" / "values.md"
HEAD = """\
# Values of the chart

Made from the comments of `chart/values.yaml`. `helm show values` prints them too. A key that is not listed here, or a
value that cannot work, is refused before anything is installed; where it takes two values to tell, the hook does not
start.

| value | default | what it is for |
| --- | --- | --- |
"""
LONGEST = 60
"""Characters of a default that a table has room for."""


def rows(node: yaml.MappingNode, schema: Manifest, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield path, default and comment of each value of the chart, and of each section that has a comment."""
    for key, value in node.value:
        here, below = f"{path}{key.value}", schema["properties"][key.value]
        words = comment(key.start_mark.line)
        if "properties" in below:
            if words:
                yield here, "", words
            yield from rows(value, below, f"{here}.")
        else:
            default = json.dumps(yaml.safe_load(yaml.serialize(value)), ensure_ascii=False)
            yield here, default if len(default) <= LONGEST else "...", words


def comment(line: int) -> str:
    """Return the lines of comment that stand directly above a line."""
    lines: list[str] = []
    for above in reversed(TEXT.splitlines()[:line]):
        if not above.strip().startswith("#"):
            break
        lines.insert(0, above.strip().removeprefix("#").strip())
    return " ".join(lines)


def listed() -> list[tuple[str, str, str]]:
    root = yaml.compose(TEXT)
    assert isinstance(root, yaml.MappingNode)
    return list(rows(root, json.loads(SCHEMA.read_text(encoding="utf-8"))))


def page() -> str:
    lines = [f"| `{path}` | {f'`{default}`' if default else ''} | {words} |" for path, default, words in listed()]
    return HEAD + "\n".join(lines) + "\n"


def config_schema() -> Manifest:
    """Return Config's JSON schema as part of another: no titles, no defaults, nothing required."""

    def plain(schema: Any, *, is_map: bool = False) -> Any:
        if isinstance(schema, list):
            return [plain(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            return plain(whole["$defs"][schema["$ref"].rpartition("/")[2]])
        dropped = () if is_map else ("title", "default", "description", "$defs")
        return {key: plain(value, is_map=key == "properties") for key, value in schema.items() if key not in dropped}

    whole = Config.model_json_schema(by_alias=True)
    found: Manifest = plain(whole)
    return found


def blessed() -> str:
    """Return values.schema.json with Config's part as it is now."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    schema["properties"]["config"] = config_schema()
    return json.dumps(schema, indent=2) + "\n"


def test_config_is_the_default_config() -> None:
    """An install without values runs with the settings that the code has, each of them written out."""
    assert VALUES["config"] == Config().model_dump(by_alias=True, mode="json"), "copy it to chart/values.yaml"


def test_versions_agree() -> None:
    """The chart installs the hook of its own release."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == __version__


def test_schema_knows_the_settings(request: pytest.FixtureRequest) -> None:
    """What values.schema.json says of config is what Config says."""
    if request.config.getoption("--bless"):
        SCHEMA.write_text(blessed(), encoding="utf-8")
    assert SCHEMA.read_text(encoding="utf-8") == blessed(), "make test ARGS=--bless"


def test_defaults_pass_the_schema() -> None:
    """The schema lets the defaults through, and has a property for each of them and for nothing else."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.validate(VALUES, schema)
    assert set(schema["properties"]) - {"global"} == set(VALUES)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"replica": 3}, "'replica' was unexpected"),
        ({"replicas": "3"}, "'3' is not of type 'integer'"),
        ({"name": "Hook"}, "'Hook' does not match"),
        ({"tls": {"mode": "on"}}, "'on' is not one of"),
        ({"tls": {"mode": "certManager"}}, "'' should be non-empty"),
        ({"tls": {"caBundle": "x"}}, "does not match"),
        ({"image": {"digest": "latest"}}, "'latest' does not match"),
        ({"config": {"registy": "x"}}, "'registy' was unexpected"),
        ({"config": {"runtimes": {"go": {"family": "go", "image": "x"}}}}, "'go' is not one of"),
        ({"config": {"minimumResources": {"cpu": 0.5}}}, "0.5 is not of type"),
        ({"config": {"minimumResources": {"cpu,memory": 1}}}, "'cpu,memory' does not match"),
        ({"config": {"registry": "https://ghcr.io/acme"}}, "'https://ghcr.io/acme' does not match"),
        ({"config": {"runtimes": {}}}, "{} should be non-empty"),
        ({"config": {"imagePullSecrets": [""]}}, "'' does not match"),
        ({"config": {"volumeSizes": {"tmp": "-1Gi"}}}, "'-1Gi' does not match"),
        ({"imagePullSecrets": [""]}, "'' does not match"),
        ({"imagePullSecrets": ["A"]}, "'A' does not match"),
        ({"functionNetworkPolicy": {"namespaces": ["a.b"]}}, "'a.b' does not match"),
        ({"config": {"allowedImageOverrides": ["a, b"]}}, "'a, b' does not match"),
    ],
)
def test_mistakes_are_refused(values: Manifest, message: str) -> None:
    """A key that nobody knows and a value that cannot be are told before anything is installed."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    merged = {
        key: default | values.get(key, {}) if isinstance(default, dict) else values.get(key, default)
        for key, default in VALUES.items()
    } | {key: value for key, value in values.items() if key not in VALUES}
    errors = [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(merged)]
    assert any(message in error for error in errors), errors


def test_every_value_is_described() -> None:
    """Each value has a comment, which says what it is for."""
    assert [path for path, default, words in listed() if default and not words] == []


def test_page_lists_every_value(request: pytest.FixtureRequest) -> None:
    """docs/values.md is what the comments say."""
    if request.config.getoption("--bless"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "make test ARGS=--bless"
