"""What is wrong with a handler for Node.js before it runs: its syntax, and a missing main."""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from hooks.cli import interpreters
from hooks.function import InlineSource

MISSING = "exports no function main"
FIRST_WITH_TYPESCRIPT = 22
"""The first runtime whose Node.js runs TypeScript."""

_LINE = re.compile(r"handler\.\w+:(\d+)$", re.MULTILINE)
_ERROR = re.compile(r"^(?:Syntax|Reference)Error: .*$", re.MULTILINE)
_EXPORTS = re.compile(r"\bexports?\b")
_MAIN = re.compile(r"\bmain\b|\bdefault\b|\bmodule\b|\bexport\s*\*")
_NO_STRIPPING = 3
_STRIP = f"""
const {{ stripTypeScriptTypes }} = require('node:module');
const {{ readFileSync, writeFileSync }} = require('node:fs');
const [from, to] = process.argv.slice(1);
if (!stripTypeScriptTypes) process.exit({_NO_STRIPPING});
try {{
  writeFileSync(to, stripTypeScriptTypes(readFileSync(from, 'utf8')));
}} catch (error) {{
  const line = /^.*:(\\d+)$/m.exec(error.stack)?.[1] ?? 0;
  console.error(`${{from}}:${{line}}\\nSyntaxError: ${{error.message.split('\\n')[0]}}`);
  process.exit(1);
}}
"""
"""Replaces types by spaces, so that lines and columns stay; the error's stack begins with the line in the source."""


class NotChecked(Exception):
    """The syntax cannot be checked on this machine; the text says why."""


def problems(inline: InlineSource, version: str) -> list[tuple[int, str]]:
    """
    Return line (0 for the whole) and message of each problem that the nearest Node.js finds; none without Node.js.

    Raises NotChecked for TypeScript if no Node.js here can check it.
    """
    name = _file_name(inline.dependencies)
    is_typescript = name.endswith("ts")
    if is_typescript and version and interpreters.numbers(version)[0] < FIRST_WITH_TYPESCRIPT:
        return [(0, f"is {name}, but Node.js {version} runs no TypeScript: use nodejs{FIRST_WITH_TYPESCRIPT} or newer")]
    if not (_EXPORTS.search(inline.source) and _MAIN.search(inline.source)):
        return [(0, MISSING)]
    node, local = _node(version)
    if not node:
        if is_typescript:
            raise NotChecked("TypeScript is not checked without Node.js")
        return []
    error = _error(node, local, name, inline)
    remark = "" if not version or local.startswith(f"{version}.") else f" (read by Node.js {local})"
    return [(line, message + remark) for line, message in error]


def _node(version: str) -> tuple[str | None, str]:
    """Return the program and the version of the Node.js to check with."""
    found = interpreters.nearest_node(version)
    return (found.program, found.version) if found else (shutil.which("node"), "")


def _error(node: str, local: str, name: str, inline: InlineSource) -> list[tuple[int, str]]:
    with tempfile.TemporaryDirectory() as directory:
        handler = Path(directory, name)
        handler.write_text(inline.source, encoding="utf-8")
        Path(directory, "package.json").write_text(inline.dependencies or "{}", encoding="utf-8")
        if name.endswith("ts"):
            stripped = handler.with_suffix(handler.suffix.replace("t", "j", 1))
            done = _run(node, "--no-warnings", "-e", _STRIP, str(handler), str(stripped))
            if done.returncode == _NO_STRIPPING:
                raise NotChecked(f"TypeScript is not checked: Node.js 22.13 or newer is needed, found {local}")
            if done.returncode:
                return _found(done.stderr)
            handler = stripped
        done = _run(node, "--check", str(handler))
    return _found(done.stderr) if done.returncode else []


def _found(output: str) -> list[tuple[int, str]]:
    """Return line and message of the error that Node.js has printed."""
    error, line = _ERROR.search(output), _LINE.search(output)
    return [(int(line[1]) if line else 0, error[0])] if error else []


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _file_name(dependencies: str | None) -> str:
    """Return the name under which the server loads the handler: `main` of package.json decides about its extension."""
    try:
        main = json.loads(dependencies or "{}").get("main")
    except (ValueError, AttributeError):
        main = None
    is_handler = isinstance(main, str) and re.fullmatch(r"(\./)?handler\.[cm]?[jt]s", main)
    return Path(main).name if is_handler else "handler.js"
