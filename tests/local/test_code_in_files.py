"""Functions whose code is in files: `new` makes them; `run`, `validate`, `manifest` and `invoke` take them."""

import contextlib
import io
import json
import re
import socket
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from support.local_run import running, wait_until

from hooks.cli import main, runtime_cache, variables
from hooks.cli.problem import Unusable
from hooks.cli.run.sources import Sources
from hooks.config import Config

pytestmark = pytest.mark.sampled


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    """The directory of a new Function in Python."""
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["new", str(tmp_path / "hello")]) == 0
    return tmp_path / "hello"


def test_new_overwrites_nothing(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory that is not empty, a name that no Service can have and an unknown runtime are errors."""
    assert main(["new", str(hello)]) == 1
    assert main(["new", str(hello.parent / "Hello")]) == 2
    assert main(["new", str(hello.parent / "a"), "--runtime", "cobol"]) == 2
    assert main(["new", str(hello.parent / "a"), "--typescript"]) == 2
    err = capsys.readouterr().err
    for message in ("is not empty", "'Hello' is no name", "'cobol' is not one of", "needs a runtime of Node.js"):
        assert message in err
    assert sorted(path.name for path in hello.parent.iterdir()) == ["hello"]


def test_manifest_has_the_code(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`manifest` prints the object that kubectl applies: with the source, and with dependencies if there are any."""
    assert main(["manifest", str(hello)]) == 0
    plain = yaml.safe_load(capsys.readouterr().out)
    assert plain["spec"]["source"] == {"inline": {"source": (hello / "handler.py").read_text()}}
    (hello / "requirements.txt").write_text("# none\nbottle\n")
    assert main(["manifest", str(hello)]) == 0
    printed = capsys.readouterr().out
    assert yaml.safe_load(printed)["spec"]["source"]["inline"]["dependencies"] == "# none\nbottle\n"
    (hello.parent / "one.yaml").write_text(printed)
    assert main(["validate", str(hello.parent / "one.yaml")]) == 0


def test_problems_name_the_files(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An error in the code or in the packages has the name and the line of that file."""
    (hello / "handler.py").write_text("x = 1\ndef main(:\n")
    assert main(["validate", str(hello)]) == 1
    assert capsys.readouterr().err == f"{hello}/handler.py:2: SyntaxError: invalid syntax\n"
    (hello / "requirements.txt").write_text("--nope\n")
    assert main(["validate", str(hello)]) == 1
    assert capsys.readouterr().err.startswith(f"{hello}/requirements.txt: spec.source.inline.dependencies: ")
    (hello / "handler.py").write_bytes(b"\xff")
    assert main(["validate", str(hello)]) == 1
    assert capsys.readouterr().err == f"{hello}/handler.py: not UTF-8\n"


def test_handlers_conflict(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two handlers in one directory are an error, and so is TypeScript that package.json does not name."""
    (hello / "handler.ts").write_text("export const main = () => 1;\n")
    assert main(["validate", str(hello)]) == 1
    assert capsys.readouterr().err == f"{hello}: only one of handler.py, handler.ts may be here\n"
    (hello / "handler.py").unlink()
    (hello / "package.json").write_text("{}")
    assert main(["validate", str(hello)]) == 1
    assert capsys.readouterr().err.startswith(f'{hello}/package.json: main: Required value: "handler.ts"')


def test_a_source_in_the_yaml_is_used(hello: Path) -> None:
    """Files beside a Function that has a source are left alone."""
    file = hello / "function.yaml"
    file.write_text(file.read_text() + "  source: {inline: {source: 'def main(e, c): return 1'}}\n")
    (function,) = Sources([str(hello)], Config()).load().functions.values()
    assert function.spec.source.inline is not None
    assert function.spec.source.inline.source == "def main(e, c): return 1"


ENV = """\
# a comment

PLAIN=a b # c
export QUOTED="a # b\\nc"
SINGLE='a\\nb' # c
EMPTY=
"""


def test_variables_of_files(tmp_path: Path) -> None:
    """A .env file has comments, quotes and `export`."""
    (tmp_path / ".env").write_text(ENV)
    expected = {"PLAIN": "a b", "QUOTED": "a # b\nc", "SINGLE": "a\\nb", "EMPTY": ""}
    assert variables.read(str(tmp_path / ".env")) == expected


def test_wrong_variables_are_not_repeated(tmp_path: Path) -> None:
    """A line that is no variable, or a reserved name, has its place; the text, which may be a secret, is left out."""
    (tmp_path / ".env").write_text("A=1\nsecret\nFUNC_PORT=1\n")
    with pytest.raises(Unusable) as caught:
        variables.read(str(tmp_path / ".env"))
    file = tmp_path / ".env"
    assert str(caught.value) == f"{file}:2: expected NAME=VALUE\n{file}:3: FUNC_PORT is reserved for the runtime"


def test_run_takes_a_directory(hello: Path, tmp_path: Path) -> None:
    """Variables come from .env and --env, a saved handler is taken over, and tracebacks name the author's file."""
    (hello / ".env").write_text("A=file\nB=file\n")
    (hello / "handler.py").write_text("import os\ndef main(e, c): return os.environ['A'] + os.environ['B']\n")
    with running(tmp_path, str(hello), "--env", "B=option") as run:
        assert run.get("hello") == (200, "fileoption")
        (hello / "handler.py").write_text("def main(e, c):\n    return 1 / 0\n")
        wait_until(lambda: run.get("hello")[0] == 500)
        run.wait_for(f'File "{hello}/handler.py", line 2, in main')
        assert "buildless-" not in run.output


def test_tracebacks_name_the_line_of_the_yaml(tmp_path: Path) -> None:
    """For a source in a block, a traceback has the line of the YAML file."""
    file = tmp_path / "a.yaml"
    head = "apiVersion: serverless.kyma-project.io/v1alpha2\nkind: Function\nmetadata: {name: a}\nspec:\n"
    file.write_text(
        f"{head}  runtime: python312\n  source:\n    inline:\n      source: |\n        x = 1\n        1 / 0\n"
    )
    with running(tmp_path, str(file)) as run:
        run.wait_for(f'File "{file}", line 10, in <module>')


def test_invoke_calls_a_function(hello: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`invoke` starts the Function, prints the body alone to standard output, and stops it."""
    assert main(["invoke", str(hello), "--path", "/?name=you"]) == 0
    out, err = capfd.readouterr()
    assert out == "Hello you!"
    assert "hello | GET /?name=you 200 " in err
    (hello / "handler.py").write_text("def main(e, c): return {'type': e['ce-type'], 'data': e['data']}, 418\n")
    (hello / "data.json").write_text('{"a": 1}')
    event = ["--type", "com.example.made", "--source", "shop", "--data", f"@{hello}/data.json", "--include"]
    assert main(["invoke", str(hello), *event]) == 1
    head, _, body = capfd.readouterr().out.partition("\n\n")
    assert head.startswith("HTTP/1.1 418 ")
    assert json.loads(body) == {"type": "com.example.made", "data": {"a": 1}}


class Echo(BaseHTTPRequestHandler):
    """Responds with method, path, some headers and body."""

    def do_PUT(self) -> None:
        """Respond to PUT."""
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        names = ("content-type", "x-a", "ce-specversion", "ce-source")
        parts = [self.command, self.path, {name: self.headers[name] for name in names if name in self.headers}, body]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(parts).encode())

    do_POST = do_GET = do_PUT  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Print nothing."""


REQUESTS = {
    (): ["GET", "/base", {}, ""],
    ("--path", "/x?y=z"): ["GET", "/base/x?y=z", {}, ""],
    ("--data", "text"): ["POST", "/base", {"content-type": "text/plain; charset=utf-8"}, "text"],
    ("--data", "[1]", "-H", "X-A: b:c"): ["POST", "/base", {"content-type": "application/json", "x-a": "b:c"}, "[1]"],
    ("-X", "PUT", "-d", "{}", "-H", "Content-Type: a/b"): ["PUT", "/base", {"content-type": "a/b"}, "{}"],
    ("--type", "t", "--source", "s"): ["POST", "/base", {"ce-specversion": "1.0", "ce-source": "s"}, ""],
}


@pytest.mark.parametrize(("arguments", "received"), REQUESTS.items(), ids=map(" ".join, REQUESTS))
def test_invoke_calls_a_url(capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], received: object) -> None:
    """With --url the request goes there: method, path, headers and body follow the options."""
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/base"
        assert main(["invoke", "--url", url, *arguments]) == 0
    assert json.loads(capfd.readouterr().out) == received


INVOCATIONS = {
    (): (2, "expected either FILE or --url"),
    ("--url", "http://127.0.0.1:9"): (1, "http://127.0.0.1:9: "),
    ("--url", "nonsense"): (1, "nonsense: "),
    ("--url", "http://127.0.0.1:9", "--header", "x"): (2, "expected NAME: VALUE, found 'x'"),
    ("gone.yaml",): (1, "gone.yaml: No such file or directory"),
    ("--url", "http://127.0.0.1:9", "-d", "@gone"): (1, "gone: No such file or directory"),
}


@pytest.mark.parametrize(("arguments", "expected"), INVOCATIONS.items(), ids=map(" ".join, INVOCATIONS))
def test_invoke_explains_what_is_wrong(
    capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], expected: tuple[int, str]
) -> None:
    """A wrong option is exit code 2; a call that gets no response is exit code 1."""
    assert main(["invoke", *arguments]) == expected[0]
    assert expected[1] in capfd.readouterr().err


def answers_debugpy(port: int) -> bool:
    """Return whether a debug adapter sends its first event to a client."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        return b'"event"' in client.recv(4096)
    return False


def answers_inspector(port: int) -> bool:
    """Return whether Node.js lists what a debugger can attach to."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as response:
        return "handler" in response.read().decode() or response.status == 200
    return False


DEBUGGERS = {"python": ("python312", answers_debugpy), "nodejs": ("nodejs22", answers_inspector)}


@pytest.mark.parametrize("family", DEBUGGERS)
def test_debuggers_attach(tmp_path: Path, family: str) -> None:
    """With --debug a debugger can attach, before and after a save, to the same port and directory."""
    if missing := runtime_cache.missing_programs(family):
        pytest.skip(f"LEFT OUT: {', '.join(missing)} not on PATH")
    runtime, answers = DEBUGGERS[family]
    name = f"debug-{family}"
    assert main(["new", str(tmp_path / name), "--runtime", runtime]) == 0
    with running(tmp_path, str(tmp_path / name), "--debug") as run:
        for times in (1, 2):
            run.wait_for(f"{name} | attach a debugger to 127.0.0.1:", times=times)
            found = set(re.findall(r"attach a debugger to 127\.0\.0\.1:(\d+), remote root (\S+)", run.output))
            ((port, root),) = found
            assert list(Path(root).glob("handler.*"))
            assert answers(int(port))
            assert run.get(name) == (200, "Hello World!")
            handler = next((tmp_path / name).glob("handler.??"))
            handler.write_text(handler.read_text() + "\n")
    assert run.process.returncode == 0
    assert not Path(root).exists()
