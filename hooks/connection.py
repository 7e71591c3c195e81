"""
One client connection of the service: its request, its response and the deadline of the current step.

Nothing here blocks. A step that has to wait yields the event that it needs, EVENT_READ or EVENT_WRITE, and the worker
resumes it after that event.
"""

import re
import socket
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector
from ssl import SSLWantReadError, SSLWantWriteError
from typing import Any, TypeVar

from hooks.app import MAX_BODY_BYTES

HEADER_SECONDS = 3
"""From the connection, or from the first byte of a later request, to the end of the header, TLS handshake included.
Metacontroller sends the header at once."""
REQUEST_SECONDS = 5
"""From there to the end of the body: half of Metacontroller's timeout."""
RESPONSE_SECONDS = 5
"""From the first byte of the response to the last."""
LINGER_SECONDS = 1
"""To read the rest of a request that was answered early: closing at once could discard the response."""
KEPT_SECONDS = 5
"""From the connection to the last response after which it is kept: a new one may go to another pod, with a new
certificate. Less than the chart's preStop, so that a pod that ends has no connection in use."""
IDLE_SECONDS = 120
"""From a response to the next request. Clients in Go close after 90 seconds: a server that closes first may do so while
a request is on its way, and they do not repeat a POST."""

_CHUNK_BYTES = 64 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*+(\d{1,9})[ \t]*+(?=\r\n)", re.IGNORECASE)
_Result = TypeVar("_Result")
Steps = Generator[int, None, _Result]
"""A task that yields the event it needs next."""


class Connection:
    """
    One connection. `received` and `response` are the buffers; the current step ends at `deadline` (time.monotonic()).

    `header_end` is the length of the header in bytes and `request_end` that of the whole request; 0 until the header is
    complete. `event` is the event that the worker waits for, 0 for none. `is_kept` says that it stays open after its
    response, and `is_idle` that it has since then received nothing.
    """

    def __init__(self, sock: socket.socket, address: Any, listener: socket.socket) -> None:
        sock.setblocking(False)
        self.sock, self.address, self.listener = sock, address, listener
        self.fd = sock.fileno()
        self.opened = self.began = time.monotonic()
        self.deadline = self.opened + HEADER_SECONDS
        self.received, self.response = bytearray(), bytearray()
        self.header_end = self.request_end = self.event = 0
        self.is_complete = self.is_kept = self.is_idle = False
        self.steps: Steps[None]
        self.poller: BaseSelector | None = None

    @property
    def size(self) -> int:
        """The buffered bytes of this connection."""
        return len(self.received) + len(self.response)

    def chunks(self) -> Iterator[bytes]:
        """Yield the request in chunks, so that a large one is not copied whole."""
        for start in range(0, len(self.received), _CHUNK_BYTES):
            yield bytes(self.received[start : start + _CHUNK_BYTES])

    def sendall(self, data: bytes) -> None:
        """Buffer a part of the response. gunicorn uses this object as the client's socket."""
        self.response += data

    send = sendall

    def gettimeout(self) -> float:
        return 0.0

    def shutdown(self, _: int) -> None:
        """Raise OSError, which gunicorn ignores: the response has yet to be sent."""
        raise OSError

    def close(self) -> None:
        """Do nothing: the worker closes the socket."""

    def receive(self, max_header: int) -> Steps[bool]:
        """
        Read one request; return whether to answer it.

        A client gets an error response if it stops in the body or closes early, or if its header exceeds `max_header`
        bytes; if it stops in the header, it gets none.
        """
        try:
            while not self.header_end or len(self.received) < self.request_end:
                data = yield from until_done(partial(self.sock.recv, _CHUNK_BYTES), EVENT_READ)
                self._end_idling()
                self.received += data
                if not self.header_end:
                    self._find_header_end(len(self.received) - len(data) - 3)
                if not data or (not self.header_end and len(self.received) > max_header):
                    break
        except TimeoutError:
            if not self.header_end:
                return False
        self.is_complete = self.header_end > 0 and len(self.received) == self.request_end
        return len(self.received) > 0

    def may_be_kept(self) -> bool:
        """Return whether another request may follow: this one was read to its end, and the connection is young."""
        return self.is_complete and time.monotonic() < self.opened + KEPT_SECONDS

    def await_next(self) -> bool:
        """Prepare for another request after a response; return whether the connection is kept."""
        self.received, self.response = bytearray(), bytearray()
        self.header_end = self.request_end = 0
        self.is_complete, self.is_idle = False, True
        self.deadline = time.monotonic() + IDLE_SECONDS
        return self.is_kept

    def _end_idling(self) -> None:
        if self.is_idle:
            self.is_idle, self.began = False, time.monotonic()
            self.deadline = self.began + HEADER_SECONDS

    def _find_header_end(self, start: int) -> None:
        """Search from `start`. A body that the app rejects for its size or framing counts as empty."""
        position = self.received.find(b"\r\n\r\n", max(0, start))
        if position < 0:
            return
        self.header_end = position + 4
        lengths = _LENGTH.findall(self.received, 0, self.header_end)
        body = int(lengths[0]) if len(lengths) == 1 else 0
        self.request_end = self.header_end + (body if body <= MAX_BODY_BYTES else 0)
        self.deadline = self.began + REQUEST_SECONDS

    def send_response(self) -> Steps[None]:
        """Send the response; after an incomplete request, read on for LINGER_SECONDS."""
        self.deadline = time.monotonic() + RESPONSE_SECONDS
        self.received = bytearray()
        sent, rest = 0, memoryview(self.response)
        while sent < len(rest):
            sent += yield from until_done(partial(self.sock.send, rest[sent:]), EVENT_WRITE)
        if rest and not self.is_complete:
            self.sock.shutdown(socket.SHUT_WR)
            self.deadline = time.monotonic() + LINGER_SECONDS
            while (yield from until_done(partial(self.sock.recv, _CHUNK_BYTES), EVENT_READ)):
                yield EVENT_READ


def until_done(call: Callable[[], _Result], event: int) -> Steps[_Result]:
    """Repeat a non-blocking call until it succeeds, waiting for `event`, or over TLS for the event that TLS needs."""
    while True:
        try:
            return call()
        except SSLWantReadError:
            yield EVENT_READ
        except SSLWantWriteError:
            yield EVENT_WRITE
        except BlockingIOError:
            yield event
