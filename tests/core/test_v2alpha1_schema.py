"""chart/files/v2alpha1.yaml is v1alpha2 with the moved fields in their other places."""

import pytest
import yaml
from support.cases import Manifest
from support.crd import SCHEMA, VERSION, schema_leaves
from support.v2alpha1_schema import FILE, text, version

from hooks.convert import convert
from hooks.moved_fields import MOVED, VERSIONS

MADE = version()
SPEC = MADE["schema"]["openAPIV3Schema"]["properties"]["spec"]
NAMES = {
    f"spec.{group.parent}.{before}": f"spec.{group.parent}.{after}"
    for group in MOVED.values()
    for before, after in group.fields
}
V1_ONLY = {
    "spec.source.inline",
    "spec.resourceConfiguration.function",
    "spec.resourceConfiguration.function.resources",
    "spec.resourceConfiguration.build",
    "spec.resourceConfiguration.build.resources",
}


def test_the_file_is_generated(request: pytest.FixtureRequest) -> None:
    """The file is what the CRD and the table of moved fields give: --bless writes it."""
    if request.config.getoption("--bless"):
        FILE.write_text(text(), encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == text(), "run with --bless, then read the diff"


def test_only_the_schema_and_the_name_differ() -> None:
    """Subresources and columns are those of v1alpha2, and so is the status."""
    assert {key for key in VERSION if VERSION[key] != MADE[key]} == {"name", "storage", "schema"}
    made = MADE["schema"]["openAPIV3Schema"]
    assert made["properties"]["status"] == SCHEMA["properties"]["status"]
    assert {key for key in SCHEMA["properties"] if SCHEMA["properties"][key] != made["properties"][key]} == {"spec"}


def bare(schema: Manifest) -> Manifest:
    return {key: value for key, value in schema.items() if key != "description"}


def test_every_field_is_moved_as_it_is() -> None:
    """
    A moved field has its type, bounds and rules; every other one is where it was, and no path is left over.

    v2alpha1 lacks the maps around moved fields, claims, the profile of the build and the template.
    """
    before, after = (dict(schema_leaves(schema)) for schema in (SCHEMA["properties"]["spec"], SPEC))
    gone = {path for path in before if path.partition("[")[0].rpartition(".")[2] in ("claims", "template")}
    gone |= {
        path
        for path in before
        if path.startswith(("spec.template", "spec.resourceConfiguration.build.profile")) or "claims[]" in path
    }
    gone |= V1_ONLY - {"spec.source.inline"}
    kept = {
        NAMES.get(path, path): schema for path, schema in before.items() if path not in gone | {"spec.source.inline"}
    }
    assert set(after) == set(kept) | {"spec.resourceConfiguration.install"}
    changed = ("spec.source", "spec.resourceConfiguration")
    assert not [path for path, schema in kept.items() if path not in changed and bare(schema) != bare(after[path])]


def test_rules_are_those_of_v1alpha2() -> None:
    """Each message of a rule of v1alpha2 is in v2alpha1 as often, except of what it lacks."""

    def messages(schema: object) -> list[str]:
        if isinstance(schema, list):
            return [each for inner in schema for each in messages(inner)]
        if not isinstance(schema, dict):
            return []
        own = [rule["message"] for rule in schema.get("x-kubernetes-validations", ())]
        return own + [
            each for key, inner in schema.items() if key != "x-kubernetes-validations" for each in messages(inner)
        ]

    before, after = messages(SCHEMA), messages(MADE["schema"]["openAPIV3Schema"])
    for message in after:
        if message in before:
            before.remove(message)
    assert sorted(before) == sorted(
        [
            *["must have exactly one of profile and resources"] * 2,
            *["resource claims are not supported; use requests and limits"] * 2,
            "use spec.labels and spec.annotations",
        ]
    )


def test_no_rule_names_a_path_of_v1alpha2() -> None:
    """No expression or fieldPath has the path of a moved field."""
    written = yaml.dump(SPEC, width=100_000)
    assert not [path for path in NAMES if f"{path.removeprefix('spec')}\n" in written]
    assert "function.resources" not in written
    assert ".inline.source" not in written


def test_descriptions_and_bounds() -> None:
    """Every property has a description."""
    assert not [path for path, schema in schema_leaves(SPEC) if not schema.get("description")]
    assert convert({"apiVersion": VERSIONS[0], "spec": {}}, VERSIONS[1])["apiVersion"].endswith(f"/{MADE['name']}")
