"""One request, as it grows on its connection, and its WSGI environ."""

import re
import sys
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

SMALL_BYTES, LARGE_BYTES = 4096, 65536
_SLASH = re.compile(b"(?i)%2f")
_BASE = {
    "SCRIPT_NAME": "",
    "SERVER_NAME": "function",
    "SERVER_PORT": "8080",
    "SERVER_SOFTWARE": "function",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}


class Request:
    """One request: its WSGI environ, and as much of its body as has come, `size` bytes."""

    __slots__ = ("cost", "environ", "keep_alive", "pieces", "size", "target")

    def __init__(self) -> None:
        self.environ: dict[str, Any] = _BASE.copy()
        self.target = b""
        self.pieces: list[bytes | bytearray] = []
        self.size = 0
        self.cost = 0
        self.keep_alive = True

    def add(self, data: bytes) -> None:
        """Add to the body: small pieces to each other, since one by itself takes many times its bytes."""
        self.size += len(data)
        last = self.pieces[-1] if self.pieces else b""
        if isinstance(last, bytearray) and len(last) < LARGE_BYTES:
            last += data
        else:
            self.pieces.append(data if len(data) > SMALL_BYTES else bytearray(data))


def complete(request: Request, address: str) -> dict[str, Any]:
    """Return the WSGI environ of a complete request of the client at `address`. Source: PEP 3333."""
    environ = request.environ
    path, _, query = request.target.partition(b"?")
    if not path.startswith(b"/"):
        path = _path_of_absolute(path)
    environ["PATH_INFO"] = (_unquoted(path) if b"%" in path else path).decode("latin-1")
    environ["QUERY_STRING"] = query.decode("latin-1")
    environ["REQUEST_URI"] = request.target.decode("latin-1")
    environ["REMOTE_ADDR"] = address
    body, request.pieces = b"".join(request.pieces), []
    if "HTTP_TRANSFER_ENCODING" in environ:
        # The body is whole: Bottle would decode the chunks once more.
        del environ["HTTP_TRANSFER_ENCODING"]
        environ["CONTENT_LENGTH"] = str(len(body))
    environ["wsgi.input"] = BytesIO(body)
    environ["function_server.body"] = body
    return environ


def _unquoted(path: bytes) -> bytes:
    """Return a path with its escapes decoded, but for a slash that is part of a segment, as cheroot leaves it."""
    return b"%2F".join(map(unquote_to_bytes, _SLASH.split(path)))


def _path_of_absolute(target: bytes) -> bytes:
    """Return the path of `http://host/path` (RFC 9112, 3.2.2), or of `*`, which is answered as itself."""
    _, separator, rest = target.partition(b"://")
    return b"/" + rest.partition(b"/")[2] if separator else target
