"""
One client of the service: what it has sent, what it is answered, and how long it may take for either.

Nothing here waits: a task yields what its connection has to be ready for, and the worker goes on with it then.
"""

import re
import socket
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from ssl import SSLWantReadError, SSLWantWriteError
from typing import Any, TypeVar

HEADER_SECONDS = 3
"""From the connection to the end of the header, with a TLS handshake: Metacontroller sends all of it at once."""
REQUEST_SECONDS = 5
"""From the connection to the end of the body, which takes milliseconds: half of what Metacontroller waits."""
ANSWER_SECONDS = 5
"""For a client to take its answer."""
LINGER_SECONDS = 1
"""For a client that is answered before it has sent all: closed at once, it might lose the answer."""
LARGEST_BODY = 32 * 1024 * 1024
"""The app refuses a larger one: it is not waited for."""

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
        self.is_whole = False
        self.steps: Steps[None]

    @property
    def size(self) -> int:
        """Return how many bytes are kept for this client."""
        return len(self.received) + len(self.answer)

    def pieces(self) -> Iterator[bytes]:
        """Yield what has been received, without a second copy of a large body."""
        for start in range(0, len(self.received), _CHUNK):
            yield bytes(self.received[start : start + _CHUNK])

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
                data = yield from until_done(partial(self.sock.recv, _CHUNK), EVENT_READ)
                self.received += data
                if not self.header:
                    self._look_for_header(len(self.received) - len(data) - 3)
                if not data or (not self.header and len(self.received) > most_header):
                    break
        except TimeoutError:
            if not self.header:
                return False
        self.is_whole = self.header > 0 and len(self.received) == self.needed
        return len(self.received) > 0  # the app says how much of a body is missing

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
        self.received = bytearray()
        sent, rest = 0, memoryview(self.answer)
        while sent < len(rest):
            sent += yield from until_done(partial(self.sock.send, rest[sent:]), EVENT_WRITE)
        if rest and not self.is_whole:
            self.sock.shutdown(socket.SHUT_WR)
            self.deadline = time.monotonic() + LINGER_SECONDS
            while (yield from until_done(partial(self.sock.recv, _CHUNK), EVENT_READ)):
                yield EVENT_READ


def until_done(step: Callable[[], _Result], event: int) -> Steps[_Result]:
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
