"""
A gunicorn worker that waits for many clients at once and answers one request at a time.

A client costs a file descriptor until its request is there in full, over TLS too; only then the app is called. A
client that is silent, drips, or does not read its answer delays no other, and its time is bounded. The rest is
gunicorn's sync worker: its parser, its errors, and the time limit for an answer that does not come.
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

from hooks.connection import Connection, Steps, until_done

MOST_CONNECTIONS = 512
"""Metacontroller has at most 20. Of more the oldest is closed, so that a new client always gets in."""
MOST_BYTES = 33 * 1024 * 1024
"""Of unfinished requests and unsent answers: room for one of the largest size. Beyond it the largest goes."""
TICK_SECONDS = 0.25
REPORT_SECONDS = 10
"""The log has one line for all that were given up in this time."""


class Worker(SyncWorker):  # type: ignore[misc]
    """The worker class that gunicorn.conf.py names."""

    def run(self) -> None:
        """Serve until gunicorn says to stop, then finish what has begun: every deadline is near."""
        self.poller = selectors.DefaultSelector()
        self.connections: dict[int, Connection] = {}
        self.held = self.given_up = 0
        self.next_look = self.next_report = 0.0
        self.context: SSLContext | None = None
        self.certificate: list[int] = []
        if self.cfg.is_ssl:
            with contextlib.suppress(OSError):
                self._context()
        for listener in self.sockets:
            listener.setblocking(False)
            self.poller.register(listener, EVENT_READ, listener)
        self.poller.register(self.PIPE[0], EVENT_READ)
        while self.alive and self.is_parent_alive():
            self._turn()
        for listener in self.sockets:
            self.poller.unregister(listener)
        while self.connections:
            self._turn()

    def _turn(self) -> None:
        """Do what can be done without waiting, then what is overdue."""
        self.notify()
        for key, _ in self.poller.select(TICK_SECONDS if self.connections else 1):
            if key.fd == self.PIPE[0]:
                os.read(key.fd, 99)
            elif key.data in self.sockets:
                self._accept(key.data)
            elif (connection := self.connections.get(key.fd)) and connection is key.data:  # not closed meanwhile
                self._go_on(connection)
        now = time.monotonic()
        if now >= self.next_look:
            self.next_look = now + TICK_SECONDS
            self._end_overdue(now)

    def _end_overdue(self, now: float) -> None:
        overdue = [connection for connection in self.connections.values() if connection.deadline <= now]
        self.given_up += len(overdue)
        for connection in overdue:
            if self.connections.get(connection.number) is connection:
                self._go_on(connection, is_late=True)
        if self.given_up and now >= self.next_report:
            self.log.info("Gave up %d clients that took too long", self.given_up)
            self.given_up, self.next_report = 0, now + REPORT_SECONDS

    def _accept(self, listener: socket.socket) -> None:
        """Take one connection, so that the other worker may take the next one while this one is answered."""
        try:
            sock, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # the other worker was faster, or the client is gone
            return
        if len(self.connections) >= MOST_CONNECTIONS:
            self._close(next(iter(self.connections.values())))
        connection = Connection(sock, address, listener)
        connection.steps = self._steps(connection)
        self._go_on(connection)

    def _steps(self, connection: Connection) -> Steps[None]:
        """Do all there is to do for one client."""
        if self.cfg.is_ssl:
            yield EVENT_READ
            connection.sock = over_tls = self._context().wrap_socket(
                connection.sock, server_side=True, do_handshake_on_connect=False
            )
            yield from until_done(over_tls.do_handshake, EVENT_READ)
        fields = self.cfg.limit_request_fields * (self.cfg.limit_request_field_size + 2)
        if (yield from connection.receive(self.cfg.limit_request_line + fields + 4)):
            self._answer(connection)
            yield from connection.send_answer()

    def _context(self) -> SSLContext:
        """Return the context with today's certificate: its files are read anew when they change."""
        try:
            certificate = [os.stat(name).st_mtime_ns for name in (self.cfg.certfile, self.cfg.keyfile)]
            if self.context is None or certificate != self.certificate:
                self.context, self.certificate = ssl_context(self.cfg), certificate
        except OSError as error:  # one of the two may be a moment older than the other
            self.log.warning("The certificate cannot be read: %s", error)
            if self.context is None:
                raise
        return self.context

    def _go_on(self, connection: Connection, *, is_late: bool = False) -> None:
        """Do the next steps of a connection, until it has to wait or is done."""
        held = connection.size
        try:
            event = connection.steps.throw(TimeoutError()) if is_late else next(connection.steps)
        except (StopIteration, OSError):
            event = 0
        self.held += connection.size - held
        if not event:
            self._close(connection)
            return
        if not connection.event:
            self.connections[connection.number] = connection
            self.poller.register(connection.number, event, connection)
        elif connection.event != event:
            self.poller.modify(connection.number, event, connection)
        connection.event = event
        if self.held > MOST_BYTES:
            self._close(max(self.connections.values(), key=lambda each: each.size))

    def _close(self, connection: Connection) -> None:
        if connection.event:
            self.poller.unregister(connection.number)
            del self.connections[connection.number]
        self.held -= connection.size
        connection.steps.close()
        connection.received = connection.answer = bytearray()
        connection.sock.close()

    def _answer(self, connection: Connection) -> None:
        """Call the app with what has come, as SyncWorker.handle() does."""
        request = None
        try:
            request = next(http.get_parser(self.cfg, connection.pieces(), connection.address))
            self.handle_request(connection.listener, request, connection, connection.address)
        except (NoMoreData, StopIteration):
            self.log.debug("A client went away before its header ended")
        except Exception as error:  # noqa: BLE001 - gunicorn answers and logs it
            self.handle_error(request, connection, connection.address, error)
