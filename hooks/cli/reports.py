"""The formats in which `buildless validate` reports problems."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hooks import __version__
from hooks.cli.problem import Problem

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_HOME = "https://github.com/buildless-functions/buildless-functions"


def as_json(problems: Sequence[Problem]) -> str:
    """Return one object with a list `problems`; a line is 0 and a path "" where there is none."""
    rows = [{"file": each.file, "line": each.line, "path": each.path, "message": each.message} for each in problems]
    return json.dumps({"problems": rows}, indent=2, ensure_ascii=False) + "\n"


def as_sarif(problems: Sequence[Problem]) -> str:
    """Return a SARIF 2.1.0 log, which GitHub's code scanning and editors read."""
    rule = {"id": "invalid-function", "shortDescription": {"text": "A Function that the API server or hook rejects"}}
    driver = {"name": "buildless", "version": __version__, "informationUri": _HOME, "rules": [rule]}
    run = {"tool": {"driver": driver}, "results": [_result(each) for each in problems]}
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _result(problem: Problem) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": problem.file}}
    if problem.line:
        place["region"] = {"startLine": problem.line}
    text = f"{problem.path}: {problem.message}" if problem.path else problem.message
    location = {"physicalLocation": place}
    return {"ruleId": "invalid-function", "level": "error", "message": {"text": text}, "locations": [location]}


def as_github(problems: Sequence[Problem]) -> str:
    """Return workflow commands, which GitHub Actions shows beside the lines of a pull request."""
    return "".join(f"::error {_properties(each)}::{_escaped(each.message)}\n" for each in problems)


def _properties(problem: Problem) -> str:
    found = {"file": problem.file, "line": problem.line or 1, "title": problem.path or "invalid file"}
    return ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in found.items())


def _escaped(text: str, more: str = "") -> str:
    """Return a text as a workflow command needs it: percent-encoded where it could end the value or the line."""
    return "".join(f"%{ord(each):02X}" if each in "%\r\n" + more else each for each in text)


REPORTS: Mapping[str, Callable[[Sequence[Problem]], str]] = {
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
}
