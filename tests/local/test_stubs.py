"""The type stubs that `buildless new` writes, compared with what the real servers pass to handlers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.runtime_servers import NEEDS, send, started

from hooks.cli.new import ROOT as TEMPLATES

REPORTS = Path(__file__).parent / "stubs"
EVENT = {"ce-specversion": "1.0", "ce-type": "t", "ce-source": "s", "ce-id": "1", "ce-time": "2026-01-02T03:04:05Z"}
JSON = {"content-type": "application/json"}
REQUESTS: Mapping[str, dict[str, Any]] = {
    "query": {"path": "/a?name=you&b=1", "headers": {"cookie": "a=b", "authorization": "Basic YTpi"}},
    "json": {"path": "/", "method": "POST", "body": '{"a": 1}', "headers": JSON},
    "form": {
        "path": "/",
        "method": "POST",
        "body": "a=1&b=2",
        "headers": {"content-type": "application/x-www-form-urlencoded"},
    },
    "cloudevent": {"path": "/", "method": "POST", "body": '{"a": 1}', "headers": EVENT | JSON},
    "structured": {
        "path": "/",
        "method": "POST",
        "body": '{"specversion": "1.0", "type": "t", "source": "s", "id": "1", "data": [1]}',
        "headers": {"content-type": "application/cloudevents+json"},
    },
}
FACTS: Mapping[str, Any] = {"FUNC_NAME": "hello", "SERVICE_NAMESPACE": "default", "FUNC_MEMORY_LIMIT": "256Mi"}
each_request = pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
PYTHON = {
    "event": (
        "python312",
        "python/event/function.pyi",
        "def main(event, context): return report.of_event(event, context)",
    ),
    "sdk": ("python314", "python/sdk/sdk.pyi", "def main(): return report.of_sdk()"),
}


def of_python(directory: Path, style: str, request: dict[str, Any], stub: str | None = None) -> list[str]:
    """Return the differences between a stub for Python and the server."""
    runtime, path, main = PYTHON[style]
    (directory / "report.py").write_text((REPORTS / "report.py").read_text())
    (directory / "handler.py").write_text(f"import report\n\n{main}\n")
    (directory / "stub.pyi").write_text(stub or (TEMPLATES / path).read_text())
    place: dict[str, Any] = {
        "FUNCTION_PATH": str(directory),
        "FUNC_RUNTIME": runtime,
        "STUB": str(directory / "stub.pyi"),
    }
    with started("python", **FACTS, **place) as server:
        status, _, body = send(server, request)
        assert status == 200, server.output
        differences: list[str] = json.loads(body)
        return differences


@NEEDS["python"]
@each_request
@pytest.mark.parametrize("style", PYTHON)
def test_stubs_for_python_are_complete(tmp_path: Path, style: str, request_: dict[str, Any]) -> None:
    """Each public attribute of event, context, the request and sdk is in the stub with its type, and no other."""
    assert of_python(tmp_path, style, request_) == []


WRONG = [
    ("event", "    method: str\n", "    method: int\n", ["extensions['request'].method: is str, not <class 'int'>"]),
    ("event", "    url: str\n", "", ["extensions['request'].url: not in the stub"]),
    ("event", "    url: str\n", "    url: str\n    uri: str\n", ["extensions['request'].uri: only in the stub"]),
    ("event", '"timeout": float', '"timeout": str', ["context['timeout']: is float, not <class 'str'>"]),
    ("sdk", "get_timeout() -> float", "get_timeout() -> str", ["sdk.get_timeout(): is float, not <class 'str'>"]),
    ("sdk", "get_namespace()", "get_space()", ["sdk.get_namespace: only in sdk", "sdk.get_space: only in the stub"]),
]


@NEEDS["python"]
@pytest.mark.parametrize(("style", "right", "wrong", "differences"), WRONG)
def test_a_wrong_stub_is_found(tmp_path: Path, style: str, right: str, wrong: str, differences: list[str]) -> None:
    """An attribute with another type, a missing and an unknown one are found."""
    text = (TEMPLATES / PYTHON[style][1]).read_text()
    assert right in text
    found = of_python(tmp_path, style, REQUESTS["query"], text.replace(right, wrong))
    assert [each for each in found if not each.startswith("event.req")] == differences
