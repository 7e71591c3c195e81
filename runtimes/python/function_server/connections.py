"""
All clients: accepts, arms for the next event, closes.

The epoll reports each event once: a connection belongs to the thread that has got its event until it is armed again.
"""

import contextlib
import select
import socket
import time

from function_server.budget import Budget
from function_server.connection import Connection
from function_server.settings import Settings
from function_server.wire import Broken, send_now

MOST = 2048
READ_BYTES, HEAD_READ_BYTES = 65536, 16384
"""What is read at once; 16 KiB may hold hundreds of requests that are sent ahead."""
AT_ONCE = 64
"""So many connections are accepted, or events taken, at a time."""
_READ = select.EPOLLIN | select.EPOLLONESHOT
_WRITE = select.EPOLLOUT | select.EPOLLONESHOT


class Connections:
    """The connections accepted at `listener`, by file descriptor."""

    def __init__(self, listener: socket.socket, settings: Settings) -> None:
        self.listener = listener
        self.body_limit = settings.body_limit
        self.budget = Budget(settings.memory)
        self.by_fd: dict[int, Connection] = {}
        self._epoll = select.epoll()
        self._kicked, self._kicks = socket.socketpair()
        self._kicked.setblocking(False)
        listener.setblocking(False)
        self._epoll.register(listener, _READ)
        self._epoll.register(self._kicked, _READ)

    def poll(self, seconds: float) -> list[tuple[int, int]]:
        """Return events, [] after so many seconds; negative ones are no limit."""
        return self._epoll.poll(seconds, AT_ONCE)

    def kick(self) -> None:
        """Make poll() return in another thread."""
        self._kicks.send(b"x")

    def of_event(self, fd: int) -> Connection | None:
        """Return the connection of an event; accept, and return None, where it is not one of a connection."""
        if fd == self.listener.fileno():
            self._accept()
        elif fd == self._kicked.fileno():
            with contextlib.suppress(BlockingIOError):
                self._kicked.recv(64)
            self._epoll.modify(fd, _READ)
        return self.by_fd.get(fd)

    def arm(self, connection: Connection) -> None:
        """Have the next event of a connection reported: to send what is left, or else to read."""
        self._epoll.modify(connection.fd, _WRITE if connection.outbox else _READ)

    def close(self, connection: Connection) -> None:
        """Forget a connection. Only the thread to which it belongs may do so."""
        self.by_fd.pop(connection.fd, None)
        with contextlib.suppress(OSError, ValueError):
            self._epoll.unregister(connection.fd)
        connection.close()

    def stop(self) -> None:
        """Accept nothing more, and close what is idle."""
        with contextlib.suppress(OSError, ValueError):
            self._epoll.unregister(self.listener)
        self.listener.close()
        for connection in list(self.by_fd.values()):
            if not connection.handled:
                _shut(connection)

    def sweep(self) -> None:
        """End connections whose deadline has passed; the thread that sees the end of input closes them."""
        now = time.monotonic()
        for connection in list(self.by_fd.values()):
            if connection.handled or now < connection.deadline:
                continue
            if connection.lingering or connection.phase == "idle" or connection.outbox:
                _shut(connection)
            else:
                connection.expire()
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RD)

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                sock, address = self.listener.accept()
            except OSError:
                break
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if len(self.by_fd) >= MOST:
                self._evict()
            connection = Connection(sock, address[0].removeprefix("::ffff:"), self.budget, self.body_limit)
            self.by_fd[connection.fd] = connection
            self._epoll.register(connection.fd, _READ)
        with contextlib.suppress(OSError, ValueError):
            self._epoll.modify(self.listener, _READ)

    def _evict(self) -> None:
        """Make a place: the oldest connection that no handler works for has to go."""
        for connection in list(self.by_fd.values()):
            if not connection.handled:
                _shut(connection)
                return


def read(connection: Connection, event: int) -> None:
    """Send what is left, or read, as the event says; raises wire.Broken where nothing more can come."""
    if event & select.EPOLLOUT:
        connection.outbox = send_now(connection.sock, connection.outbox)
    elif event:
        try:
            data = connection.sock.recv(READ_BYTES if connection.phase == "body" else HEAD_READ_BYTES)
        except BlockingIOError:
            return
        if data:
            connection.feed(data)
        elif connection.refusal is None or connection.lingering:
            raise Broken


def _shut(connection: Connection) -> None:
    with contextlib.suppress(OSError):
        connection.sock.shutdown(socket.SHUT_RDWR)
