"""
A gunicorn worker that waits for many clients at once and calls the app for one request at a time.

The app is called only when a request is complete, also over TLS; until then a client costs a file descriptor and the
bytes it has sent. A client that is silent, slow or does not read its response delays no other, and its time is bounded.
The rest is gunicorn's sync worker: its parser, its errors and its timeout for a stuck request.

Metacontroller's requests come on a connection each, which spreads them over workers and pods. The API server's
conversions share connections, and each comes before the next request of Metacontroller: the API server converts the
events of a watch one after the other, so that after many writes, each wait and each TLS handshake adds up.
"""

import contextlib
import os
import selectors
import socket
import time
from selectors import EVENT_READ
from ssl import SSLContext

from gunicorn import http
from gunicorn.http import wsgi
from gunicorn.http.errors import NoMoreData
from gunicorn.sock import ssl_context
from gunicorn.workers.sync import SyncWorker

from hooks.app import CONVERT, MAX_BODY_BYTES
from hooks.connection import LINGER_SECONDS, Connection, Steps, until_done

MAX_CONNECTIONS = 512
"""Metacontroller opens at most 20. Beyond this the oldest is closed, so that a new client is always accepted."""
MAX_BUFFERED_BYTES = MAX_BODY_BYTES + 1024 * 1024
"""For incomplete requests and unsent responses: one request of the largest size. Beyond this the largest is closed."""
TICK_SECONDS = 0.25
"""How often deadlines are checked."""
REPORT_SECONDS = 10
"""How often timeouts are logged, at most."""


