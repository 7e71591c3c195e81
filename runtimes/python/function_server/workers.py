"""
Threads that share one epoll: whichever is free takes the next event, reads, calls the handler and answers.

No request changes threads, and a connection occupies a thread only while the handler works on one of its requests. When
all threads work, the main thread reads in their place: it answers health and metrics, and keeps calls for later.
"""

import contextlib
import select
import socket
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable

from function_server import time_limit
from function_server.answer import Answer, Stream
from function_server.app import App
from function_server.budget import Budget
from function_server.connection import LINGER_SECONDS, Connection, Refused, Request, complete
from function_server.settings import Settings
from function_server.time_limit import Call
from function_server.wire import Broken, head, plain, send_now, send_stream

READ_BYTES = 65536
MOST_CONNECTIONS = 2048
ACCEPTED_AT_ONCE = 64
SWEEP_SECONDS, SHORTEST_TICK = 1.0, 0.05
_READ = select.EPOLLIN | select.EPOLLONESHOT
_WRITE = select.EPOLLOUT | select.EPOLLONESHOT

Own = Callable[[Request], Callable[[], Answer] | None]


class Server:
    """
    Serve `app` at `listener`; `own(request)` returns what answers without the handler, or None.

    `run()` occupies the main thread until stop() has been called and every call has ended.
    """

    def __init__(self, listener: socket.socket, app: App, own: Own, settings: Settings) -> None:
        self.listener = listener
        self.app = app
        self.own = own
        self.settings = settings
        self.budget = Budget(settings.memory)
        self.connections: dict[int, Connection] = {}
        self.waiting: deque[Connection] = deque()
        self.calls: set[Call] = set()
        self.draining = False
        self.stopping = False
        self.full = threading.Event()
        self.epoll = select.epoll()
        self._lock = threading.Lock()
        self._threads = self._idle = 0
        self._kick = socket.socketpair()
        listener.setblocking(False)
        self.epoll.register(listener, _READ)
        self.epoll.register(self._kick[0], _READ)
        self._kick[0].setblocking(False)

    def run(self) -> None:
        """Watch deadlines, and read whenever no other thread is free to."""
        self._spawn()
        tick = min(SWEEP_SECONDS, max(SHORTEST_TICK, self.settings.timeout / 4))
        next_sweep = time.monotonic() + SWEEP_SECONDS
        while not self.stopping or self._has_work():
            if self.full.wait(SHORTEST_TICK if self.stopping else tick):
                self._read_for_others(tick)
            now = time.monotonic()
            self._end_overdue_calls(now)
            if now >= next_sweep:
                next_sweep = now + SWEEP_SECONDS
                self._sweep(now)

    def drain(self) -> None:
        """Say `Connection: close` with every answer from now on."""
        self.draining = True

    def stop(self) -> None:
        """Accept nothing more, and close what is idle; calls may finish."""
        self.stopping = True
        with contextlib.suppress(OSError, ValueError):
            self.epoll.unregister(self.listener)
        self.listener.close()
        for connection in list(self.connections.values()):
            if not connection.handled:
                _shut(connection)

    def _has_work(self) -> bool:
        return bool(self.calls or self.waiting) or any(each.outbox for each in list(self.connections.values()))

    def _spawn(self) -> None:
        with self._lock:
            self._threads += 1
            self._idle += 1
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        with contextlib.suppress(time_limit.Ended, time_limit.TimeLimitExceeded):
            while True:
                for fd, event in self.epoll.poll(-1, 1):
                    self._take(fd, event)
                with contextlib.suppress(IndexError):
                    while True:
                        self._advance(self.waiting.popleft(), may_call=True)

    def _read_for_others(self, seconds: float) -> None:
        """Read events until another thread is free again or `seconds` have passed."""
        end = time.monotonic() + seconds
        while self.full.is_set() and time.monotonic() < end:
            for fd, event in self.epoll.poll(0.05, 1):
                self._take(fd, event, may_call=False)

    def _take(self, fd: int, event: int, *, may_call: bool = True) -> None:
        """Handle one event; its file descriptor is this thread's alone until it is armed again."""
        if fd == self.listener.fileno():
            self._accept()
        elif fd == self._kick[0].fileno():
            with contextlib.suppress(BlockingIOError):
                self._kick[0].recv(64)
            self.epoll.modify(fd, _READ)
        elif connection := self.connections.get(fd):
            try:
                self._read(connection, event)
            except OSError:
                self._close(connection)
            else:
                self._advance(connection, may_call=may_call)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                sock, address = self.listener.accept()
            except OSError:
                break
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if len(self.connections) >= MOST_CONNECTIONS:
                self._evict()
            connection = Connection(sock, address[0].removeprefix("::ffff:"), self.budget, self.settings.body_limit)
            self.connections[connection.fd] = connection
            self.epoll.register(connection.fd, _READ)
        with contextlib.suppress(OSError, ValueError):
            self.epoll.modify(self.listener, _READ)

    def _evict(self) -> None:
        """Make a place: the oldest connection that no handler works for has to go."""
        for connection in list(self.connections.values()):
            if not connection.handled:
                _shut(connection)
                return

    def _read(self, connection: Connection, event: int) -> None:
        if event & select.EPOLLOUT:
            connection.outbox = send_now(connection.sock, connection.outbox)
            return
        try:
            data = connection.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        if data:
            connection.feed(data)
        elif connection.refusal is None or connection.lingering:
            raise Broken

    def _advance(self, connection: Connection, *, may_call: bool) -> None:
        """Answer what is complete, then wait for more; close where nothing more can come."""
        try:
            while connection.ready and not connection.outbox:
                if not may_call and not self.own(connection.ready[0]):
                    connection.handled = True
                    self._keep(connection)
                    return
                self._answer(connection, connection.ready.popleft())
            if connection.refusal and not connection.outbox and not connection.lingering:
                self._refuse(connection, connection.refusal)
            elif connection.wants_continue:
                connection.wants_continue = False
                connection.outbox = send_now(connection.sock, b"HTTP/1.1 100 Continue\r\n\r\n")
            if connection.lingering and not connection.outbox:
                connection.sock.shutdown(socket.SHUT_WR)
            self.epoll.modify(connection.fd, _WRITE if connection.outbox else _READ)
        except OSError:
            self._close(connection)
        except Exception:
            traceback.print_exc()
            self._close(connection)

    def _keep(self, connection: Connection) -> None:
        """Leave a call to the first thread that is free; one may have become so meanwhile."""
        self.waiting.append(connection)
        if self._idle:
            self._kick[1].send(b"x")

    def _answer(self, connection: Connection, request: Request) -> None:
        own = self.own(request)
        keep = request.keep_alive and not self.stopping
        try:
            if own:
                self._send(connection, request, own(), None, keep=keep)
            else:
                self._call(connection, request, keep=keep)
        finally:
            connection.release(request)

    def _call(self, connection: Connection, request: Request, *, keep: bool) -> None:
        call = Call(connection, request, self.settings.timeout)
        self._begin(call)
        connection.handled = True
        try:
            self._send(connection, request, self.app(complete(request, connection)), call, keep=keep)
        finally:
            connection.handled = False
            self._end(call)

    def _begin(self, call: Call) -> None:
        with self._lock:
            self.calls.add(call)
            self._idle -= 1
            is_last = self._idle == 0
            may_grow = self._threads < self.settings.threads
        if is_last and may_grow:
            self._spawn()
        elif is_last:
            self.full.set()

    def _end(self, call: Call) -> None:
        """Count this thread as free again; raises time_limit.Ended if its place has been taken by another."""
        ended = call.finish()
        with self._lock:
            self.calls.discard(call)
            if not ended:
                self._idle += 1
                self.full.clear()
        if ended:
            raise time_limit.Ended

    def _send(self, connection: Connection, request: Request, answer: Answer, call: Call | None, *, keep: bool) -> None:
        """Send an answer; what the client does not take at once is left to the epoll, unless it is a stream."""
        keep = keep and not self.draining
        environ = request.environ
        first, is_chunked = head(answer, environ, keep=keep)
        if isinstance(answer.body, bytes):
            body = b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body
            connection.outbox = send_now(connection.sock, first + body)
            if call:
                call.responded = True
        elif call:
            self._stream(call, first, answer.body, is_chunked=is_chunked)
        if not keep or (not is_chunked and answer.length is None):
            self._finish(connection)

    def _stream(self, call: Call, first: bytes, stream: Stream, *, is_chunked: bool) -> None:
        """Send a stream; one that fails midway is cut, so that the client sees that it is not whole."""
        try:
            send_stream(call, first, stream, is_chunked=is_chunked)
        except OSError as error:
            raise Broken from error
        except Exception as error:
            self.app.fail_midway(call.request.environ, error)
            raise Broken from error

    def _finish(self, connection: Connection) -> None:
        """Close after the last answer; what is still to be sent is sent first."""
        connection.ready.clear()
        connection.lingering = True
        connection.refusal = connection.refusal or Refused(400, "")
        connection.deadline = time.monotonic() + LINGER_SECONDS

    def _refuse(self, connection: Connection, refusal: Refused) -> None:
        connection.outbox = send_now(connection.sock, plain(refusal.status, refusal.message))
        self._finish(connection)

    def _close(self, connection: Connection) -> None:
        self.connections.pop(connection.fd, None)
        with contextlib.suppress(OSError, ValueError):
            self.epoll.unregister(connection.fd)
        connection.close()

    def _end_overdue_calls(self, now: float) -> None:
        for call in list(self.calls):
            if now >= call.deadline and call.end():
                call.connection.release(call.request)
                self._close(call.connection)
                with self._lock:
                    self.calls.discard(call)
                    self._threads -= 1
                self.full.clear()
                self._spawn()

    def _sweep(self, now: float) -> None:
        """End connections whose deadline has passed; the thread that sees the end of input closes them."""
        for connection in list(self.connections.values()):
            if connection.handled or now < connection.deadline:
                continue
            if connection.lingering or connection.phase == "idle" or connection.outbox:
                _shut(connection)
            else:
                connection.expire()
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RD)


def _shut(connection: Connection) -> None:
    with contextlib.suppress(OSError):
        connection.sock.shutdown(socket.SHUT_RDWR)
