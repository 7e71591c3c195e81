"""`buildless validate`: what it finds in specs and handlers, the formats of its report, and its use in other tools."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support import node26
from support.cases import ROOT

from hooks.cli import interpreters, main, node_check, runtime_cache
from hooks.cli.handler_check import PATH
from hooks.cli.validate import problems_in
from hooks.config import Config

HEAD = """\
apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata:
  name: hello
spec:
  runtime: {runtime}
  source:
    inline:
      source: {text}
"""
FIRST = 10
"""The line of the source's first line in a block."""


def block(text: str) -> str:
    return "|\n" + "".join(f"        {line}\n" for line in text.splitlines()).rstrip("\n")


def written(directory: Path, text: str, runtime: str = "python312", more: str = "") -> str:
    file = directory / "a.yaml"
    file.write_text(HEAD.format(runtime=runtime, text=text) + more)
    return str(file)


def found(file: str) -> list[str]:
    """Return the problems of a file, without its name."""
    return [str(problem).removeprefix(f"{file}:") for problem in problems_in([file], Config())[0]]


PYTHON = {
    "def main(event, context):\n    return 1": [],
    "async def main(event, context):\n    return 1": [],
    "from other import main": [],
    "from other import *": [],
    "import other as main": [],
    "main = lambda event, context: 1": [],
    "try:\n    def main(e, c): pass\nexcept ValueError: pass": [],
    "x = 1": ["9: spec.source.inline.source: has no function main(event, context)"],
    "def mian(event, context):\n    return 1": ["9: spec.source.inline.source: has no function main(event, context)"],
    "x = 1\ndef main(:": ["11: spec.source.inline.source: SyntaxError: invalid syntax"],
    "if True:\n  x = 1\n y = 2": [
        "12: spec.source.inline.source: IndentationError: unindent does not match any outer indentation level"
    ],
    "return 1": ["10: spec.source.inline.source: SyntaxError: 'return' outside function"],
    "module.exports = { main: () => 1 }\n": ["10: spec.source.inline.source: SyntaxError: invalid syntax"],
}


@pytest.mark.parametrize(("source", "problems"), PYTHON.items())
def test_python_is_compiled(tmp_path: Path, source: str, problems: list[str]) -> None:
    """A handler in Python compiles and defines main; a syntax error has its line in the file."""
    assert found(written(tmp_path, block(source))) == problems


def test_the_python_of_the_runtime_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this Python is older than the runtime's, that one compiles; if it is not here, nothing is compiled."""
    monkeypatch.setattr(sys, "version_info", (3, 11))
    monkeypatch.setattr(runtime_cache, "nearest_python", lambda _: str(tmp_path / "python"))
    (tmp_path / "python").symlink_to(sys.executable)
    file = written(tmp_path, block("def main(:"))
    assert found(file) == ["10: spec.source.inline.source: SyntaxError: invalid syntax"]
    monkeypatch.setattr(runtime_cache, "nearest_python", lambda _: sys.executable)
    assert found(file) == []


def test_other_notations_have_the_line_of_the_path(tmp_path: Path) -> None:
    """In quotes and folded blocks, the lines of the file are not those of the source."""
    text = '"x = 1\\ndef main(:"'
    assert found(written(tmp_path, text)) == ["9: spec.source.inline.source: SyntaxError: invalid syntax"]


NODE = {
    "module.exports = { main: () => 1 };": [],
    "export default () => 1;": [],
    "import fs from 'node:fs';\nexport const main = () => fs;": [],
    "export const mian = () => 1;": ["9: spec.source.inline.source: exports no function main(event, context)"],
    "function main() {}": ["9: spec.source.inline.source: exports no function main(event, context)"],
    "const a = 1;\nmodule.exports = { main( {} };": [
        "11: spec.source.inline.source: SyntaxError: Unexpected token '}'"
    ],
}


@pytest.mark.parametrize(("source", "problems"), NODE.items())
@pytest.mark.skipif(not shutil.which("node"), reason="LEFT OUT: node is not on PATH")
def test_node_checks_the_syntax(tmp_path: Path, source: str, problems: list[str]) -> None:
    """A handler for Node.js is parsed by Node.js and exports something; a syntax error has its line in the file."""
    lines = [line.partition(" (read by")[0] for line in found(written(tmp_path, block(source), "nodejs22"))]
    assert lines == problems


