"""A proxy between Metacontroller and the hook that may answer in place of the hook, or spoil its answer."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

JSON = "application/json"


class Reply(NamedTuple):
    """An answer to Metacontroller; only the first `cut` bytes of the body are sent, over `seconds` in all."""

    code: int
    body: bytes
    retry_after: str = ""
    cut: int | None = None
    seconds: float = 0
    has_length: bool = True


@dataclass(frozen=True)
class Call:
    """A request of Metacontroller to the hook; `port` is that of the hook."""

    path: str
    body: bytes
    port: int

    @property
    def hook(self) -> str:
        """The name of the endpoint: sync, finalize or customize."""
        return self.path.partition("?")[0].rpartition("/")[2]

    @property
    def function(self) -> str:
        """The name of the Function."""
        return str(json.loads(self.body)["parent"]["metadata"]["name"])

    def send_half(self) -> socket.socket:
        """Send half of the request to the hook, and return the connection."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        length = f"Content-Length: {len(self.body)}"
        head = "\r\n".join((f"POST {self.path} HTTP/1.1", "Host: hook", f"Content-Type: {JSON}", length, "", ""))
        client.sendall(head.encode() + self.body[: len(self.body) // 2])
        return client

    def forward(self, port: int = 0) -> Reply:
        """Return the answer of the hook, at another port if it is given; raises OSError if there is none."""
        client = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=15)
        try:
            client.request("POST", self.path, self.body, {"Content-Type": JSON})
            answer = client.getresponse()
            return Reply(answer.status, answer.read(), answer.headers.get("Retry-After", ""))
        except http.client.HTTPException as error:
            raise ConnectionError("the hook closed the connection") from error
        finally:
            client.close()


Rule = Callable[[Call], Reply]


def passed(call: Call) -> Reply:
    """Answer as the hook does."""
    return call.forward()


class HookProxy(ThreadingHTTPServer):
    """
    Listens on a free port of loopback until close(); every call is answered by `rule`, by default the hook's answer.

    A rule that raises OSError closes the connection without an answer.
    """

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, hook_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hook_port = hook_port
        self.rule: Rule = passed
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: Metacontroller may be killed at any time."""


class _Handler(BaseHTTPRequestHandler):
    server: HookProxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        reply = self.server.rule(Call(self.path, body, self.server.hook_port))
        self.send_response(reply.code)
        self.send_header("Content-Type", JSON)
        if reply.has_length:
            self.send_header("Content-Length", str(len(reply.body)))
        if reply.retry_after:
            self.send_header("Retry-After", reply.retry_after)
        self.end_headers()
        self._send_body(reply)

    def _send_body(self, reply: Reply) -> None:
        body = reply.body[: reply.cut]
        pieces = 10 if reply.seconds else 1
        size = len(body) // pieces + 1
        for start in range(0, len(body), size):
            self.wfile.write(body[start : start + size])
            time.sleep(reply.seconds / pieces)
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in BaseHTTPRequestHandler
        """Print nothing."""
