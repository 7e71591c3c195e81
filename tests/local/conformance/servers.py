"""The servers of runtimes/, started as a pod's start script does, on a port of this machine."""

import contextlib
import functools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hooks.cli import runtime_cache

HERE = Path(__file__).parent
START_SECONDS = 30


@dataclass
class Server:
    """A running server; `output` has all it printed, once it has ended."""

    port: int
    process: subprocess.Popen[str]
    log: Path = field(repr=False)

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def terminate(self) -> int:
        """End it as the kubelet does and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_SECONDS)


@functools.cache
def layout(family: str) -> Path:
    """Return a directory laid out as an image is: the server, and below it the handler."""
    root = Path(tempfile.mkdtemp(prefix=f"{family}-"))
    source = runtime_cache.RUNTIMES / family
    if family == "python":
        shutil.copytree(source, root, dirs_exist_ok=True)
    else:
        for name in ("server.mjs", "package.json"):
            shutil.copy(source / name, root)
        shutil.copytree(source / "lib", root / "lib")
        (root / "node_modules").symlink_to(runtime_cache.node_modules())
    (root / "function").mkdir()
    (root / "function/package.json").write_text("{}")
    for path in (HERE / "handler.py", *HERE.glob("*.js")):
        shutil.copy(path, root / "function")
    return root


def command(family: str) -> list[str]:
    if family == "python":
        return [str(runtime_cache.python()), "server.py"]
    return ["node", "server.mjs"]


@contextlib.contextmanager
def started(family: str, *, ready: bool = True, **env: str) -> Iterator[Server]:
    """Start the server of `family`; with `ready` wait until it is."""
    root = layout(family)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    known = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    paths = {"FUNCTION_PATH": str(root / "function"), "HANDLER_PATH": "./function/handler.js", "PYTHONUNBUFFERED": "1"}
    log = Path(tempfile.mkstemp(dir=root)[1])
    with log.open("w") as output:
        process = subprocess.Popen(
            command(family),
            cwd=root,
            env=known | paths | {"FUNC_PORT": str(port)} | env,
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
    """Return when the port is open; fail with the server's own words if it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port)):
            return
        time.sleep(0.02)
    raise AssertionError(f"the server did not start:\n{server.output}")