TYPESCRIPT = {
    "export default (event: { data: unknown }): unknown => event.data;": [],
    "export const mian = (): number => 1;": ["9: spec.source.inline.source: exports no function main(event, context)"],
    "export const main = 1;\nenum Color { Red }": [
        "11: spec.source.inline.source: SyntaxError: TypeScript enum is not supported in strip-only mode"
    ],
    "export const main = 1;\n\nnamespace A { export const b = 1 }": [
        f"12: {PATH}: SyntaxError: TypeScript namespace declaration is not supported in strip-only mode"
    ],
    "export const main = 1;\nlet a: number = ;": ["11: spec.source.inline.source: SyntaxError: Expression expected"],
    "export const main = 1;\nconst a: number = 1;\nconst a: number = 2;": [
        "12: spec.source.inline.source: SyntaxError: Identifier 'a' has already been declared"
    ],
}


def typescript(directory: Path, source: str, runtime: str = "nodejs24", **package: str) -> str:
    dependencies = json.dumps(json.dumps({"main": "handler.ts"} | package))
    return written(directory, block(source), runtime, f"      dependencies: {dependencies}\n")


@pytest.fixture
def fresh_interpreters() -> Iterator[None]:
    interpreters.nearest_node.cache_clear()
    yield
    interpreters.nearest_node.cache_clear()


@pytest.mark.usefixtures("fresh_interpreters")
@pytest.mark.parametrize(("source", "problems"), TYPESCRIPT.items())
@pytest.mark.skipif(not shutil.which("node"), reason="LEFT OUT: node is not on PATH")
def test_typescript_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, problems: list[str]
) -> None:
    """TypeScript that Node.js cannot run is reported in its words, with the line in the file."""
    monkeypatch.setenv("PATH", node26.path())
    assert [line.partition(" (read by")[0] for line in found(typescript(tmp_path, source))] == problems


@pytest.mark.usefixtures("fresh_interpreters")
@pytest.mark.skipif(not shutil.which("node"), reason="LEFT OUT: node is not on PATH")
def test_package_json_decides_about_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of TypeScript is read as the kind of module that package.json names."""
    monkeypatch.setenv("PATH", node26.path())
    source = "export const main = (): number => 1;"
    assert found(typescript(tmp_path, source, type="module")) == []
    assert "SyntaxError: Unexpected token 'export'" in found(typescript(tmp_path, source, type="commonjs"))[0]


def test_typescript_needs_a_runtime(tmp_path: Path) -> None:
    """A runtime whose Node.js cannot run TypeScript is a problem."""
    assert found(typescript(tmp_path, "export default () => 1;", "nodejs20")) == [
        "9: spec.source.inline.source: is handler.ts, but Node.js 20 runs no TypeScript: use nodejs22 or newer"
    ]


@pytest.mark.parametrize(
    ("here", "reason"),
    [
        (None, "TypeScript is not checked without Node.js"),
        ("20.20.2", "TypeScript is not checked: Node.js 22.13 or newer is needed, found 20.20.2"),
    ],
)
def test_unchecked_typescript_is_reported(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    here: str | None,
    reason: str,
) -> None:
    """If no Node.js here can check TypeScript, a line on standard error names the file and the reason."""
    (tmp_path / "node").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "node").chmod(0o755)
    monkeypatch.setattr(node_check, "_node", lambda _: (str(tmp_path / "node"), here) if here else (None, ""))
    file = typescript(tmp_path, "export default (): number => 1;")
    assert run(capsys, file) == (0, "1 Function is valid\n", f"{file}:9: spec.source.inline.source: {reason}\n")


MISSING = {
    "python312": ("x = 1", "has no function main(event, context)"),
    "python314": ("x = 1", "has no function main()"),
    "nodejs22": ("const x = 1;", "exports no function main(event, context)"),
    "nodejs26": ("const x = 1;", "exports no function main(request, response)"),
}


@pytest.mark.parametrize(("runtime", "row"), MISSING.items())
def test_a_missing_main_has_the_parameters_of_the_style(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: str, row: tuple[str, str]
) -> None:
    """The message about a missing main has the parameters of the runtime's style."""
    monkeypatch.setattr(sys, "version_info", (3, 99))
    source, message = row
    assert found(written(tmp_path, block(source), runtime)) == [f"9: spec.source.inline.source: {message}"]


def test_every_problem_of_every_file_is_reported(tmp_path: Path) -> None:
    """Problems of specs, Secrets and handlers come in the order of files and lines."""
    more = "  replica: 3\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: '%'}\n"
    file = written(tmp_path, block("x = 1"), "python3.12", more)
    other = tmp_path / "b.yaml"
    other.write_text("kind: [")
    problems = [str(each) for each in problems_in([str(other), file], Config())[0]]
    assert [each.split(": ")[0] for each in problems] == [f"{other}:1", f"{file}:6", f"{file}:11", f"{file}:16"]
    assert 'such as python312; supported values: "nodejs20", "nodejs22", ' in problems[1]
    assert problems[1].endswith('; did you mean "python312"?')
    assert 'unknown field, did you mean "replicas"?' in problems[2]


