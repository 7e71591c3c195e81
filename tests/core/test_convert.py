"""hooks/convert.py: nothing is lost between v1alpha2 and v2alpha1, and an edited field is never undone."""

import json
import string
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

import pytest
from support.cases import ROOT
from support.left_out import RUN_ALL
from support.merge_patch import overlaid
from support.random_functions import function as random_function
from support.yaml_files import read_yaml

from hooks.convert import KEPT, MAX_ANNOTATIONS_BYTES, MAX_KEPT_BYTES, convert
from hooks.moved_fields import MOVED, VERSIONS, fill, take

Manifest = dict[str, Any]

V1, V2 = VERSIONS
ROWS = read_yaml(ROOT / "tests" / "core" / "conversions.yaml")
EDITS = read_yaml(ROOT / "tests" / "core" / "conversion_edits.yaml")
OBJECTS = 20_000 if RUN_ALL else 500
ODD: list[Any] = [
    None,
    True,
    0,
    1.5,
    "",
    "x",
    [],
    [1],
    {},
    {"a": None},
    {"source": "a"},
    {"resources": {}},
    {"limits": {}},
]
KEYS = sorted({key for group in MOVED.values() for pair in group.fields for path in pair for key in path.split(".")})


def of(version: str, spec: Any, **more: Any) -> Manifest:
    return {"apiVersion": version, "kind": "Function", "metadata": {"name": "a", "uid": "u"}, "spec": spec} | more


def text(value: Any) -> str:
    """Return a value as JSON, with the order of its keys and the types of its numbers."""
    return json.dumps(value)


def groups(function: Manifest) -> list[str]:
    """Return the groups in the annotation."""
    entry = function["metadata"].get("annotations", {}).get(KEPT)
    return list(next(iter(json.loads(entry).values()))) if entry else []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_rows(row: Manifest) -> None:
    """Each row converts as it says in both directions, and back to the last byte."""
    first, second = of(V1, row["v1alpha2"]), of(V2, row["v2alpha1"])
    assert text(convert(first, V2)["spec"]) == text(row["v2alpha1"]) or "lacking" in row
    assert text(convert(second, V1)["spec"]) == text(row["v1alpha2"]) or "kept" in row
    assert groups(convert(first, V2)) == row.get("kept", [])
    assert groups(convert(second, V1)) == row.get("lacking", [])
    assert text(convert(convert(first, V2), V1)) == text(first)
    assert text(convert(convert(second, V1), V2)) == text(second)


ENTRY = (
    '{"v1alpha2":{'
    '"inline":["60f910648543b4fb",{"inline":{"source":null,"dependencies":null,"c":null}}],'
    '"function":["8776c5ea2398b393",{"function":{"profile":null,"resources":{"claims":[]}}}],'
    '"template":["44136fa355b3678a",{"template":{"a":1}}]}}'
)
STORED = {
    "template": {"a": 1},
    "source": {"inline": {"source": "a", "dependencies": "b", "c": None}},
    "resourceConfiguration": {"function": {"profile": "S", "resources": {"claims": []}}},
}


def test_the_format_of_the_annotation() -> None:
    """Files and clients hold annotations of earlier releases: the names, the digests and their length are fixed."""
    assert VERSIONS == ("serverless.kyma-project.io/v1alpha2", "serverless.kyma-project.io/v2alpha1")
    assert convert(of(V1, STORED), V2)["metadata"]["annotations"] == {KEPT: ENTRY}


def test_the_order_of_keys_is_no_edit() -> None:
    """Clients sort keys, at any depth: what was kept is restored all the same."""
    limits = {"memory": "1Gi", "cpu": 1}
    before = of(V1, STORED | {"resourceConfiguration": {"function": {"resources": {"limits": limits, "claims": []}}}})
    assert convert(json.loads(sorted_text(convert(before, V2))), V1) == before


@pytest.mark.parametrize("annotations", [{}, {"a": "b"}], ids=["empty", "another"])
def test_what_does_not_change_is_shared(annotations: Manifest) -> None:
    """Metadata of which nothing changes is the same object, and so are maps that no field is moved from or to."""
    metadata = {"annotations": annotations}
    assert convert(of(V1, {}) | {"metadata": metadata}, V2)["metadata"] is metadata
    value = {"a": {"c": 1}, "b": 2}
    values, rest = take(value, {("b",): "moved"})
    assert (values, rest) == ({"moved": 2}, {"a": {"c": 1}, "b": None})
    assert rest["a"] is value["a"]
    assert fill(rest, {("b",): "moved"}, values)["a"] is value["a"]


