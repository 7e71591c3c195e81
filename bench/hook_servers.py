"""The servers that bench/hook.py compares, started on the first core; their CPU time and memory are those of /proc."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.ports import free_port

from bench import go_peer
from bench.processes import cpu_seconds, tree
from hooks.config import Config

ROOT = Path(__file__).parent.parent
CORES = sorted(os.sched_getaffinity(0))
GUNICORN = (sys.executable, "-m", "gunicorn", "-c", str(ROOT / "hooks" / "gunicorn.conf.py"), "--workers=1")
HELLO = """
from flask import Flask

flask = Flask("hello", static_folder=None)


@flask.post("/v1/sync")
@flask.get("/readyz")
def hello():
    return "hello"


def bare(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""


@dataclass(frozen=True)
class Server:
    """A running server: its port and all its processes, the last of which answers."""

    name: str
    port: int
    pids: list[int]

    def cpu_seconds(self) -> float:
        return sum(map(cpu_seconds, self.pids))

    def pss_mib(self) -> float:
        """Return the memory of the process that answers, with its share of what it shares."""
        (kib,) = re.findall(r"^Pss:\s+(\d+)", Path(f"/proc/{self.pids[-1]}/smaps_rollup").read_text(), re.MULTILINE)
        return int(kib) / 1024


def commands(directory: Path) -> dict[str, tuple[str, ...]]:
    """Return the command of each server, with PORT for its port; builds the Go handler."""
    (directory / "hello.py").write_text(HELLO)
    (directory / "settings.json").write_text(json.dumps(go_peer.settings(Config(), "python312")))
    peer = str(go_peer.build(directory))
    gunicorn = (*GUNICORN, "--bind=127.0.0.1:PORT", "--log-level=warning")
    return {
        "hook": (*gunicorn, "hooks.app:create_app()"),
        "Go, typed": (peer, str(directory / "settings.json"), "serve", "127.0.0.1:PORT"),
        "Flask hello": (*gunicorn, "hello:flask"),
        "bare WSGI hello": (*gunicorn, "hello:bare"),
    }


@contextlib.contextmanager
def running(name: str, command: tuple[str, ...], directory: Path) -> Iterator[tuple[Server, float]]:
    """Start a server; yield it, and the seconds until its first 200."""
    port, begin = free_port(), time.monotonic()
    process = subprocess.Popen(
        ["taskset", "-c", str(CORES[0]), *(part.replace("PORT", str(port)) for part in command)],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{directory}"},
        start_new_session=True,
    )
    try:
        while not _is_ready(port):
            assert process.poll() is None, f"{name} has ended"
            time.sleep(0.005)
        seconds = time.monotonic() - begin
        yield Server(name, port, tree(process.pid)), seconds
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def post(port: int, body: bytes) -> bytes:
    """Return the answer to one sync."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", "/v1/sync", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 200, answer
        return answer


def _is_ready(port: int) -> bool:
    with contextlib.suppress(OSError), contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False
