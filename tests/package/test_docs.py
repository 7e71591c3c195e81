"""The docs agree with the code: links, commands, examples and the recorded picture."""

import importlib.util
import json
import math
import os
import re
import urllib.request
from html import unescape
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from support import node26
from support.cases import ROOT
from support.runtime_servers import Server, started

from hooks.cli import COMMANDS, runtime_cache

INDEXES = [ROOT / "docs" / "README.md", ROOT / "docs" / "decisions" / "README.md"]
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})
THREATS = 23
HANDLERS = (ROOT / "docs" / "handlers.md").read_text(encoding="utf-8")
FILES = {"python": "handler.py", "nodejs": "handler.js"}
MARKS = {"python": "python", "nodejs": "js"}
STYLES = {
    "older": {"python": "python312", "nodejs": "nodejs22"},
    "newer": {"python": "python314", "nodejs": "nodejs26"},
}
"""The runtime of each example."""
PYTHON, NODEJS = "python/function_server", "nodejs/lib"
LIMITS = [
    ("request line", 1, "16 KiB", f"{PYTHON}/connection.py", "TARGET_BYTES", 16 * 1024),
    ("headers", 1, "32 KiB", f"{PYTHON}/connection.py", "HEAD_BYTES", 32 * 1024),
    ("time for the headers", 1, "10 s", f"{PYTHON}/connection.py", "HEAD_SECONDS", 10),
    ("connections", 1, "2,048", f"{PYTHON}/connections.py", "MOST", 2048),
    ("all bodies at a time", 1, "3/8", f"{PYTHON}/budget.py", "SHARE", 3 / 8 * 2),
    ("all bodies at a time", 1, "1/32", f"{PYTHON}/budget.py", "JSON_FACTOR", 32 * 3 / 4),
    ("time for the headers", 2, "10 s", f"{NODEJS}/connections.mjs", "HEAD_MILLISECONDS", 10_000),
    ("time for the body", 2, "60 s", f"{NODEJS}/connections.mjs", "BODY_MILLISECONDS", 60_000),
    ("time for the body", 2, "300 s", f"{NODEJS}/connections.mjs", "LONGEST_BODY_MILLISECONDS", 300_000),
    ("connections", 2, "4,096", f"{NODEJS}/connections.mjs", "CONNECTIONS", 4096),
    ("all bodies at a time", 2, "1/4", f"{NODEJS}/body.mjs", "SHARE_OF_MEMORY", 1 / 4),
]
"""A row of the page, its column, what that shows, and the constant with its value."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_references_of_a_page_exist(page: Path) -> None:
    """Every file that a page names or links to exists, and so does every test that it names."""
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (page.parent / link).exists(), link
    for path, _, name in re.findall(
        r"`((?:tests|docs|hooks|chart|gitops|bench|metacontroller)/[\w./-]+)(::(\w+))?`", text
    ):
        assert (ROOT / path).exists(), path
        assert not name or re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE), f"{path}::{name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_anchors_lead_to_a_heading(page: Path) -> None:
    """The part of a link after # is a heading of the page that it leads to, in GitHub's spelling."""
    for link, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        target = page.parent / link if link else page
        headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}, (
            f"{link}#{anchor}"
        )


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: index.parent.name)
def test_every_page_is_in_its_index(index: Path) -> None:
    """A README.md links each page of its folder once."""
    linked = re.findall(r"^(?:- |\| )\[[^]]+\]\(([^/)]+\.md)\)", index.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(linked) == sorted(page.name for page in index.parent.glob("*.md") if page != index)


def test_targets_of_make_exist() -> None:
    """Every make target that a page names exists."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for page in PAGES:
        named = re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= set(targets), page.name


def load(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_shows_commands_of_buildless() -> None:
    """README.md's picture was recorded by `make picture` from its present session, which uses present commands."""
    terminal = load(ROOT / "tools" / "terminal.py")
    picture = unescape(terminal.PICTURE.read_text(encoding="utf-8"))
    shown = re.findall(r'class="command"[^>]*>\$ (.+)</text>', picture)
    assert shown == [step.command for step in terminal.SESSION]
    assert {command.split()[1] for command in shown if command.startswith("buildless ")} <= set(COMMANDS)
    alternative = re.findall(r"!\[([^]]+)\]\(docs/terminal\.svg\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(alternative) == 1


def test_every_threat_has_a_control_and_a_test() -> None:
    """docs/security.md has for each threat a control, and a test that fails without the control."""
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if re.match(r"\| \d+ \|", line)]
    assert [int(row[0]) for row in rows] == list(range(1, THREATS + 1))
    for number, _, control, test in rows:
        assert control
        assert test.startswith("`tests/") or (test == "-" and "inherent" in control), number


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("family", FILES)
def test_handlers_answer_as_shown(family: str, style: str, tmp_path: Path) -> None:
    """Each example of docs/handlers.md runs unchanged, and its response is that of its last line."""
    if family == "nodejs" and runtime_cache.node_version() is None:
        pytest.skip("LEFT OUT: node and npm are not on PATH")
    sources = re.findall(rf"```{MARKS[family]}\n(.*?)```", HANDLERS, re.DOTALL)
    source = dict(zip(STYLES, sources, strict=True))[style]
    path, _, expected = source.rstrip().rpartition("\n")[2].partition(" GET ")[2].partition(" -> ")
    (tmp_path / FILES[family]).write_text(source)
    (tmp_path / "package.json").write_text("{}")
    place: dict[str, Any] = {
        "FUNCTION_PATH": str(tmp_path),
        "HANDLER_PATH": str(tmp_path / "handler.js"),
        "FUNC_NAME": "hello",
        "FUNC_RUNTIME": (runtime := STYLES[style][family]),
        "PATH": node26.path() if runtime == "nodejs26" else os.environ["PATH"],
    }
    with started(family, **place) as server:
        assert request(server, path) == (200, expected)
        status, body = request(server, path, b'{"a": 1}')
    assert (status, json.loads(body)) == (201, {"received": {"a": 1}})


def test_the_manifest_of_handlers_runs(tmp_path: Path) -> None:
    """The manifest in docs/handlers.md, whose package.json names a file of TypeScript, answers with what it is sent."""
    if runtime_cache.node_version() is None:
        pytest.skip("LEFT OUT: node and npm are not on PATH")
    (manifest,) = re.findall(r"```yaml\n(.*?)```", HANDLERS, re.DOTALL)
    inline = yaml.safe_load(manifest)["spec"]["source"]["inline"]
    (tmp_path / "handler.js").write_text(inline["source"])
    (tmp_path / "package.json").write_text(inline["dependencies"])
    with started("nodejs", HANDLER_PATH=str(tmp_path / "handler.js"), PATH=node26.path()) as server:
        assert request(server, "/", b'{"a": 1}') == (200, '{"received":{"a":1}}')


@pytest.mark.parametrize(("family", "mark"), [("python", "py"), ("nodejs", "javascript")])
def test_uploads_are_read_as_shown(family: str, mark: str, tmp_path: Path) -> None:
    """The handlers in docs/handlers.md that read an upload find its name and size."""
    if family == "nodejs" and runtime_cache.node_version() is None:
        pytest.skip("LEFT OUT: node and npm are not on PATH")
    (source,) = re.findall(rf"```{mark}\n(.*?)```", HANDLERS, re.DOTALL)
    (tmp_path / FILES[family]).write_text(source)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    part = 'Content-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: application/octet-stream'
    body = f"--x\r\n{part}\r\n\r\nabc\r\n--x--\r\n".encode()
    place: dict[str, Any] = {"FUNCTION_PATH": str(tmp_path), "HANDLER_PATH": str(tmp_path / "handler.js")}
    with started(family, **place) as server:
        status, answer = request(server, "/", body, "multipart/form-data; boundary=x")
    assert (status, json.loads(answer)) == (200, {"name": "a.bin", "bytes": 3})


@pytest.mark.parametrize(("row", "column", "shown", "file", "name", "value"), LIMITS)
def test_limits_are_those_of_the_servers(row: str, column: int, shown: str, file: str, name: str, value: float) -> None:
    """The tables of docs/handlers.md have the constants of the servers."""
    (cells,) = (line.strip("| ").split(" | ") for line in HANDLERS.splitlines() if line.startswith(f"| {row} |"))
    source = (ROOT / "runtimes" / file).read_text(encoding="utf-8")
    (product,) = re.findall(rf"^(?:const )?{name} = ([\d. *]+);?$", source, re.MULTILINE)
    assert math.prod(float(factor) for factor in product.split("*")) == value
    assert re.search(rf"(?<!\S){re.escape(shown)}(?!\S*\d)", cells[column])


def request(server: Server, path: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, str]:
    """Send a GET, or a POST of a body of this type."""
    prepared = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{path}", body, {"Content-Type": kind} if body else {}
    )
    with urllib.request.urlopen(prepared) as response:
        return response.status, response.read().decode()
