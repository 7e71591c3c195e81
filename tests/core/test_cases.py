"""Every folder under cases/ is a story, and its answer stands beside it."""

import json
import re
import urllib.request
from pathlib import Path

import pytest
import yaml
from deepdiff import DeepDiff
from support.cases import Case, Manifest, folders


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_case(folder: Path, request: pytest.FixtureRequest) -> None:
    """The answer is the one that was blessed."""
    case, file = Case.load(folder), folder / "response.yaml"
    if url := request.config.getoption("--url"):
        answer = _asked(case, url)
    else:
        answer = case.answer()
        if request.config.getoption("--bless"):
            file.write_text(case.dump(answer), encoding="utf-8")
    assert file.exists(), f"{folder.name} lacks response.yaml: run with --bless, then read it"
    expected = yaml.safe_load(file.read_text(encoding="utf-8"))
    if url:
        expected, answer = _timeless(expected), _timeless(answer)
    assert not DeepDiff(expected, answer), f"{case.reason}\n{DeepDiff(expected, answer).pretty()}"


def test_answers_are_dumped_canonically(request: pytest.FixtureRequest) -> None:
    """A blessed file is what --bless would write: nobody edited it by hand."""
    for folder in folders():
        case = Case.load(folder)
        assert (folder / "response.yaml").read_text(encoding="utf-8") == case.dump(case.answer()), folder.name


def _asked(case: Case, url: str) -> Manifest:
    if not (case.is_default_config and case.is_timeless):
        pytest.skip("LEFT OUT with --url: this case has a config or a clock of its own")
    path = "finalize" if case.request["finalizing"] else "sync"
    body = json.dumps(case.request).encode()
    asked = urllib.request.Request(f"{url}/v1/{path}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=10) as response:
        return dict(json.load(response))


def _timeless(answer: Manifest) -> Manifest:
    """The running service has a clock of its own."""
    return dict(json.loads(re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", json.dumps(answer))))
