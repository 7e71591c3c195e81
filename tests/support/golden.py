"""
Golden answers: the response.yaml of each case.

The file of a base answer has it in full. Every other answer is a merge patch (merge_patch.py) against the base that its
first line names, so that a change of all pods changes the files of the bases only:

    extends: settled
    status: {conditions: {Running: {status: "False", reason: ServiceFailed}}}
    children: {Service: null}
"""

import difflib
import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from support.cases import CASES, Case
from support.merge_patch import difference, overlaid

from hooks.cli.dump import to_yaml

Manifest = dict[str, Any]

BASES = ("settled", "minimal-nodejs", "broken-new", "git-settled")
NEAR = 10
"""--bless keeps the base that a file names until another one saves more lines than this."""
CONTEXT = 6


def golden_answer(name: str) -> Manifest:
    """Return the blessed answer of a case in full; raises AssertionError with a sentence if there is none."""
    file = CASES / name / "response.yaml"
    assert file.exists(), f"{name} lacks response.yaml: run with --bless, then read it"
    content = dict(yaml.safe_load(file.read_text(encoding="utf-8")))
    if "extends" not in content:
        return content
    base = content.pop("extends")
    assert base in BASES, f"{name}/response.yaml extends {base!r}, but the base answers are {', '.join(BASES)}"
    return dict(overlaid(_whole(CASES / base), content))


def base_of(name: str) -> str | None:
    """Return the base that the file of a case names, if any."""
    file = CASES / name / "response.yaml"
    first = file.read_text(encoding="utf-8").partition("\n")[0] if file.exists() else ""
    return first.removeprefix("extends: ") if first.startswith("extends: ") else None


def golden_text(name: str, answer: Manifest) -> str:
    """Return response.yaml for this answer: a patch against the nearest base, as the bases are now."""
    if name in BASES:
        return to_yaml(answer)
    texts = {base: text for base in BASES if (text := _patch_text(base, answer))}
    if not texts:
        return to_yaml(answer)
    nearest, named = min(texts, key=lambda base: _lines(texts[base])), base_of(name)
    keep = named in texts and _lines(texts[named]) <= _lines(texts[nearest]) + NEAR
    return texts[named if named and keep else nearest]


def mismatch(case: Case, answer: Manifest, expected: Manifest) -> str:
    """Return why an answer is not the expected one, as a YAML diff; "" if it is."""
    if json.dumps(expected, sort_keys=True) == json.dumps(answer, sort_keys=True):
        return ""
    wanted = to_yaml(_in_order_of(expected, answer)).splitlines(keepends=True)
    found = to_yaml(answer).splitlines(keepends=True)
    diff = difflib.unified_diff(wanted, found, "response.yaml", "answer", n=CONTEXT)
    return (
        f"tests/core/cases/{case.name}: {case.reason}\n{_hint(case.name)}"
        f"If the new answer is right: .venv/bin/pytest 'tests/core/test_cases.py::test_case[{case.name}]' --bless\n\n"
        + "".join(diff)
    )


def _hint(name: str) -> str:
    base = base_of(name)
    if base in BASES and Case.load(CASES / base).answer() != _whole(CASES / base):
        return f"The base answer, {base}, differs too: look at that case first.\n"
    return ""


@cache
def _whole(folder: Path) -> Manifest:
    content = dict(yaml.safe_load((folder / "response.yaml").read_text(encoding="utf-8")))
    assert "extends" not in content, f"{folder.name} is a base answer, so it extends nothing: run with --bless"
    return content


@cache
def _computed(name: str) -> Manifest:
    return Case.load(CASES / name).answer()


def _patch_text(base: str, answer: Manifest) -> str:
    try:
        return to_yaml({"extends": base} | difference(_computed(base), answer))
    except ValueError:
        return ""


def _lines(text: str) -> int:
    return text.count("\n")


def _in_order_of(value: Any, model: Any) -> Any:
    """Return the same data with the keys of its maps in the order of the model, so that a diff shows no moved keys."""
    if isinstance(value, dict) and isinstance(model, dict):
        keys = [*(key for key in model if key in value), *(key for key in value if key not in model)]
        return {key: _in_order_of(value[key], model.get(key)) for key in keys}
    if isinstance(value, list) and isinstance(model, list):
        return [_in_order_of(item, model[n] if n < len(model) else None) for n, item in enumerate(value)]
    return value
