"""The notation of golden answers loses nothing, and their failures say what to do."""

import shutil
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support import golden
from support.cases import CASES, NOW, Case, all_cases
from support.golden import BASES, golden_answer, golden_text, mismatch
from support.merge_patch import difference, overlaid
from support.offline_metacontroller import World
from support.strategies import functions

from hooks.config import Config
from hooks.protocol import HookRequest
from hooks.sync import sync

Manifest = dict[str, Any]

texts = st.sampled_from(["a", "b", "c", "$last"])
leaves = texts | st.integers(0, 3) | st.booleans()
"""No null: a merge patch has no word for it."""


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Maps, lists, and lists that are addressed by key, under the names that such lists have."""
    by_name = st.lists(st.fixed_dictionaries({"name": texts}, optional={"a": inner}), max_size=4)
    by_kind = st.lists(st.fixed_dictionaries({"kind": texts}, optional={"env": by_name}), max_size=3)
    named = st.fixed_dictionaries({}, optional={"env": by_name, "children": by_kind})
    return named | st.dictionaries(texts, inner, max_size=3) | st.lists(inner, max_size=3)


documents = st.recursive(leaves, objects, max_leaves=12)

PATCHES: dict[str, tuple[str, str, str]] = {
    "a field of an item": ("env: [{name: A, value: x}]", "env: {A: {value: y}}", "env: [{name: A, value: y}]"),
    "an item more": ("env: [{name: A}]", "env: {B: {value: x}}", "env: [{name: A}, {name: B, value: x}]"),
    "an item less": ("env: [{name: A}, {name: B}]", "env: {A: null}", "env: [{name: B}]"),
    "another key": ("env: [{name: A, value: x}]", "env: {A: {name: B}}", "env: [{name: B, value: x}]"),
    "another order": ("env: [{name: A}, {name: B}]", "env: {$last: [A]}", "env: [{name: B}, {name: A}]"),
    "a list as a whole": ("env: [{name: A}]", "env: [{name: B}]", "env: [{name: B}]"),
    "a list without keys": ("command: [a, b]", "command: [c]", "command: [c]"),
    "conditions by type": ("conditions: [{type: A}]", "conditions: {A: {x: 1}}", "conditions: [{type: A, x: 1}]"),
}
"""A base, a patch, and what comes of it."""


@pytest.mark.parametrize("name", PATCHES)
def test_patches(name: str) -> None:
    """A map laid over a list of objects addresses items by key; everything else is RFC 7386."""
    base, patch, patched = map(yaml.safe_load, PATCHES[name])
    before = deepcopy(base)
    assert overlaid(base, patch) == patched
    assert base == before


@pytest.mark.parametrize("base", BASES)
def test_patches_of_cases_lose_nothing(base: str) -> None:
    """From a base to every answer, and from every answer back to the base."""
    whole = golden_answer(base)
    for case in all_cases():
        answer = case.answer()
        assert overlaid(whole, difference(whole, answer)) == answer
        assert overlaid(answer, difference(answer, whole)) == whole


@given(functions())
def test_patches_of_generated_answers_lose_nothing(parent: Manifest) -> None:
    """The same for the answers of generated Functions, against the nearest base."""
    answer = sync(HookRequest.parse(World(parent).request()), Config(), now=NOW).to_json()
    base = golden_answer("minimal-nodejs")
    assert overlaid(base, difference(base, answer)) == answer
    assert overlaid(answer, difference(answer, base)) == base


@given(documents, documents)
def test_a_patch_leads_to_the_value_or_there_is_none(base: Any, value: Any) -> None:
    """difference() raises ValueError only where a map stands in the place of a list of objects."""
    try:
        patch = difference(base, value)
    except ValueError:
        assert has_map_for_list(base, value)
    else:
        assert overlaid(base, patch) == value
        assert difference(base, overlaid(base, patch)) == patch


def has_map_for_list(base: Any, value: Any) -> bool:
    """Return whether a map of `value` would be laid over a list of `base`."""
    if isinstance(base, dict) and isinstance(value, dict):
        return any(has_map_for_list(base[key], value[key]) for key in base.keys() & value.keys())
    if isinstance(base, list) and isinstance(value, list):
        return any(has_map_for_list(one, other) for one in base for other in value)
    return isinstance(base, list) and isinstance(value, dict)


def test_null_has_no_patch() -> None:
    """RFC 7386 removes what is null, so an answer that holds null is written in full."""
    with pytest.raises(ValueError, match="no merge patch"):
        difference({}, {"a": None})
    assert "extends" not in golden_text("any", {"status": {"a": None}})


def test_only_bases_are_long() -> None:
    """Half of the answers have fewer than 20 lines, and only bases have more than 120."""
    lines = {case.name: len((CASES / case.name / "response.yaml").read_text().splitlines()) for case in all_cases()}
    assert sorted(lines.values())[len(lines) // 2] < 20
    assert {name for name, count in lines.items() if count > 120} <= set(BASES)


@pytest.fixture
def response(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """response.yaml of the case `new`, in a copy of cases/ that has the bases only."""
    for base in BASES:
        shutil.copytree(CASES / base, tmp_path / base)
    monkeypatch.setattr(golden, "CASES", tmp_path)
    (tmp_path / "new").mkdir()
    return tmp_path / "new" / "response.yaml"


def settled_case() -> Case:
    return replace(Case.load(CASES / "settled"), name="new")


def test_bless_extends_the_nearest_base(response: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new file extends the base with the shortest patch; an old one keeps its base while no other is much nearer."""
    answer = golden_answer("settled")
    answer["status"]["replicas"] = 7
    assert golden_text("new", answer) == "extends: settled\nstatus:\n  replicas: 7\n"
    response.write_text("extends: minimal-nodejs\n")
    assert golden_text("new", answer).startswith("extends: settled\n")
    monkeypatch.setattr(golden, "NEAR", 100)
    assert golden_text("new", answer).startswith("extends: minimal-nodejs\n")


