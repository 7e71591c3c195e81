"""The servers of runtimes/, started on a local port as a pod's start script starts them."""

import contextlib
import functools
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.ports import free_port

from hooks.cli import runtime_cache
from hooks.runtimes import FAMILIES

HANDLERS = Path(__file__).parents[1] / "local" / "conformance"
START_SECONDS = 30


@dataclass
class Server:
    """A running server; `output` is what it has printed so far."""

    port: int
    process: subprocess.Popen[str]
    log: Path = field(repr=False)

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def kibibytes(self, name: str = "VmRSS") -> int:
        """Return a size of the process as /proc/PID/status has it: VmRSS is resident now, VmHWM at most so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1])

    def connect(self, sent: bytes = b"") -> socket.socket:
        """Return a connection on which `sent` has been sent."""
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        sock.sendall(sent)
        return sock

    def terminate(self) -> int:
        """Send SIGTERM, as the kubelet does, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_SECONDS)


@functools.cache
def layout(family: str) -> Path:
    """Return a directory with the layout of an image: the server, and below it the handler."""
    root = Path(tempfile.mkdtemp(prefix=f"{family}-"))
    source = runtime_cache.RUNTIMES / family
    packages = runtime_cache.LOCAL[family].packages("")
    shutil.copytree(source, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*packages))
    for name, directory in packages.items():
        (root / name).symlink_to(directory)
    (root / "function").mkdir()
    (root / "function/package.json").write_text("{}")
    for handler in HANDLERS.glob(f"*{Path(FAMILIES[family].handler_file).suffix}"):
        shutil.copy(handler, root / "function")
    return root


NEEDS = {
    family: pytest.mark.skipif(bool(missing := runtime_cache.missing_programs(family)), reason=f"LEFT OUT: {missing}")
    for family in FAMILIES
}
EACH_FAMILY = [pytest.param(family, marks=mark) for family, mark in NEEDS.items()]
COMMANDS: dict[str, Callable[[], list[str]]] = {
    "nodejs": lambda: ["node", "server.mjs"],
    "python": lambda: [str(runtime_cache.python()), "server.py"],
}
"""How the server of each family is started."""
HANDLER_VARIABLES: dict[str, Callable[[Path], dict[str, str]]] = {
    "nodejs": lambda _: {"HANDLER_PATH": "./function/handler.js"},
    "python": lambda root: {
        "FUNCTION_PATH": str(root / "function"),
        "MALLOC_ARENA_MAX": "2",
        "PYTHONUNBUFFERED": "1",
    },
}


@contextlib.contextmanager
def started(family: str, *, ready: bool = True, **env: str) -> Iterator[Server]:
    """Start the server of `family`; with `ready` wait until its port is open."""
    root = layout(family)
    port = free_port()
    known = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    log = Path(tempfile.mkstemp(dir=root)[1])
    with log.open("w") as output:
        process = subprocess.Popen(
            COMMANDS[family](),
            cwd=root,
            env=known | HANDLER_VARIABLES[family](root) | {"FUNC_PORT": str(port)} | env,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    server = Server(port, process, log)
    try:
        if ready:
            wait_until_listening(server)
        yield server
    finally:
        process.kill()
        process.wait()


def wait_until_listening(server: Server) -> None:
    """Return when the port is open; raise AssertionError with the output if the server exits or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port)):
            return
        time.sleep(0.02)
    raise AssertionError(f"the server did not start:\n{server.output}")


def send(server: Server, request: dict[str, Any]) -> tuple[int, dict[str, str | None], bytes]:
    """Send a request of the conformance table; return status, headers by lower-case name, and body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    body = "x" * request["size"] if "size" in request else request.get("body")
    path = request["path"].replace("ü", "%C3%BC")
    encoded = body.encode() if body else None
    with contextlib.closing(connection):
        if request.get("chunked"):
            pieces = (encoded[at : at + 1000] for at in range(0, len(encoded or b""), 1000)) if encoded else ()
            connection.request("POST", path, pieces, request["headers"], encode_chunked=True)
        else:
            connection.request(request.get("method", "GET"), path, encoded, request.get("headers", {}))
        response = connection.getresponse()
        text = response.read()
    headers: dict[str, str | None] = {}
    for name, value in response.getheaders():
        given = headers.get(name.lower())
        headers[name.lower()] = f"{given}, {value}" if given else value
    return response.status, headers, text


def get(server: Server, path: str) -> tuple[int, dict[str, str | None], bytes]:
    """Send a GET request."""
    return send(server, {"path": path})
