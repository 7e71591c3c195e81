"""docs/function.schema.json, with which editors complete and check the YAML of Functions."""

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator
from support.cases import ROOT
from support.crd import SCHEMA
from support.v2alpha1_schema import version

from hooks.cli.files import documents
from hooks.cli.new import ROOT as TEMPLATES
from hooks.convert import convert
from hooks.moved_fields import VERSIONS

V1, V2 = VERSIONS

URL = (TEMPLATES / "function.yaml").read_text(encoding="utf-8").partition("\n")[0].partition("$schema=")[2]

FILE = ROOT / "docs" / "function.schema.json"
HEAD = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Function of serverless.kyma-project.io",
}
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.yaml") if not path.stem.startswith("config-"))


def as_json_schema(schema: Any) -> Any:
    """Return a schema of a CRD without Kubernetes' extensions; an object with properties has no others."""
    if not isinstance(schema, dict):
        return schema
    found = {name: as_json_schema(value) for name, value in schema.items() if not name.startswith("x-kubernetes-")}
    if "properties" in schema:
        found["properties"] = {name: as_json_schema(value) for name, value in schema["properties"].items()}
        found["additionalProperties"] = False
    return found


def wanted() -> dict[str, Any]:
    """Return the schema of a file, which is that of its version; without one, that of v1alpha2."""
    first, second = of_version(SCHEMA, V1), of_version(version()["schema"]["openAPIV3Schema"], V2)
    choice = {"required": ["apiVersion"], "properties": {"apiVersion": {"const": V2}}}
    return HEAD | {"if": choice, "then": second, "else": first}


def of_version(crd: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the schema of a file of one version; without spec.source the code is in files beside it."""
    schema: dict[str, Any] = as_json_schema(crd)
    schema["properties"]["metadata"] = {"type": "object", "required": ["name"]}
    schema["properties"]["apiVersion"] = {"const": name}
    schema["properties"]["kind"] = {"const": "Function"}
    schema["properties"]["spec"]["required"] = ["runtime"]
    return schema | {"required": ["apiVersion", "kind", "metadata", "spec"]}


def test_the_schema_is_that_of_the_crd(request: pytest.FixtureRequest) -> None:
    """The file is generated from the CRD: --bless writes it."""
    text = json.dumps(wanted(), indent=1, ensure_ascii=False) + "\n"
    if request.config.getoption("--bless"):
        FILE.write_text(text, encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == text, "run with --bless, then read the diff"
    assert URL.endswith(f"/main/{FILE.relative_to(ROOT)}")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_fit_the_schema(example: Any) -> None:
    """Every Function of the examples is valid in both versions; a mistyped field, or the other version, is not."""
    check = Draft7Validator(wanted())
    for document in documents(str(example)):
        if document.kind == "Function":
            for name in VERSIONS:
                value = convert(document.value, name)
                assert not list(check.iter_errors(value))
                assert list(check.iter_errors(value | {"spec": value["spec"] | {"replica": 1}}))
                assert list(check.iter_errors(value | {"apiVersion": VERSIONS[1 - VERSIONS.index(name)]}))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_name_the_schema(example: Any) -> None:
    """Editors read the header above each Function, and above no other object."""
    text = example.read_text(encoding="utf-8")
    header = f"# yaml-language-server: $schema={URL}\n"
    assert text.count(header) == text.count(f"{header}apiVersion: serverless.kyma-project.io/") > 0
    assert text.count(header) == text.count("\nkind: Function\n")
