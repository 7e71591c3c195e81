"""
One client: received bytes become complete requests, within limits of size and time.

llhttp, the parser of Node.js, decides about framing. Nothing is read while a request is handled, so what a client sends
ahead stays in the kernel.
"""

import socket
import time

import httptools

from function_server.budget import Budget
from function_server.request import Request

HEAD_BYTES = 32 * 1024
TARGET_BYTES = 16 * 1024
HEAD_SECONDS = 10.0
"""From the first byte of a request to the end of its headers."""
IDLE_SECONDS = 75.0
"""For the first byte of a request; longer than the 60 s after which common proxies close their side."""
BODY_SECONDS, BODY_BYTES_PER_SECOND = 10.0, 4096
"""A body may take so long, and a second more for each so many bytes that have come."""
FREE_HEAD_BYTES, NEXT_BYTES = 4096, 2048
"""The budget counts headers beyond so many bytes, and so many bytes for each request that is sent ahead."""
LINGER_SECONDS = 10.0
"""How long the rest of a refused body is taken in, since most clients read an answer only when they have sent all."""
KNOWN_KEYS = 512

_keys: dict[bytes, str] = {}
_NONE = Request()
"""Between two requests."""


class Refused(Exception):
    """A request that is not passed on: a status and a line of plain text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Connection:
    """
    `ready` holds complete requests in their order. `refusal` is set once the client has broken a rule: it is the last
    answer on this connection. `deadline` is the time.monotonic() at which what is waited for has to be there.
    """

    __slots__ = (
        "address",
        "body_limit",
        "bodyless_bytes",
        "budget",
        "deadline",
        "fd",
        "handled",
        "head_bytes",
        "lingering",
        "outbox",
        "parser",
        "phase",
        "ready",
        "refusal",
        "request",
        "sock",
        "wants_continue",
    )

    def __init__(self, sock: socket.socket, address: str, budget: Budget, body_limit: int) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.address = address
        self.budget = budget
        self.body_limit = body_limit
        self.ready: list[Request] = []
        self.refusal: Refused | None = None
        self.lingering = False
        self.handled = False
        self.wants_continue = False
        self.outbox = b""
        self.parser = httptools.HttpRequestParser(self)
        self.request = _NONE
        self.phase = "idle"
        self.head_bytes = self.bodyless_bytes = 0
        self.deadline = time.monotonic() + IDLE_SECONDS

    def feed(self, data: bytes) -> None:
        """Take received bytes; afterwards `ready`, `refusal` and `wants_continue` say what to do."""
        if self.refusal:
            return
        request, size = self.request, self.request.size
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._refuse_upgrade(data, upgrade.args[0])
        except httptools.HttpParserError:
            self.refusal = self.refusal or Refused(400, "the request is not HTTP/1.1")
        is_same = self.request is request and request.size == size
        self.bodyless_bytes = self.bodyless_bytes + len(data) if is_same else 0
        if self.bodyless_bytes > HEAD_BYTES and self.phase != "idle" and not self.refusal:
            # A header or a trailer that does not end: the parser keeps it until it does.
            self.refusal = Refused(431, "the headers are too large")

    def expire(self) -> None:
        """Make the thread that reads next answer with 408: what was waited for has not come in time."""
        if self.phase != "idle" and not self.refusal:
            self.refusal = Refused(408, "the request was not complete in time")

    def release(self, request: Request) -> None:
        """Give the memory of a request's body back to the budget."""
        self.budget.give_back(request)

    def close(self) -> None:
        """Close the socket, and forget whatever has been received."""
        for request in (self.request, *self.ready):
            self.release(request)
        self.ready.clear()
        self.parser = None
        self.sock.close()

    def on_message_begin(self) -> None:
        self.request = Request()
        self.phase = "head"
        self.head_bytes = 0
        self.deadline = time.monotonic() + HEAD_SECONDS

    def on_url(self, url: bytes) -> None:
        self.request.target += url
        if len(self.request.target) > TARGET_BYTES:
            self.refusal = Refused(414, "the request target is too long")
            raise self.refusal

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.phase != "head":  # a trailer
            return
        size = len(name) + len(value) + 4
        self.head_bytes += size
        if self.head_bytes > HEAD_BYTES:
            self._refuse(431, "the headers are too large")
        if self.head_bytes > FREE_HEAD_BYTES:
            self._take(size)
        environ, key, text = self.request.environ, _keys.get(name) or _key(name), value.decode("latin-1")
        if key in environ:
            text = environ[key] + ("; " if key == "HTTP_COOKIE" else ", ") + text
        environ[key] = text

    def on_headers_complete(self) -> None:
        environ, version = self.request.environ, self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            self._refuse(400, "only HTTP/1.0 and HTTP/1.1 are served")
        if version == "1.1" and "HTTP_HOST" not in environ:
            self._refuse(400, "a Host header is required")
        if int(environ.get("CONTENT_LENGTH", "0")) > self.body_limit:
            self._refuse(413, "the body is too large")
        environ["SERVER_PROTOCOL"] = f"HTTP/{version}"
        self.wants_continue = environ.get("HTTP_EXPECT", "").lower() == "100-continue"
        self.phase = "body"
        self.deadline = time.monotonic() + BODY_SECONDS

    def on_body(self, data: bytes) -> None:
        request = self.request
        if request.size + len(data) > self.body_limit:
            self._refuse(413, "the body is too large")
        self._take(len(data), request.environ.get("CONTENT_TYPE", ""))
        request.add(data)
        self.deadline += len(data) / BODY_BYTES_PER_SECOND

    def on_message_complete(self) -> None:
        if self.ready:
            self._take(NEXT_BYTES)
        request, self.request = self.request, _NONE
        request.keep_alive = self.parser.should_keep_alive()
        request.environ["REQUEST_METHOD"] = self.parser.get_method().decode("ascii")
        self.wants_continue = False
        self.phase = "idle"
        self.deadline = time.monotonic() + IDLE_SECONDS
        self.ready.append(request)

    def _take(self, size: int, content_type: str = "") -> None:
        if refusal := self.budget.take_for(self.request, size, content_type):
            self._refuse(*refusal)

    def _refuse(self, status: int, message: str) -> None:
        self.refusal = Refused(status, message)
        self.release(self.request)
        self.request.pieces = []
        raise self.refusal

    def _refuse_upgrade(self, data: bytes, rest: int) -> None:
        """Go on in HTTP/1.1, as a server may that does not know the protocol; a tunnel there is none."""
        if self.ready and self.ready[-1].environ["REQUEST_METHOD"] == "CONNECT":
            self.ready.pop()
            self.refusal = Refused(405, "CONNECT is not served")
            return
        self.parser = httptools.HttpRequestParser(self)
        if data[rest:]:
            self.feed(data[rest:])


def _key(name: bytes) -> str:
    """Return the key of a header in an environ; names that come often are remembered."""
    plain = name.decode("latin-1").upper().replace("-", "_")
    key = plain if plain in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{plain}"
    if len(_keys) < KNOWN_KEYS and len(name) < 64:
        _keys[name] = key
    return key