@pytest.mark.parametrize("conditions", [{"a": 1}, "text", 5, None, [{"message": 5}], [{"message": []}], ["a"]], ids=str)
def test_conditions_of_a_wrong_type(conditions: Any) -> None:
    """They are left alone."""
    function = of(V1, {}, status={"conditions": conditions})
    assert convert(function, V2) == function | {"apiVersion": V2}


@pytest.mark.parametrize("row", EDITS, ids=lambda row: row["name"])
def test_edits(row: Manifest) -> None:
    """The edited field wins; what was kept for other groups survives."""
    own, other = (V1, V2) if row["from"] == "v1alpha2" else (V2, V1)
    edited = convert(of(own, row["spec"]), other)
    edited["spec"] = overlaid(edited["spec"], row["edit"])
    assert convert(edited, own) == of(own, row["back"])


def changed(random: Random, value: Any) -> Any:
    """Return a value with some parts replaced, removed, or joined by keys that the conversion moves."""
    if not isinstance(value, dict) or random.random() < 0.05:
        return deepcopy(random.choice(ODD)) if random.random() < 0.3 else value
    items = [(key, changed(random, inner)) for key, inner in value.items() if random.random() > 0.05]
    if random.random() < 0.3:
        key = random.choice([*KEYS, "template", *string.ascii_lowercase])
        items.insert(random.randrange(len(items) + 1), (key, deepcopy(random.choice(ODD))))
    return dict(items)


def generated(version: str, number: int) -> Iterator[tuple[Random, Manifest]]:
    """Yield objects, valid ones and those with errors in any place, with metadata and a status of any kind."""
    for seed in range(number):
        random = Random(seed)
        spec = random_function(random)[1]["spec"]
        spec = convert(of(V1, spec), version)["spec"]
        for _ in range(random.choice([0, 1, 1, 3])):
            spec = changed(random, spec)
        metadata = {"name": "a", "managedFields": [{"fieldsV1": {"f:spec": {"f:template": {}}}}], "labels": {"b": "c"}}
        if random.random() < 0.5:
            metadata["annotations"] = {"z": "1", "a": "2"}
        message = f"spec.source.inline.source: {random.choice(MESSAGES)}"
        status: Any = random.choice(
            [None, {}, [], {"conditions": [1, {"message": message}, {"type": "b"}], "a": {"b": 1}}]
        )
        yield random, of(version, spec) | {"metadata": metadata, "status": status}


MESSAGES = [
    "spec.source.inline: a",
    "spec.source.inline.source.source",
    "spec.resourceConfiguration.function.resources.limits.cpu",
    "spec.resourceConfiguration.limits.",
    "spec.source.dependencies_",
]


@pytest.mark.parametrize(("own", "other"), [(V1, V2), (V2, V1)], ids=["v1alpha2", "v2alpha1"])
def test_back_and_forth(own: str, other: str) -> None:
    """A Function of either version is equal to itself after a conversion and its reverse, and its input unchanged."""
    for _, before in generated(own, OBJECTS):
        original = deepcopy(before)
        there = convert(before, other)
        assert text(before) == text(original)
        assert (there["apiVersion"], there["metadata"]["managedFields"]) == (other, before["metadata"]["managedFields"])
        assert sorted_text(convert(there, own)) == sorted_text(before)
        assert sorted_text(convert(convert(convert(there, own), other), own)) == sorted_text(before)


def sorted_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize(("own", "other"), [(V1, V2), (V2, V1)], ids=["v1alpha2", "v2alpha1"])
def test_edits_of_generated_functions(own: str, other: str) -> None:
    """
    After an edit of one field in the other version, that field is as edited when it is read there again.

    Every other field that this version has is as before, and what was kept for another group is restored.
    """
    side = VERSIONS.index(other)
    for random, before in generated(own, OBJECTS):
        there = deepcopy(convert(before, other))
        name = random.choice([name for name, group in MOVED.items() if group.fields])
        parent, *path = f"{MOVED[name].parent}.{random.choice(MOVED[name].fields)[side]}".split(".")
        if not isinstance(there["spec"], dict) or not put(there["spec"], (parent, *path), {"edited": "1"}):
            continue
        back = convert(there, own)
        assert sorted_text(known(convert(back, other))) == sorted_text(known(there))
        wanted = [each for each in groups(there) if each != name]
        assert [each for each in groups(convert(back, other)) if each != name] == wanted


def known(function: Manifest) -> Manifest:
    """Return a Function without its annotation."""
    return function | {"metadata": None}


def put(value: Any, path: tuple[str, ...], wanted: Any) -> bool:
    """Set a field, and return whether every map above it existed or could be added."""
    for key in path[:-1]:
        value = value.setdefault(key, {})
        if not isinstance(value, dict):
            return False
    value[path[-1]] = wanted
    return True


