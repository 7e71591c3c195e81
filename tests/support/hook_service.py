"""The hook service as a process, and clients that use its sockets directly."""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from support.cases import ROOT, all_cases
from support.left_out import require_program
from support.ports import free_port

BODY = json.dumps(all_cases()[0].request).encode()
HEADER = b"POST /v1/sync HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Service(NamedTuple):
    """The running service; `context` is that of its HTTPS clients, None for HTTP."""

    process: subprocess.Popen[bytes]
    port: int
    context: ssl.SSLContext | None
    log: Path

    def workers(self) -> list[str]:
        """Return the process ids of the workers."""
        pid = self.process.pid
        return sorted(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    def connect(self) -> socket.socket:
        """Return a connection, for HTTPS after the handshake."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        return self.context.wrap_socket(plain) if self.context else plain

    def send(self, request: bytes = HEADER % len(BODY) + BODY) -> bytes:
        """Send a request at once and return the whole response, b"" if there is none."""
        with contextlib.suppress(OSError), self.connect() as client:
            client.sendall(request)
            return response_to(client)
        return b""


def response_to(client: socket.socket) -> bytes:
    """Return all that a client receives until the connection is closed."""
    response = b""
    with contextlib.suppress(OSError):
        while data := client.recv(65536):
            response += data
    return response


def is_polling(pid: str) -> bool:
    """Return whether a worker waits for connections: its epoll has the listener and gunicorn's pipe."""
    with contextlib.suppress(OSError):  # the worker may end meanwhile
        return any(file.read_text().count("tfd:") >= 2 for file in Path(f"/proc/{pid}/fdinfo").iterdir())
    return False


@contextlib.contextmanager
def serving(
    directory: Path, *command: str, context: ssl.SSLContext | None = None, workers: int = 2
) -> Iterator[Service]:
    """Run a command with a free port in --bind; wait until all workers wait for connections."""
    port = free_port()
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{directory}"}
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([*command, f"--bind=127.0.0.1:{port}"], env=environment, cwd=ROOT, stderr=log)
        service = Service(process, port, context, directory / "log")
        try:
            while not (len(service.workers()) == workers and all(map(is_polling, service.workers()))):
                assert process.poll() is None, service.log.read_text()
                time.sleep(0.1)
            yield service
        finally:
            process.terminate()
            assert process.wait(timeout=30) == 0


def certified(directory: Path, name: str = "localhost") -> list[str]:
    """Create or replace a certificate and its key; return the flags that name them."""
    files = ["-out", str(directory / "crt"), "-keyout", str(directory / "key")]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", *files]
    require_program("openssl")
    subprocess.run(make, check=True, capture_output=True)
    return [f"--tls-certificate={directory / 'crt'}", f"--tls-key={directory / 'key'}"]


def trusting(directory: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(directory / "crt"))
    context.check_hostname = False
    return context