class Worker(SyncWorker):  # type: ignore[misc]
    """The worker class that gunicorn.conf.py names."""

    def run(self) -> None:
        """Serve until gunicorn stops the worker, then finish the open connections, which their deadlines bound."""
        self.poller, self.kept = selectors.DefaultSelector(), selectors.DefaultSelector()
        self.connections: dict[int, Connection] = {}
        self.buffered = self.timeouts = 0
        self.next_check = self.next_report = 0.0
        self.context: SSLContext | None = None
        self.certificate_times: list[int] = []
        if self.cfg.is_ssl:
            with contextlib.suppress(OSError):  # logged; the next connection tries again
                self._tls_context()
        for listener in self.sockets:
            listener.setblocking(False)
            self.poller.register(listener, EVENT_READ, listener)
        self.poller.register(self.PIPE[0], EVENT_READ)
        self.poller.register(self.kept, EVENT_READ)
        while self.alive and self.is_parent_alive():
            self._poll()
        for listener in self.sockets:
            self.poller.unregister(listener)
        for connection in self.connections.values():
            if connection.is_idle:
                connection.deadline = time.monotonic() + LINGER_SECONDS
        while self.connections:
            self._poll()

    def _poll(self) -> None:
        """Resume every connection whose event has occurred, kept ones before each other, then those that are late."""
        self.notify()
        for key, _ in self.poller.select(TICK_SECONDS if self.connections else 1):
            for kept, _ in self.kept.select(0):
                self._resume_open(kept.data)
            if key.fd == self.PIPE[0]:
                os.read(key.fd, 99)
            elif key.data in self.sockets:
                self._accept(key.data)
            elif key.data:
                self._resume_open(key.data)
        now = time.monotonic()
        if now >= self.next_check:
            self.next_check = now + TICK_SECONDS
            self._check_deadlines(now)

    def _check_deadlines(self, now: float) -> None:
        overdue = [connection for connection in self.connections.values() if connection.deadline <= now]
        self.timeouts += sum(not connection.is_idle for connection in overdue)
        for connection in overdue:
            if self.connections.get(connection.fd) is connection:
                self._resume(connection, is_late=True)
        if self.timeouts and now >= self.next_report:
            self.log.info("%d clients timed out", self.timeouts)
            self.timeouts, self.next_report = 0, now + REPORT_SECONDS

    def _resume_open(self, connection: Connection) -> None:
        """Resume a connection unless it was closed after the poll."""
        if self.connections.get(connection.fd) is connection:
            self._resume(connection)

    def _accept(self, listener: socket.socket) -> None:
        """Accept one connection only: the other worker can accept the next while this one is answered."""
        try:
            sock, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # the other worker took it, or the client left
            return
        if len(self.connections) >= MAX_CONNECTIONS:
            self._close(next(iter(self.connections.values())))
        connection = Connection(sock, address, listener)
        connection.steps = self._steps(connection)
        self._resume(connection)

    def _steps(self, connection: Connection) -> Steps[None]:
        """Handle one connection: TLS handshake, request, response, and further requests if it is kept."""
        if self.cfg.is_ssl:
            yield EVENT_READ
            connection.sock = over_tls = self._tls_context().wrap_socket(
                connection.sock, server_side=True, do_handshake_on_connect=False
            )
            yield from until_done(over_tls.do_handshake, EVENT_READ)
        fields = self.cfg.limit_request_fields * (self.cfg.limit_request_field_size + 2)
        while (yield from connection.receive(max_header=self.cfg.limit_request_line + fields + 4)):
            self._call_app(connection)
            yield from connection.send_response()
            if not connection.await_next():
                break

    def _tls_context(self) -> SSLContext:
        """Return the TLS context; the certificate is reloaded when its files have changed."""
        try:
            times = [os.stat(name).st_mtime_ns for name in (self.cfg.certfile, self.cfg.keyfile)]
            if self.context is None or times != self.certificate_times:
                self.context, self.certificate_times = ssl_context(self.cfg), times
        except OSError as error:  # also while only one of the two files is new
            self.log.warning("The certificate cannot be loaded: %s", error)
            if self.context is None:
                raise
        return self.context

    def _resume(self, connection: Connection, *, is_late: bool = False) -> None:
        """Continue a connection until it has to wait or is finished; raise TimeoutError in it if it is late."""
        size = connection.size
        try:
            event = connection.steps.throw(TimeoutError()) if is_late else next(connection.steps)
        except (StopIteration, OSError):
            event = 0
        self.buffered += connection.size - size
        if not event:
            self._close(connection)
            return
        poller = self.kept if connection.is_kept else self.poller
        if poller is not connection.poller:
            self._unregister(connection)
            self.connections[connection.fd], connection.poller = connection, poller
            poller.register(connection.fd, event, connection)
        elif connection.event != event:
            poller.modify(connection.fd, event, connection)
        connection.event = event
        if self.buffered > MAX_BUFFERED_BYTES:
            self._close(max(self.connections.values(), key=lambda each: each.size))

    def _close(self, connection: Connection) -> None:
        self._unregister(connection)
        self.buffered -= connection.size
        connection.steps.close()
        connection.received = connection.response = bytearray()
        connection.sock.close()

    def _unregister(self, connection: Connection) -> None:
        if connection.poller:
            connection.poller.unregister(connection.fd)
            del self.connections[connection.fd]

    def _call_app(self, connection: Connection) -> None:
        """Parse the received request and call the app, as SyncWorker.handle() does."""
        request = None
        connection.is_kept = False
        try:
            request = next(http.get_parser(self.cfg, connection.chunks(), connection.address))
            self._respond(connection, request)
        except (NoMoreData, StopIteration):
            self.log.debug("A client closed the connection before the end of its header")
        except Exception as error:  # noqa: BLE001 - gunicorn logs it and responds
            self.handle_error(request, connection, connection.address, error)

    def _respond(self, connection: Connection, request: http.message.Request) -> None:
        """Buffer the app's response, like SyncWorker.handle_request(), which never keeps a connection."""
        server = connection.listener.getsockname()
        response, environ = wsgi.create(request, connection, connection.address, server, self.cfg)
        body = self.wsgi(environ, response.start_response)
        succeeded = request.path == CONVERT and response.status_code == 200
        if not (succeeded and self.alive and connection.may_be_kept()):
            response.force_close()
        for part in body:
            response.write(part)
        response.close()
        if hasattr(body, "close"):  # PEP 3333: a list has none
            body.close()
        connection.is_kept = not response.should_close()
