"""The handler of a Function, checked without running it: by the compiler of its language, as far as it is here."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hooks.cli import python_check, runtime_cache
from hooks.cli.document import Document
from hooks.cli.problem import Problem
from hooks.config import Config
from hooks.function import Function, InlineSource
from hooks.runtimes import FAMILIES

PATH = "spec.source.inline.source"
_NODE_LINE = re.compile(r"handler\.\w+:(\d+)$", re.MULTILINE)
_NODE_ERROR = re.compile(r"^(?:Syntax|Reference)Error: .*$", re.MULTILINE)
_EXPORTS = re.compile(r"\bexports?\b")
Found = list[tuple[int, str]]
"""Line in the source (0 for the whole) and message of each problem."""


def handler_problems(document: Document, function: Function, config: Config) -> Iterator[Problem]:
    """Yield the problems of the source of a valid Function, with their lines in the file."""
    inline, runtime = function.spec.source.inline, function.spec.runtime
    if inline:
        family = config.runtimes[runtime].family
        for line, message in _CHECKS[family](inline, FAMILIES[family].interpreter.version_of(runtime)):
            yield document.problem_in_text(PATH, line, message)


def _python(inline: InlineSource, version: str) -> Found:
    """Check with this Python, or with the one of the runtime if this one is older; without either, check nothing."""
    wanted = tuple(map(int, version.split("."))) if version else (0,)
    if sys.version_info >= wanted:
        return python_check.problems(inline.source)
    program = runtime_cache.nearest_python(version)
    if program == sys.executable:
        return []
    command = [program, "-I", python_check.__file__]
    done = subprocess.run(command, input=inline.source.encode(), capture_output=True, check=False)
    return [(line, message) for line, message in json.loads(done.stdout)] if done.returncode == 0 else []


def _node(inline: InlineSource, version: str) -> Found:
    """Check with `node --check`, whatever its version; without it, and TypeScript, look for an export only."""
    if not _EXPORTS.search(inline.source):
        return [(0, "exports no function main(event, context)")]
    name = _file_name(inline.dependencies)
    node = shutil.which("node")
    if not node or name.endswith("ts"):
        return []
    with tempfile.TemporaryDirectory() as directory:
        handler = Path(directory, name)
        handler.write_text(inline.source, encoding="utf-8")
        Path(directory, "package.json").write_text(inline.dependencies or "{}", encoding="utf-8")
        done = subprocess.run([node, "--check", handler], capture_output=True, text=True, check=False)
    error = _NODE_ERROR.search(done.stderr)
    if done.returncode == 0 or not error:
        return []
    line = _NODE_LINE.search(done.stderr)
    local = runtime_cache.node_version() or ""
    remark = "" if not version or local.startswith(f"{version}.") else f" (read by Node.js {local})"
    return [(int(line[1]) if line else 0, error[0] + remark)]


def _file_name(dependencies: str | None) -> str:
    """Return the name under which the server loads the handler: `main` of package.json decides about its extension."""
    try:
        main = json.loads(dependencies or "{}").get("main")
    except (ValueError, AttributeError):
        main = None
    is_handler = isinstance(main, str) and re.fullmatch(r"(\./)?handler\.[cm]?[jt]s", main)
    return Path(main).name if is_handler else "handler.js"


_CHECKS: Mapping[str, Callable[[InlineSource, str], Found]] = {"nodejs": _node, "python": _python}
"""A row for each of runtimes.FAMILIES."""
