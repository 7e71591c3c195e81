"""Every example that `buildless COMMAND --help` shows, run in a shell."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread

import pytest
from support.cluster.git_repository import git
from support.local_run import function, wait_until
from support.ports import free_port

from hooks.cli import COMMANDS, main

pytestmark = pytest.mark.sampled

EXAMPLES = [
    line.strip()
    for name in COMMANDS
    for line in (import_module(f"hooks.cli.{name.replace('-', '_')}").command.epilog or "").splitlines()
    if "buildless" in line
]
PROGRAMS = {
    "buildless": f'exec {sys.executable} -m hooks.cli "$@"',
    "kubectl": 'if [ "$1" = get ]; then cat hello.yaml; else cat > /dev/null; fi',
    "kustomize": "cat hello.yaml",
}


class NoContent(BaseHTTPRequestHandler):
    """Responds 204 to DELETE."""

    def do_DELETE(self) -> None:
        """Respond."""
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """The address of a running server."""
    with HTTPServer(("127.0.0.1", 0), NoContent) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The files that the examples name, and the programs beside `buildless`."""
    for name in ("bin", "examples", "functions", ".zsh/completions", ".config/fish/completions"):
        (tmp_path / name).mkdir(parents=True)
    for name, script in PROGRAMS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    for name in ("hello.yaml", "examples/a.yaml", "functions/a.yaml"):
        (tmp_path / name).write_text(function())
    for name in ("old.yaml", "new.yaml"):
        (tmp_path / name).write_text(function())
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "functions", "hello.yaml")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    (tmp_path / "config.yaml").write_text("registry: example.com\n")
    (tmp_path / "order.json").write_text("{}")
    return tmp_path


def environment(directory: Path) -> dict[str, str]:
    own = {"PATH": f"{directory / 'bin'}:{os.environ['PATH']}", "HOME": str(directory), "API_KEY": "x"}
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return os.environ | own | {"XDG_CACHE_HOME": cache}


@pytest.mark.parametrize("example", [each for each in EXAMPLES if " serve " not in each])
def test_an_example_works(example: str, directory: Path, url: str) -> None:
    """It ends with exit code 0, or 1 if it compares; `run` with --once, which calls what it has started."""
    if " new " not in example:
        for name in ("hello", "orders"):
            assert main(["new", str(directory / name)]) == 0
    once = " --once" if re.match("buildless run (?!.*--once)", example) else ""
    line = "set -eo pipefail; " + example.replace("127.0.0.1:8080", url) + once
    done = subprocess.run(
        ["bash", "-c", line], cwd=directory, env=environment(directory), capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, " diff " in example), done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("example", [each for each in EXAMPLES if " serve " in each])
def test_an_example_of_serve_listens(example: str, directory: Path) -> None:
    """`serve` listens until it is ended."""
    line = example.replace("127.0.0.1:8080", f"127.0.0.1:{free_port()}")
    line += "" if "--bind" in line else f" --bind 127.0.0.1:{free_port()}"
    if "tls.crt" in line:
        key = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a", "-keyout", "tls.key"]
        subprocess.run([*key, "-out", "tls.crt"], cwd=directory, capture_output=True, check=True)
    log = directory / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"], cwd=directory, env=environment(directory), stdout=file, stderr=file
        )
    try:
        wait_until(lambda: "Listening at" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
