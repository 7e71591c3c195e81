"""The chart's values: their defaults, their schema, docs/values.md and chart/README.md; the facts in Chart.yaml."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
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
README = CHART / "README.md"
REPOSITORY = "https://github.com/buildless-functions/buildless-functions"
README_HEAD = f"""\
# buildless Functions

This chart installs the hook of buildless Functions, with which Metacontroller runs a `Function`, source code and a list
of dependencies, as pods without an image build. It needs Kubernetes 1.30 or newer and
[Metacontroller]({REPOSITORY}/blob/main/docs/metacontroller.md) 4.17.2 or newer.

```sh
helm install function-hook oci://ghcr.io/buildless-functions/charts/buildless-functions \\
  --namespace buildless-functions --create-namespace
helm test function-hook --namespace buildless-functions
```

[Installing]({REPOSITORY}/blob/main/docs/installing.md) describes HTTPS, mirrors, OpenShift and uninstalling,
[troubleshooting]({REPOSITORY}/blob/main/docs/troubleshooting.md) what to check when nothing happens.

"""
HEAD = """\
# Values of the chart

Generated from the comments of `chart/values.yaml`, which `helm show values` prints too. Helm rejects unknown keys,
invalid values and an unknown default profile before it installs anything. Other invalid combinations of values keep the
hook from starting.

"""
TABLE = """\
| value | default | description |
| --- | --- | --- |
"""
MAX_DEFAULT = 60
"""Defaults with more characters are not shown."""


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
            yield here, default if len(default) <= MAX_DEFAULT else "...", words


def comment(line: int) -> str:
    """Return the comment directly above a line."""
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


def table() -> str:
    lines = [f"| `{path}` | {f'`{default}`' if default else ''} | {words} |" for path, default, words in listed()]
    return TABLE + "\n".join(lines) + "\n"


def config_schema() -> Manifest:
    """Return Config's JSON schema without references, titles, defaults and descriptions."""

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
    """Return values.schema.json with the current schema of Config."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    schema["properties"]["config"] = config_schema()
    return json.dumps(schema, indent=2) + "\n"


def test_config_is_the_default_config() -> None:
    """values.yaml has every setting of Config with its default."""
    assert VALUES["config"] == Config().model_dump(by_alias=True, mode="json"), (
        "chart/values.yaml and Config() differ; make check ARGS=--bless writes the runtimes"
    )


def test_versions_agree() -> None:
    """The chart installs the hook of the same release."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == __version__


def test_schema_has_the_settings(request: pytest.FixtureRequest) -> None:
    """values.schema.json has the schema of Config."""
    if request.config.getoption("--bless"):
        SCHEMA.write_text(blessed(), encoding="utf-8")
    assert SCHEMA.read_text(encoding="utf-8") == blessed(), "make test ARGS=--bless"


def test_defaults_pass_the_schema() -> None:
    """The defaults are valid, and the schema has a property for each of them and no other."""
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
        ({"commonLabels": {"a": "b c"}}, "'b c' does not match"),
        ({"extraEnv": [{"name": "BUILDLESS_CONFIG", "value": "x"}]}, "should not be valid under"),
        ({"extraEnv": [{"value": "x"}]}, "'name' is a required property"),
        ({"podSecurityContext": {"runAsUser": "1"}}, "'1' is not of type 'integer'"),
        ({"containerSecurityContext": {"fsGroup": 1}}, "'fsGroup' was unexpected"),
        ({"topologySpreadConstraints": [{"maxSkew": 1}]}, "'topologyKey' is a required property"),
        ({"dnsConfig": {"nameserver": "x"}}, "'nameserver' was unexpected"),
        ({"revisionHistoryLimit": -1}, "-1 is less than the minimum"),
        ({"functionNetworkPolicy": {"namespaces": ["a.b"]}}, "'a.b' does not match"),
        ({"config": {"allowedImageOverrides": ["a, b"]}}, "'a, b' does not match"),
    ],
)
def test_mistakes_are_refused(values: Manifest, message: str) -> None:
    """Helm rejects an unknown key or an invalid value before it installs anything."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    merged = {
        key: default | values.get(key, {}) if isinstance(default, dict) else values.get(key, default)
        for key, default in VALUES.items()
    } | {key: value for key, value in values.items() if key not in VALUES}
    errors = [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(merged)]
    assert any(message in error for error in errors), errors


def test_every_value_is_described() -> None:
    """Each value has a comment that describes it."""
    assert [path for path, default, words in listed() if default and not words] == []


@pytest.mark.parametrize(
    ("page", "head"), [(PAGE, HEAD), (README, f"{README_HEAD}## Values\n\n")], ids=["docs", "chart"]
)
def test_pages_list_every_value(request: pytest.FixtureRequest, page: Path, head: str) -> None:
    """docs/values.md and the chart's README have the comments of values.yaml."""
    if request.config.getoption("--bless"):
        page.write_text(head + table(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == head + table(), "make test ARGS=--bless"


def test_files_that_the_chart_names_exist() -> None:
    """Icon and links of Chart.yaml, and links of its README, lead to files of this repository."""
    text = (CHART / "Chart.yaml").read_text(encoding="utf-8") + README.read_text(encoding="utf-8")
    paths = re.findall(r"/buildless-functions/buildless-functions/(?:blob/)?main/([\w./-]+)", text)
    assert len(paths) > 5
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_artifact_hub_shows_the_crd() -> None:
    """The annotations of Chart.yaml name the CRD and its version, and their example is valid."""
    annotations = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["annotations"]
    (crd,) = yaml.safe_load(annotations["artifacthub.io/crds"])
    wanted = yaml.safe_load((ROOT / "crds" / "functions.yaml").read_text(encoding="utf-8"))
    assert crd["name"] == wanted["metadata"]["name"]
    assert crd["kind"] == wanted["spec"]["names"]["kind"]
    assert crd["version"] in {each["name"] for each in wanted["spec"]["versions"]}
    (example,) = yaml.safe_load(annotations["artifacthub.io/crdsExamples"])
    jsonschema.validate(example, json.loads((ROOT / "docs" / "function.schema.json").read_text(encoding="utf-8")))
