"""
A gunicorn worker that waits for many clients at once and calls the app for one request at a time.

The app is called once a request is complete, over TLS too; until then a client costs a file descriptor and the bytes
it has sent. So a client that is silent, slow, or does not read its response delays no other, and its time is bounded.
The rest is gunicorn's sync worker: its parser, its errors and its timeout for a stuck request.
"""

import contextlib
import os
import selectors
import socket
import time
from selectors import EVENT_READ
from ssl import SSLContext

from gunicorn import http
from gunicorn.http.errors import NoMoreData
from gunicorn.sock import ssl_context
from gunicorn.workers.sync import SyncWorker

from hooks.app import MAX_BODY_BYTES
from hooks.connection import Connection, Steps, until_done

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
        self.poller = selectors.DefaultSelector()
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
        while self.alive and self.is_parent_alive():
            self._poll()
        for listener in self.sockets:
            self.poller.unregister(listener)
        while self.connections:
            self._poll()

    def _poll(self) -> None:
        """Resume every connection whose event has occurred, then those past their deadline."""
        self.notify()
        for key, _ in self.poller.select(TICK_SECONDS if self.connections else 1):
            if key.fd == self.PIPE[0]:
                os.read(key.fd, 99)
            elif key.data in self.sockets:
                self._accept(key.data)
            elif (connection := self.connections.get(key.fd)) and connection is key.data:  # still open
                self._resume(connection)
        now = time.monotonic()
        if now >= self.next_check:
            self.next_check = now + TICK_SECONDS
            self._check_deadlines(now)

    def _check_deadlines(self, now: float) -> None:
        overdue = [connection for connection in self.connections.values() if connection.deadline <= now]
        self.timeouts += len(overdue)
        for connection in overdue:
            if self.connections.get(connection.fd) is connection:
                self._resume(connection, is_late=True)
        if self.timeouts and now >= self.next_report:
            self.log.info("%d clients timed out", self.timeouts)
            self.timeouts, self.next_report = 0, now + REPORT_SECONDS

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
        """Handle one connection: TLS handshake, request, response."""
        if self.cfg.is_ssl:
            yield EVENT_READ
            connection.sock = over_tls = self._tls_context().wrap_socket(
                connection.sock, server_side=True, do_handshake_on_connect=False
            )
            yield from until_done(over_tls.do_handshake, EVENT_READ)
        fields = self.cfg.limit_request_fields * (self.cfg.limit_request_field_size + 2)
        if (yield from connection.receive(max_header=self.cfg.limit_request_line + fields + 4)):
            self._call_app(connection)
            yield from connection.send_response()

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
        if not connection.event:
            self.connections[connection.fd] = connection
            self.poller.register(connection.fd, event, connection)
        elif connection.event != event:
            self.poller.modify(connection.fd, event, connection)
        connection.event = event
        if self.buffered > MAX_BUFFERED_BYTES:
            self._close(max(self.connections.values(), key=lambda each: each.size))

    def _close(self, connection: Connection) -> None:
        if connection.event:
            self.poller.unregister(connection.fd)
            del self.connections[connection.fd]
        self.buffered -= connection.size
        connection.steps.close()
        connection.received = connection.response = bytearray()
        connection.sock.close()

    def _call_app(self, connection: Connection) -> None:
        """Parse the received request and call the app, as SyncWorker.handle() does."""
        request = None
        try:
            request = next(http.get_parser(self.cfg, connection.chunks(), connection.address))
            self.handle_request(connection.listener, request, connection, connection.address)
        except (NoMoreData, StopIteration):
            self.log.debug("A client closed the connection before the end of its header")
        except Exception as error:  # noqa: BLE001 - gunicorn logs it and responds
            self.handle_error(request, connection, connection.address, error)
