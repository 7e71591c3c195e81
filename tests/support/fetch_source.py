"""The program fetch-source of each runtime family, archives for it, and a server with them on loopback."""

import contextlib
import gzip
import hashlib
import io
import os
import socketserver
import ssl
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from support.runtime_servers import NEEDS

RUNTIMES = Path(__file__).parents[2] / "runtimes"
PROGRAMS = {
    "nodejs": ["node", str(RUNTIMES / "nodejs/fetch-source.mjs")],
    "python": [sys.executable, str(RUNTIMES / "python/fetch_source.py")],
}
each_program = pytest.mark.parametrize("family", [pytest.param(name, marks=NEEDS[name]) for name in PROGRAMS])

Format = Literal[0, 1, 2]
"""One of tarfile's: ustar, GNU, pax."""
Answer = Callable[[socketserver.StreamRequestHandler], object]
"""Writes to one connection, whose request has been read."""


def digest(data: bytes) -> str:
    """Return the digest as Flux writes it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


# Linux counts the memory of the process that starts another one as that one's: a small process starts it here.
MEASURE = """import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)"""


@dataclass(frozen=True)
class Done:
    """How the program ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def last_line(self) -> str:
        """The reason of a failure, which is all that the program prints."""
        assert self.code == 1, self
        assert self.stdout == ""
        assert self.stderr.count("\n") == 1, self.stderr
        return self.stderr.strip()


def fetch(family: str, directory: Path, url: str, data: bytes, *, before: Sequence[str] = (), **env: str) -> Done:
    """Run the program in `directory`, for an archive with the digest of `data`; `before` is put before its command."""
    directory.mkdir(parents=True, exist_ok=True)
    known = {"PATH": os.environ["PATH"], "SOURCE_URL": url, "SOURCE_DIGEST": digest(data), "SOURCE_REVISION": "main@1"}
    command = [*before, *PROGRAMS[family]]
    done = subprocess.run(
        command, cwd=directory, env=known | env, check=False, capture_output=True, text=True, timeout=120
    )
    return Done(done.returncode, done.stdout, done.stderr)


def measured(family: str, directory: Path, url: str, data: bytes, **env: str) -> tuple[Done, int]:
    """Run the program as fetch() does; return also the most memory that it had, in bytes."""
    peak = directory / "peak"
    before = [sys.executable, "-S", "-c", MEASURE, str(peak)]
    done = fetch(family, directory / "code", url, data, before=before, **env)
    return done, int(peak.read_text()) * 1024


class Server(socketserver.ThreadingTCPServer):
    """`answers` has one entry for each connection; the last one repeats. `requests` are their first lines."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answers: tuple[Answer, ...], context: ssl.SSLContext | None) -> None:
        self.answers = answers
        self.context = context
        self.requests: list[str] = []
        super().__init__(("127.0.0.1", 0), _Connection)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer, over TLS if there is a context."""
        with contextlib.suppress(OSError):
            if self.context is None:
                super().finish_request(request, client_address)
            else:
                with self.context.wrap_socket(request, server_side=True) as secure:
                    super().finish_request(secure, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/gitrepository/ns/name/x.tar.gz"


class _Connection(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        self.server.requests.append(self.rfile.readline().decode())
        while self.rfile.readline().strip():
            pass
        answer = self.server.answers[min(len(self.server.requests), len(self.server.answers)) - 1]
        answer(self)


@contextlib.contextmanager
def serving(*answers: Answer, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve on loopback, over TLS with `context`."""
    with Server(answers, context) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def sending(data: bytes, status: int = 200, length: int | None = None, headers: str = "") -> Answer:
    """Return an answer with a body, and Content-Length `length` if it differs."""
    size = len(data) if length is None else length
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {size}\r\n{headers}Connection: close\r\n\r\n"
    return lambda connection: connection.wfile.write(head.encode() + data)


def entry(name: str, content: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Return an entry of an archive; `fields` are attributes of its TarInfo."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def raw(*parts: tuple[tarfile.TarInfo, bytes] | bytes, form: Format = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar, without its end, of entries and of bytes that stand for themselves."""
    out = io.BytesIO()
    for part in parts:
        if isinstance(part, bytes):
            out.write(part)
            continue
        info, content = part
        out.write(info.tobuf(form, "utf-8", "surrogateescape"))
        out.write(content + bytes(-len(content) % tarfile.BLOCKSIZE))
    return out.getvalue()


def packed(*parts: tuple[tarfile.TarInfo, bytes] | bytes, form: Format = tarfile.PAX_FORMAT) -> bytes:
    """Return the tar.gz of raw(), with its end."""
    return gzip.compress(raw(*parts, form=form) + bytes(2 * tarfile.BLOCKSIZE), 1, mtime=0)


def files(directory: Path) -> dict[str, str]:
    """Return the files and links below a directory: content, and "-> target" for links. The marker is left out."""
    return {
        str(path.relative_to(directory)): f"-> {os.readlink(path)}" if path.is_symlink() else path.read_text()
        for path in sorted(directory.rglob("*"))
        if (path.is_symlink() or path.is_file()) and path.name != ".fetched-source"
    }
