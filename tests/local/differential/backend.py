"""What handlers call: a publisher of CloudEvents that keeps what it is sent, and a few pages."""

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TRACE_HEADERS = ("traceparent", "tracestate", "baggage", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled")
PAGES = {"/text": (200, "text/csv", "a,b"), "/json": (200, "application/json", '{"a": 1}')}


class Backend:
    """A running server at `address`; `taken` are the events that have been posted to /publish."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.taken: list[dict[str, Any]] = []

    @property
    def env(self) -> dict[str, str]:
        return {"BACKEND": self.address, "PUBLISHER_PROXY_ADDRESS": f"{self.address}/publish"}


@contextlib.contextmanager
def running() -> Iterator[Backend]:
    """Serve on a port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    backend = server.backend = Backend(server.server_port)  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield backend
    finally:
        server.shutdown()
        server.server_close()


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/trace":
            seen = {name: self.headers[name] for name in TRACE_HEADERS if name in self.headers}
            return self._answer(200, "application/json", json.dumps(seen))
        return self._answer(*PAGES.get(path, (404, "text/plain", "nowhere")))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        if not self.path.startswith("/publish"):
            return self.do_GET()
        event: dict[str, Any] = json.loads(body)
        self.server.backend.taken.append({"type": self.headers["Content-Type"], "event": event})  # type: ignore[attr-defined]
        wanted = re.fullmatch(r"status\.(\d+)", str(event.get("type")))
        return self._answer(int(wanted[1]) if wanted else 204, "text/plain", "")

    def _answer(self, status: int, content_type: str, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass
