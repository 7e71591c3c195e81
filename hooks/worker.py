"""
A gunicorn worker that waits for many clients at once and answers one request at a time.

A client costs a file descriptor until its request is there in full, over TLS too; only then the app is called. A
client that is silent, drips, or does not read its answer delays no other, and its time is bounded. The rest is
gunicorn's sync worker: its parser, its errors, and the time limit for an answer that does not come.
"""

import os
import re
import selectors
import socket
import time
from collections.abc import Callable, Generator
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from ssl import SSLWantReadError, SSLWantWriteError
from typing import Any, TypeVar

from gunicorn import http
from gunicorn.http.errors import NoMoreData
from gunicorn.sock import ssl_wrap_socket
from gunicorn.workers.sync import SyncWorker

HEADER_SECONDS = 3
"""From the connection to the end of the header, with a TLS handshake: Metacontroller sends all of it at once."""
REQUEST_SECONDS = 5
"""From the connection to the end of the body, which takes milliseconds: half of what Metacontroller waits."""
ANSWER_SECONDS = 5
"""For a client to take its answer."""
LINGER_SECONDS = 1
"""For a client that is answered before it has sent all: closed at once, it might lose the answer."""
MOST_CONNECTIONS = 512
"""Metacontroller has at most 20. Of more the oldest is closed, so that a new client always gets in."""
MOST_BYTES = 64 * 1024 * 1024
"""Of all unfinished requests together. Of more the largest is closed."""
LARGEST_BODY = 32 * 1024 * 1024
"""The app refuses a larger one: it is not waited for."""
TICK_SECONDS = 0.25
REPORT_SECONDS = 10
"""The log has one line for all that were given up in this time."""

_CHUNK = 64 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*+(\d{1,9})[ \t]*+(?=\r\n)", re.IGNORECASE)
_Result = TypeVar("_Result")
Steps = Generator[int, None, _Result]
"""A task that yields what its connection has to be ready for before it can go on."""


class Connection:
    """One client: what it has sent, what it is answered, and until when its next step has to be done."""

    def __init__(self, sock: socket.socket, address: Any, listener: socket.socket) -> None:
        sock.setblocking(False)
        self.sock, self.address, self.listener = sock, address, listener
        self.number = sock.fileno()
        self.begin = time.monotonic()
        self.deadline = self.begin + HEADER_SECONDS
        self.received, self.answer = bytearray(), bytearray()
        self.header = self.needed = self.event = 0
        self.steps: Steps[None]

    def sendall(self, data: bytes) -> None:
        """Keep a part of the answer: gunicorn takes this object for the socket that it writes to."""
        self.answer += data

    send = sendall

    def gettimeout(self) -> float:
        return 0.0

    def shutdown(self, _: int) -> None:
        """Refuse to close: the answer has yet to be sent."""
        raise OSError

    def close(self) -> None:
        """Leave it to the worker."""

    def receive(self, most_header: int) -> Steps[bool]:
        """Read one request; return whether enough of it has come to be answered."""
        try:
            while not self.header or len(self.received) < self.needed:
                data = yield from _until_done(partial(self.sock.recv, _CHUNK), EVENT_READ)
                self.received += data
                if not self.header:
                    self._look_for_header(len(self.received) - len(data) - 3)
                if not data or (not self.header and len(self.received) > most_header):
                    break
        except TimeoutError:
            return self.header > 0  # the app says that the body is too short
        return len(self.received) > 0

    def _look_for_header(self, start: int) -> None:
        self.header = self.received.find(b"\r\n\r\n", max(0, start)) + 4
        if self.header < 4:
            self.header = 0
            return
        lengths = _LENGTH.findall(self.received, 0, self.header)
        body = int(lengths[0]) if len(lengths) == 1 else 0
        self.needed = self.header + (body if body <= LARGEST_BODY else 0)
        self.deadline = self.begin + REQUEST_SECONDS

    def send_answer(self) -> Steps[None]:
        """Send the answer; a client that has not sent all gets the time to see it."""
        self.deadline = time.monotonic() + ANSWER_SECONDS
        must_linger = self.answer and len(self.received) != self.needed
        rest = memoryview(bytes(self.answer))
        self.received, self.answer = bytearray(), bytearray()
        while rest:
            sent = yield from _until_done(partial(self.sock.send, rest), EVENT_WRITE)
            rest = rest[sent:]
        if must_linger:
            self.sock.shutdown(socket.SHUT_WR)
            self.deadline = time.monotonic() + LINGER_SECONDS
            while (yield from _until_done(partial(self.sock.recv, _CHUNK), EVENT_READ)):
                yield EVENT_READ


class Worker(SyncWorker):  # type: ignore[misc]
    """The worker class that gunicorn.conf.py names."""

    def run(self) -> None:
        """Serve until gunicorn says to stop, then finish what has begun: every deadline is near."""
        self.poller = selectors.DefaultSelector()
        self.connections: dict[int, Connection] = {}
        self.held = self.given_up = 0
        self.next_look = self.next_report = 0.0
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
            yield EVENT_READ  # a client that says nothing does not cost a TLS context
            connection.sock = over_tls = ssl_wrap_socket(connection.sock, self.cfg)
            yield from _until_done(over_tls.do_handshake, EVENT_READ)
        fields = self.cfg.limit_request_fields * (self.cfg.limit_request_field_size + 2)
        if (yield from connection.receive(self.cfg.limit_request_line + fields + 4)):
            self._answer(connection)
            yield from connection.send_answer()

    def _go_on(self, connection: Connection, *, is_late: bool = False) -> None:
        """Do the next steps of a connection, until it has to wait or is done."""
        held = len(connection.received)
        try:
            event = connection.steps.throw(TimeoutError()) if is_late else next(connection.steps)
        except (StopIteration, OSError):
            event = 0
        self.held += len(connection.received) - held
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
            self._close(max(self.connections.values(), key=lambda each: len(each.received)))

    def _close(self, connection: Connection) -> None:
        if connection.event:
            self.poller.unregister(connection.number)
            del self.connections[connection.number]
        self.held -= len(connection.received)
        connection.steps.close()
        connection.sock.close()

    def _answer(self, connection: Connection) -> None:
        """Call the app with what has come, as SyncWorker.handle() does."""
        request = None
        try:
            request = next(http.get_parser(self.cfg, [bytes(connection.received)], connection.address))
            self.handle_request(connection.listener, request, connection, connection.address)
        except (NoMoreData, StopIteration):
            self.log.debug("A client went away before its header ended")
        except Exception as error:  # noqa: BLE001 - gunicorn answers and logs it
            self.handle_error(request, connection, connection.address, error)


def _until_done(step: Callable[[], _Result], event: int) -> Steps[_Result]:
    """Try a step until it does not have to wait: for `event`, unless TLS needs the other one."""
    while True:
        try:
            return step()
        except SSLWantReadError:
            yield EVENT_READ
        except SSLWantWriteError:
            yield EVENT_WRITE
        except BlockingIOError:
            yield event