HOSTILE = [
    "",
    "{",
    "[]",
    "[" * 5000,
    "null",
    "{}" + " " * MAX_KEPT_BYTES,
    '{"v1alpha2": 5}',
    '{"v1alpha2": {"build": 5}}',
    '{"v1alpha2": {"build": []}}',
    '{"v1alpha2": {"build": [5, {}]}}',
    '{"v1alpha2": {"build": ["DIGEST", []]}}',
    '{"v1alpha2": {"build": ["DIGEST", {"build": {"profile": "S"}, "function": {"profile": "XL"}}]}}',
    '{"v1alpha2": {"function": ["DIGEST", {"runtime": "b"}]}}',
    '{"v1alpha2": {"unknown": ["DIGEST", {"build": 5}]}}',
    '{"v2alpha1": {"build": ["DIGEST", {"build": {"profile": "S"}}]}}',
]


@pytest.mark.parametrize("entry", HOSTILE)
def test_malformed_annotations_restore_nothing(entry: str) -> None:
    """An annotation that the hook did not write is dropped, and the spec converts as without it."""
    spec = {"runtime": "a", "source": {"inline": "a"}, "resourceConfiguration": {}}
    function = of(V2, spec)
    plain = deepcopy(convert(function, V1))
    digest = json.loads(convert(of(V1, {"template": {}}), V2)["metadata"]["annotations"][KEPT])["v1alpha2"]["template"][
        0
    ]
    for others in ({}, {"b": "c"}):
        function["metadata"]["annotations"] = {KEPT: entry.replace("DIGEST", digest), **others}
        wanted = plain["metadata"] | ({"annotations": others} if others else {})
        assert convert(function, V1) == plain | {"metadata": wanted}


def test_a_longer_annotation_is_not_read() -> None:
    """Beyond its bound the annotation restores nothing, even if the JSON in it is right."""
    there = convert(of(V1, {"template": {}}), V2)
    entry = there["metadata"]["annotations"][KEPT]
    for excess in (0, 1):
        there["metadata"]["annotations"][KEPT] = entry + " " * (MAX_KEPT_BYTES - len(entry) + excess)
        assert convert(there, V1)["spec"] == ({} if excess else {"template": {}})
    assert KEPT == "serverless.kyma-project.io/kept-by-conversion"
    assert (MAX_KEPT_BYTES, MAX_ANNOTATIONS_BYTES) == (65536, 262144)


@pytest.mark.parametrize("value", [5, None, {"v1alpha2": {}}])
def test_annotations_of_a_wrong_type(value: Any) -> None:
    """An annotation that is no string is dropped; other metadata of a wrong type is left alone."""
    function = of(V2, {})
    function["metadata"]["annotations"] = {KEPT: value, "a": "b"}
    assert convert(function, V1)["metadata"]["annotations"] == {"a": "b"}
    odd: list[Any] = [[], "a", None, {"annotations": [1]}, {"annotations": "a"}]
    for metadata in odd:
        assert convert(of(V1, {"template": {}}) | {"metadata": metadata}, V2)["metadata"] == metadata
    annotated = {"annotations": {"a": value}}
    there = convert(of(V1, {"template": {}}) | {"metadata": annotated}, V2)
    assert (there["metadata"]["annotations"]["a"], groups(there)) == (value, ["template"])
    without = {"apiVersion": V1, "spec": {"template": {}}}
    assert convert(without, V2) == {"apiVersion": V2, "spec": {}}


def test_the_annotation_restores_no_field_of_both_versions() -> None:
    """A field that v2alpha1 has comes from its spec, even if the annotation was written for exactly that object."""
    function = convert(of(V1, {"source": {"inline": {"source": "a", "other": 1}}}), V2)
    entry = function["metadata"]["annotations"][KEPT]
    for instead in ('"evil"', '{"source":"evil"}'):
        function["metadata"]["annotations"][KEPT] = entry.replace('{"source":null,"other":1}', instead)
        assert function["metadata"]["annotations"][KEPT] != entry
        assert convert(function, V1)["spec"] == {"source": {"inline": {"source": "a"}}}
    function["metadata"]["annotations"][KEPT] = entry.replace("null", '"evil","dependencies":"evil"')
    assert convert(function, V1)["spec"] == {"source": {"inline": {"source": "a", "other": 1}}}


def test_nulls_do_not_count_as_edits() -> None:
    """The API server drops null fields after a conversion: what was kept is restored all the same."""
    there = convert(of(V1, {"resourceConfiguration": {"function": {"profile": None, "resources": {}}}}), V2)
    there["spec"] = {"resourceConfiguration": {}}
    assert convert(there, V1)["spec"] == {"resourceConfiguration": {"function": {"resources": {}}}}
    amounts = {"resources": {"limits": {"a": None, "b": 1}, "claims": []}}
    there = convert(of(V1, {"resourceConfiguration": {"function": amounts}}), V2)
    del there["spec"]["resourceConfiguration"]["limits"]["a"]
    back = {"resources": {"limits": {"b": 1}, "claims": []}}
    assert convert(there, V1)["spec"] == {"resourceConfiguration": {"function": back}}


