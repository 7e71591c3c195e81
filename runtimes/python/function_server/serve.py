"""
Start, drain, stop.

Requests wait at the open port until the handler is loaded, so the handler responds to all of them. After SIGTERM every
response has `Connection: close` for a second, so that clients with open connections connect to another pod without a
lost request. Then the server accepts no more requests and finishes the running ones.
"""

import os
import signal
import socket
import sys
import threading
import time
from typing import Any

import bottle
from cheroot import server as cheroot_server
from cheroot import wsgi

from function_server import handler
from function_server.app import create_app
from function_server.listener import BACKLOG
from function_server.time_limit import TimeLimit

DRAIN_SECONDS = 1.0
FINISH_SECONDS = 20
"""With preStop and the drain, less than the 30 s after which the kubelet kills the process."""
KEPT_CONNECTIONS = 1000
CHUNK = 65536


def main(listener: socket.socket) -> None:
    """Serve at `listener` until SIGTERM or SIGINT; see handler.load() for a handler that cannot be loaded."""
    # A process with PID 1 ignores signals without a handler.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    timeout = float(os.environ.get("FUNC_TIMEOUT") or 180)
    body_limit = int(os.environ.get("FUNC_MEMFILE_MAX") or 100 * 1024 * 1024)
    function = handler.load()
    context = {
        "function-name": os.environ.get("FUNC_NAME"),
        "namespace": os.environ.get("SERVICE_NAMESPACE"),
        "runtime": os.environ.get("FUNC_RUNTIME"),
        "timeout": timeout,
        "body-size-limit": body_limit,
        "memory-limit": os.environ.get("FUNC_MEMORY_LIMIT"),
    }
    bottle.BaseRequest.MEMFILE_MAX = body_limit
    app = TimeLimit(_logged(create_app(function, context)), timeout)
    server = _Server(listener, app, int(os.environ.get("CHERRYPY_NUMTHREADS") or 50))
    server.max_request_body_size = body_limit
    server.keep_alive_conn_limit = KEPT_CONNECTIONS
    server.shutdown_timeout = FINISH_SECONDS
    server.prepare()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.drain())
    server.serve()
    server.drained.wait()


class _Request(cheroot_server.HTTPRequest):
    def simple_response(self, status: str, msg: str = "") -> None:
        """Read the rest of a body that is too large: most clients read the 413 only after they have sent everything."""
        left = int(self.inheaders.get(b"Content-Length", 0)) if status.startswith("413") else 0
        # A client that expects "100 Continue" has not sent the body.
        while left and b"Expect" not in self.inheaders and (data := self.conn.rfile.read(min(left, CHUNK))):
            left -= len(data)
        super().simple_response(status, msg)


class _Connection(cheroot_server.HTTPConnection):
    RequestHandlerClass = _Request


class _Server(wsgi.Server):
    ConnectionClass = _Connection
    draining = False

    def __init__(self, listener: socket.socket, app: Any, threads: int) -> None:
        address = listener.getsockname()
        super().__init__(address[:2], app, threads, server_name="function", request_queue_size=BACKLOG, timeout=60)
        self.listener = listener
        self.gateway = _Gateway
        self.drained = threading.Event()

    def bind(self, *_: Any) -> None:
        """Use the socket that is already listening; called by prepare()."""
        self.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = self.listener

    def drain(self) -> None:
        """Return at once; the server stops in the background. Safe to call twice."""
        if not self.draining:
            self.draining = True
            threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        last = threading.Timer(DRAIN_SECONDS + FINISH_SECONDS + 1, os._exit, (1,))
        last.daemon = True
        last.start()
        time.sleep(DRAIN_SECONDS)
        self.stop()
        self.drained.set()

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Ignore errors of connections, which clients cause."""


class _Gateway(wsgi.Gateway_10):
    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ["function_server.close_connection"] = self._close
        return environ

    def start_response(self, *arguments: Any, **named: Any) -> Any:
        if self.req.server.draining:
            self._close()
        return super().start_response(*arguments, **named)

    def _close(self) -> None:
        self.req.close_connection = True


def _logged(app: Any) -> Any:
    """Return `app`, which with KYMA_INTERNAL_LOGGER_ENABLED prints a line per request to standard output."""
    if not os.environ.get("KYMA_INTERNAL_LOGGER_ENABLED"):
        return app

    def logged(environ: dict[str, Any], start_response: Any) -> Any:
        def start(status: str, *rest: Any) -> Any:
            caller, method, path = environ["REMOTE_ADDR"], environ["REQUEST_METHOD"], environ["PATH_INFO"]
            print(f'{caller} - "{method} {path}" {status[:3]}', file=sys.stdout, flush=True)
            return start_response(status, *rest)

        return app(environ, start)

    return logged
