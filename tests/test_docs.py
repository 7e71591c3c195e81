"""What the docs show is what happens."""

import json
import re
import urllib.request
from pathlib import Path

import pytest
from cases import ROOT
from conformance.servers import Server, started

from hooks.cli import runtime_cache

HANDLERS = (ROOT / "docs" / "handlers.md").read_text(encoding="utf-8")
FILES = {"python": "handler.py", "nodejs": "handler.js"}
MARKS = {"python": "python", "nodejs": "js"}


@pytest.mark.parametrize("family", FILES)
def test_handlers_answer_as_shown(family: str, tmp_path: Path) -> None:
    """Each example of docs/handlers.md runs as it stands and answers what its last line says."""
    if family == "nodejs" and runtime_cache.node_version() is None:
        pytest.skip("LEFT OUT: node and npm are not on PATH")
    (source,) = re.findall(rf"```{MARKS[family]}\n(.*?)```", HANDLERS, re.DOTALL)
    path, _, answer = source.rstrip().rpartition("\n")[2].partition(" GET ")[2].partition(" -> ")
    (tmp_path / FILES[family]).write_text(source)
    (tmp_path / "package.json").write_text("{}")
    place = {"FUNCTION_PATH": str(tmp_path), "HANDLER_PATH": str(tmp_path / "handler.js"), "FUNC_NAME": "hello"}
    with started(family, **place) as server:
        assert ask(server, path) == (200, answer)
        status, body = ask(server, path, b'{"a": 1}')
    assert (status, json.loads(body)) == (201, {"received": {"a": 1}})


def ask(server: Server, path: str, body: bytes | None = None) -> tuple[int, str]:
    """Send a GET, or a POST of JSON."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{path}", body, {"Content-Type": "application/json"} if body else {}
    )
    with urllib.request.urlopen(request) as answer:
        return answer.status, answer.read().decode()
