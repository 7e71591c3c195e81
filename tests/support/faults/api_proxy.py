"""A proxy between Metacontroller and the API server that sees each request, and may change the events of watches."""

import contextlib
import http.client
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from support.certificate import certificate
from support.cluster.control_plane import no_checks

_RESOURCE = re.compile(
    r"/(?:api/v1|apis/[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?/(?P<resource>[a-z]+)(?P<rest>.*)"
)
_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}
EXPIRED = {
    "type": "ERROR",
    "object": {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410},
}


class Request(NamedTuple):
    """A request of Metacontroller, as "POST services" or "PUT functions/status"; `is_done` once it has an answer."""

    what: str
    namespace: str
    is_done: bool


Events = Callable[[str, bytes], Iterable[bytes]]
"""Takes a resource and an event of its watch, a line of JSON; returns the lines that Metacontroller receives."""


def unchanged(_: str, line: bytes) -> list[bytes]:
    return [line]


class ApiProxy(ThreadingHTTPServer):
    """
    Listens with TLS on a free port of loopback until close().

    `observe` is called before each request and after its answer, before Metacontroller receives that. `events` changes
    the watches of JSON objects, after their initial events.
    """

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, target: str, directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.host = urlsplit(target).netloc
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(directory, "proxy"))
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.observe: Callable[[Request], None] = lambda _: None
        self.events: Events = unchanged
        self.watches: set[http.client.HTTPSConnection] = set()
        self.expiring: set[str] = set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}"

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def close_watches(self, expired: Iterable[str] = ()) -> None:
        """Close every watch; the next one of each of these resources is refused once, which causes a new list."""
        self.expiring |= set(expired)
        for connection in list(self.watches):
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(2)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: Metacontroller may be killed at any time."""


class _Handler(BaseHTTPRequestHandler):
    server: ApiProxy
    protocol_version = "HTTP/1.1"

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = _described(self.command, self.path)
        self.server.observe(request)
        headers = {key: value for key, value in self.headers.items() if key.lower() not in _HOP}
        connection = http.client.HTTPSConnection(self.server.host, context=no_checks(), timeout=600)
        try:
            connection.request(self.command, self.path, body or None, headers | {"Accept-Encoding": "identity"})
            answer = connection.getresponse()
            if _is_watch(self.path) and answer.status == 200:
                self._relay_watch(request.what.partition(" ")[2], connection, answer)
            else:
                self._relay(request, answer)
        finally:
            connection.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _forward  # noqa: N815 - the names in BaseHTTPRequestHandler

    def _relay(self, request: Request, answer: http.client.HTTPResponse) -> None:
        data = answer.read()
        self.server.observe(request._replace(is_done=True))
        self._send_header(answer)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _relay_watch(
        self, resource: str, connection: http.client.HTTPSConnection, answer: http.client.HTTPResponse
    ) -> None:
        self._send_header(answer)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.server.watches.add(connection)
        try:
            for line in self._lines(resource, answer):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.write(b"0\r\n\r\n")
        finally:
            self.server.watches.discard(connection)
            self.close_connection = True

    def _lines(self, resource: str, answer: http.client.HTTPResponse) -> Iterable[bytes]:
        is_json = answer.headers.get_content_type() == "application/json"
        if is_json and resource in self.server.expiring:
            self.server.expiring.discard(resource)
            yield json.dumps(EXPIRED).encode() + b"\n"
            return
        is_initial = "sendInitialEvents=true" in self.path
        with contextlib.suppress(OSError, http.client.HTTPException):
            while data := answer.readline() if is_json else answer.read1(65536):
                if not is_json or is_initial or b'"BOOKMARK"' in data[:32]:
                    is_initial = is_initial and b"k8s.io/initial-events-end" not in data
                    yield data
                else:
                    yield from self.server.events(resource, data)

    def _send_header(self, answer: http.client.HTTPResponse) -> None:
        self.send_response(answer.status)
        for key, value in answer.headers.items():
            if key.lower() not in _HOP:
                self.send_header(key, value)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in BaseHTTPRequestHandler
        """Print nothing."""


def _is_watch(path: str) -> bool:
    return parse_qs(urlsplit(path).query).get("watch", ["false"])[0] in ("true", "1")


def _described(method: str, path: str) -> Request:
    match = _RESOURCE.fullmatch(urlsplit(path).path)
    if not match:
        return Request(f"{method} {urlsplit(path).path}", "", is_done=False)
    _, _, sub = match["rest"].strip("/").partition("/")
    return Request(f"{method} {match['resource']}{'/' if sub else ''}{sub}", match["namespace"] or "", is_done=False)