def annotation_size(function: Manifest) -> int:
    return len(function["metadata"].get("annotations", {}).get(KEPT, "").encode())


def test_the_annotation_is_bounded() -> None:
    """Groups that do not fit are left out, the largest first; the rest and the fields of both versions survive."""
    empty = annotation_size(convert(of(V1, {"template": ""}), V2))
    fits = of(V1, {"template": "é" * ((MAX_KEPT_BYTES - empty) // 2) + "x" * (empty % 2)})
    assert annotation_size(convert(fits, V2)) == MAX_KEPT_BYTES
    assert convert(convert(fits, V2), V1) == fits
    spec = {"template": fits["spec"]["template"] + "x", "source": {"inline": {"source": "a", "b": 1}}}
    there = convert(of(V1, spec), V2)
    assert groups(there) == ["inline"]
    assert convert(there, V1)["spec"] == {"source": spec["source"]}
    there = convert(of(V1, {"template": {}, "resourceConfiguration": {"build": "x" * MAX_KEPT_BYTES}}), V2)
    assert groups(there) == ["template"]


def test_all_annotations_together_are_bounded() -> None:
    """The annotation leaves the others their space: the API server fails a review with more than 256 KiB of them."""
    function = of(V1, {"template": {}})
    size = len(KEPT) + annotation_size(convert(function, V2))
    for excess in (0, 1):
        value = "é" * ((MAX_ANNOTATIONS_BYTES - size - 2) // 2)
        value += "x" * (MAX_ANNOTATIONS_BYTES - size - 1 - len(value.encode()) + excess)
        function["metadata"] = {"annotations": {"a": value}}
        assert len(convert(function, V2)["metadata"]["annotations"]) == 2 - excess


@pytest.mark.parametrize("pair", [(V1, "v3"), ("v1", V2), (None, V2), (["a"], V2)], ids=str)
def test_unknown_versions(pair: tuple[Any, str]) -> None:
    """Another version is an error that names those of Functions."""
    with pytest.raises(ValueError, match=f"^apiVersion: supported values: {V1}, {V2}"):
        convert(of(pair[0], {}), pair[1])


def test_the_same_version() -> None:
    """A Function that has the version already is returned as it is, its annotation included."""
    function = of(V1, {"template": {}})
    assert convert(function, V1) is function


def test_values_nested_too_deeply() -> None:
    """What JSON cannot hold is not kept; the fields of both versions and the other groups survive."""
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    spec = {"env": deep, "template": deep, "source": {"inline": {"other": 1}}, "resourceConfiguration": {"build": 1}}
    there = convert(of(V1, spec), V2)
    assert there["spec"] == {"env": deep}
    assert groups(there) == ["inline", "build"]
    amounts = {"profile": 1, "resources": {"limits": deep, "claims": []}}
    there = convert(of(V1, {"resourceConfiguration": {"function": amounts}}), V2)
    assert there["spec"] == {"resourceConfiguration": {"profile": 1, "limits": deep}}
    assert groups(there) == []
    kept = {"function": {"profile": None, "resources": {"limits": None}, "other": 1}}
    entry = json.dumps({"v1alpha2": {"function": ["", kept]}})
    there["metadata"] = {"annotations": {KEPT: entry}}
    wanted = {"function": {"profile": 1, "resources": {"limits": deep}}}
    assert convert(there, V1)["spec"] == {"resourceConfiguration": wanted}


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("spec.source.inline.source: Required value", "spec.source.inline: Required value"),
        (
            "spec.resourceConfiguration.function.resources.limits.cpu and spec.source.inline.dependencies.",
            "spec.resourceConfiguration.limits.cpu and spec.source.dependencies.",
        ),
        ("spec.resourceConfiguration.build.resources.requests: b", "spec.resourceConfiguration.install.requests: b"),
        ("spec.source.inline.sources, xspec.source.inline.source, a.spec.source.inline.source", None),
        ("spec.source.inline.source.source", None),
        ("spec.env[0].name", None),
    ],
)
def test_messages_have_the_paths_of_the_version(message: str, wanted: str | None) -> None:
    """The messages of conditions name a moved field by its path in the version in which they are read."""
    function = of(V1, {}, status={"conditions": [{"type": "Ready", "message": message}], "a": 1})
    there = convert(function, V2)
    condition = {"type": "Ready", "message": message if wanted is None else wanted}
    assert there["status"] == {"conditions": [condition], "a": 1}
    assert convert(there, V1) == function