def test_a_missing_runtime_is_listed(tmp_path: Path) -> None:
    """Where the runtime is missing, the message has those of the config."""
    file = tmp_path / "a.yaml"
    file.write_text(HEAD.format(runtime="x", text="x").replace("runtime: x", "runtme: python312"))
    assert any('Required value; supported values: "nodejs20", ' in line for line in found(str(file)))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["validate", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_text_is_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Problems go to standard error; without any, a line counts the Functions."""
    file = written(tmp_path, block("def main(event, context): pass"))
    assert run(capsys, file) == (0, "1 Function is valid\n", "")
    assert run(capsys, str(ROOT / "examples"))[0] == 0
    file = written(tmp_path, block("x = 1"))
    assert run(capsys, file) == (
        1,
        "",
        f"{file}:9: spec.source.inline.source: has no function main(event, context)\n",
    )


def test_nothing_found_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory without Functions is an error that says what was expected, unless that is allowed."""
    code, _, err = run(capsys, str(tmp_path))
    assert code == 1
    assert "no Function: expected an object with apiVersion" in err
    assert run(capsys, "--allow-empty", str(tmp_path)) == (0, "0 Functions are valid\n", "")


def test_json_has_every_part_of_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """-o json has file, line, path and message; the exit code is the same."""
    file = written(tmp_path, block("x = 1"))
    code, out, err = run(capsys, "-o", "json", file)
    message = "has no function main(event, context)"
    assert (code, err) == (1, "")
    assert json.loads(out) == {
        "problems": [{"file": file, "line": 9, "path": "spec.source.inline.source", "message": message}]
    }


def test_sarif_has_every_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """-o sarif is a SARIF 2.1.0 log with a result for each problem; without problems it has no result."""
    file = written(tmp_path, block("x = 1"))
    log = json.loads(run(capsys, "-o", "sarif", file)[1])
    assert log["version"] == "2.1.0"
    (result,) = log["runs"][0]["results"]
    assert result["ruleId"] in {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (file, 9)
    written(tmp_path, block("def main(event, context): pass"))
    assert json.loads(run(capsys, "-o", "sarif", file)[1])["runs"][0]["results"] == []


def test_github_escapes_what_could_end_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """-o github has one workflow command a problem, whatever the file has."""
    file = written(tmp_path, block("def main(event, context): pass"), more='  "a:b,c%": 1\n  "x\\ny": 2\n')
    lines = run(capsys, "-o", "github", file)[1].splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"::error file={file},line=11,title=spec.a%3Ab%2Cc%25::unknown field; supported")
    assert lines[1].startswith(f"::error file={file},line=12,title=spec.x%0Ay::unknown field; supported")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A directory with `buildless`, and `pipx` that runs it from the directory of the action."""
    directory = tmp_path / "bin"
    directory.mkdir()
    buildless = f'exec {sys.executable} -m hooks.cli "$@"'
    pipx = f'test "$1 $2 $3 $4" = "run --spec {ROOT} buildless" || exit 99; shift 4; {buildless}'
    for name, script in (("buildless", buildless), ("pipx", pipx)):
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
        (directory / name).chmod(0o755)
    return directory


@pytest.mark.parametrize(("config", "code"), [("", 1), ("c.yaml", 2)])
def test_the_action_validates(tmp_path: Path, tools: Path, config: str, code: int) -> None:
    """action.yml runs this package's command, and its inputs reach it through variables only."""
    file = written(tmp_path, block("x = 1"))
    (tmp_path / "c.yaml").write_text("registri: x\n")
    (step,) = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    assert "${{" not in step["run"]
    env = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "GITHUB_ACTION_PATH": str(ROOT)}
    env |= {"FILES": f"{file} {tmp_path}/bin", "CONFIG": config}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert done.stdout.startswith("::error file=") == (code == 1)


def test_the_pre_commit_hook_validates(tmp_path: Path, tools: Path) -> None:
    """The entry of .pre-commit-hooks.yaml accepts YAML without Functions, and rejects an invalid Function."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    other, invalid = tmp_path / "values.yaml", written(tmp_path, block("x = 1"))
    other.write_text("a: 1\n")
    env = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}

    def code(*files: str) -> int:
        return subprocess.run([*hook["entry"].split(), *files], env=env, capture_output=True, check=False).returncode

    assert code(str(other)) == 0
    assert code(str(other), invalid) == 1