def test_an_unknown_base_is_refused(response: Path) -> None:
    """A file that extends what is no base answer fails with the names of the bases."""
    response.write_text("extends: cobol\n")
    with pytest.raises(AssertionError, match=r"new/response\.yaml extends 'cobol', but the base answers are settled, "):
        golden_answer("new")


def test_a_missing_answer_is_refused(response: Path) -> None:
    """A case without a response.yaml fails with the command that writes it."""
    assert not response.exists()
    with pytest.raises(AssertionError, match=r"new lacks response\.yaml: run with --bless, then read it"):
        golden_answer("new")


def test_a_stale_base_is_named(response: Path) -> None:
    """Where the base answer differs from what is computed, the cases that extend it say so."""
    base = response.parents[1] / "settled" / "response.yaml"
    base.write_text(base.read_text().replace("replicas: 1", "replicas: 5"))
    response.write_text("extends: settled\n")
    failure = mismatch(settled_case(), settled_case().answer(), golden_answer("new"))
    assert "The base answer, settled, differs too: look at that case first." in failure


def test_a_failure_is_a_yaml_diff(response: Path) -> None:
    """A failure shows the case, its reason, the command that blesses it, and the lines of YAML that differ."""
    response.write_text("extends: settled\nstatus:\n  replicas: 7\n")
    case = settled_case()
    lines = mismatch(case, case.answer(), golden_answer("new")).splitlines()
    assert lines[0] == f"tests/core/cases/new: {case.reason}"
    assert lines[1].endswith(".venv/bin/pytest 'tests/core/test_cases.py::test_case[new]' --bless")
    assert [line for line in lines if line.startswith(("-  ", "+  "))] == ["-  replicas: 7", "+  replicas: 1"]


@pytest.mark.parametrize("replicas", [True, 1.0, "1"])
def test_types_are_compared_too(replicas: Any) -> None:
    """A number, a boolean and a text that read alike differ."""
    case, expected = settled_case(), golden_answer("settled")
    assert mismatch(case, case.answer(), expected) == ""
    expected["status"]["replicas"] = replicas
    assert mismatch(case, case.answer(), expected)
