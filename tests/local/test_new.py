"""`buildless new`: every Function that it makes passes its own test, type checkers and `validate`, and answers."""

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import javascript_tools, node26
from support.local_run import running

from hooks.cli import main, runtime_cache
from hooks.cli.new import ROOT, STYLES, TEMPLATES

pytestmark = pytest.mark.sampled

RUNTIMES = {
    ("python", "event"): "python312",
    ("python", "sdk"): "python314",
    ("nodejs", "event"): "nodejs22",
    ("nodejs", "sdk"): "nodejs26",
    ("nodejs/typescript", "event"): "nodejs24",
    ("nodejs/typescript", "sdk"): "nodejs26",
}
"""A runtime for each directory of templates and each style."""
COMBINATIONS = [(*key, template) for key in RUNTIMES for template in TEMPLATES]
EVENT = {"ce-specversion": "1.0", "ce-type": "t", "ce-source": "s", "ce-id": "1", "content-type": "application/json"}
REQUESTS = {
    "http": ("GET", "/?name=you", None, {}, "Hello you!"),
    "cloudevent": ("POST", "/", '{"a": 1}', EVENT, {"received": {"a": 1}}),
}
"""For each template a request (method, path, body, headers) and the body of the response."""
made = pytest.mark.parametrize(("language", "style", "template"), COMBINATIONS)


def new(directory: Path, language: str, style: str, template: str) -> Path:
    """Make a Function with a name of its own, and return its directory."""
    made = directory / f"{template}-{style}"
    options = ["--runtime", RUNTIMES[language, style], "--template", template]
    options += ["--typescript"] if language.endswith("typescript") else []
    with contextlib.redirect_stdout(None):
        assert main(["new", str(made), *options]) == 0
    return made


def path_for(language: str) -> str:
    """Return a PATH with programs that run the language in all styles."""
    if not language.startswith("nodejs"):
        return os.environ["PATH"]
    if runtime_cache.missing_programs("nodejs"):
        pytest.skip("LEFT OUT: node and npm are not on PATH")
    return node26.path()


def succeeds(directory: Path, *command: str, path: str = os.environ["PATH"]) -> None:
    env = os.environ | {"PATH": path}
    done = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_directory_is_tried() -> None:
    """Every directory of templates has a row in RUNTIMES and REQUESTS."""
    found = {path.relative_to(ROOT).as_posix() for style in STYLES for path in ROOT.glob(f"**/{style}/*/")}
    found = {each for each in found if "__pycache__" not in each and (ROOT / each).is_dir()}
    assert found == {"/".join(each) for each in COMBINATIONS}
    assert set(REQUESTS) == set(TEMPLATES)


@made
def test_its_own_test_passes(tmp_path: Path, language: str, style: str, template: str) -> None:
    """The test of a new handler passes without any package, and fails with another handler."""
    directory, path = new(tmp_path, language, style, template), path_for(language)
    command = [sys.executable, "-S", "-m", "unittest"] if language == "python" else ["npm", "test"]
    succeeds(directory, *command, path=path)
    (handler,) = (each for each in directory.glob("handler.*") if each.name.count(".") == 1)
    handler.write_text(handler.read_text().replace("Hello", "Bye").replace("received", "lost"))
    with pytest.raises(AssertionError, match=r"Bye|lost"):
        succeeds(directory, *command, path=path)


@made
def test_it_is_valid_and_answers(tmp_path: Path, language: str, style: str, template: str) -> None:
    """A new Function is valid, `run` starts it as it is, and it answers a request."""
    directory, path = new(tmp_path, language, style, template), path_for(language)
    succeeds(tmp_path, sys.executable, "-m", "hooks.cli", "validate", str(directory), path=path)
    method, target, body, headers, expected = REQUESTS[template]
    with running(tmp_path, str(directory), PATH=path) as run:
        connection = http.client.HTTPConnection("127.0.0.1", int(run.url(directory.name)), timeout=60)
        with contextlib.closing(connection):
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
            assert response.status == 200, text + run.output
            assert (text if isinstance(expected, str) else json.loads(text)) == expected
            if isinstance(expected, str):
                assert response.headers.get_content_type() == "text/plain"


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("style", STYLES)
def test_mypy_accepts_it(tmp_path: Path, style: str, template: str) -> None:
    """mypy accepts a new Function in Python with --strict, and finds a misspelt attribute."""
    directory = new(tmp_path, "python", style, template)
    command = [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={tmp_path}/cache", "."]
    succeeds(directory, *command)
    if (directory / "function.pyi").exists():
        handler = directory / "handler.py"
        handler.write_text(handler.read_text() + '\n\ndef other(event: Event) -> None:\n    event.requ["data"]\n')
        with pytest.raises(AssertionError, match='"Event" has no attribute "requ"'):
            succeeds(directory, *command)


@pytest.mark.parametrize(("language", "style", "template"), [each for each in COMBINATIONS if "nodejs" in each[0]])
def test_typescript_accepts_it(tmp_path: Path, language: str, style: str, template: str) -> None:
    """tsc accepts a new Function for Node.js with the options beside it, and finds a misspelt property."""
    directory = new(tmp_path, language, style, template)
    command = [str(javascript_tools.node_modules() / ".bin" / "tsc"), "-p", "."]
    succeeds(directory, *command, path=path_for(language))
    (handler,) = (each for each in directory.glob("handler.*") if each.name.count(".") == 1)
    text = handler.read_text()
    handler.write_text(re.sub(r"(event\.set|request\.q|event\.d)", r"\1q", text).replace("getCloud", "gotCloud"))
    with pytest.raises(AssertionError, match=r"error TS"):
        succeeds(directory, *command, path=path_for(language))


@pytest.mark.parametrize("version", ["v1alpha2", "v2alpha1"])
def test_versions(tmp_path: Path, capsys: pytest.CaptureFixture[str], version: str) -> None:
    """--api-version chooses the version of function.yaml, which is valid and keeps its line for editors."""
    made = tmp_path / "hello"
    assert main(["new", str(made), "--api-version", version]) == 0
    text = (made / "function.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=https://")
    assert f"\napiVersion: serverless.kyma-project.io/{version}\n" in text
    assert main(["validate", str(made)]) == 0
    capsys.readouterr()
    assert main(["manifest", str(made)]) == 0
    assert capsys.readouterr().out.startswith(f"apiVersion: serverless.kyma-project.io/{version}\n")


def test_the_runtime_has_to_have_the_template(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown template is refused with those that there are."""
    assert main(["new", str(tmp_path / "a"), "--template", "cron"]) == 2
    assert "'cloudevent', 'http'" in capsys.readouterr().err
