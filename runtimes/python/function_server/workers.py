"""
Threads that serve all connections: the one that leads reads, calls the handler and answers, and others take its place
while it works on a call that lasts (leader.py).

No request changes threads, and a connection occupies a thread only while the handler works on one of its requests. When
all threads work, the main thread reads in their place: it answers health and metrics, and keeps calls for later.
"""

import contextlib
import socket
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from functools import partial

from function_server import time_limit
from function_server.answer import Answer
from function_server.app import App
from function_server.connection import Connection
from function_server.connections import Connections, read
from function_server.leader import Leader
from function_server.request import Request, complete
from function_server.sender import Sender
from function_server.settings import Settings
from function_server.time_limit import Call

SWEEP_SECONDS, SHORTEST_TICK = 1.0, 0.05

Own = Callable[[Request], Callable[[], Answer] | None]


class Server:
    """
    Serve `app` at `listener`; `own(request)` returns what answers without the handler, or None.

    `run()` occupies the main thread until stop() has been called and every call has ended.
    """

    def __init__(self, listener: socket.socket, app: App, own: Own, settings: Settings) -> None:
        self.app = app
        self.own = own
        self.settings = settings
        self.connections = Connections(listener, settings)
        self.leader = Leader(settings.threads, self._work)
        self.events: deque[tuple[int, int]] = deque()
        self.kept: deque[Connection] = deque()
        self.sender = Sender(app)
        self.stopping = False

    def run(self) -> None:
        """Watch calls and deadlines, and read whenever no other thread is free to."""
        self.leader.pass_on()
        tick = min(SWEEP_SECONDS, max(SHORTEST_TICK, self.settings.timeout / 4))
        next_sweep = time.monotonic() + SWEEP_SECONDS
        while not self.stopping or self._has_work():
            seconds = SHORTEST_TICK if self.stopping else tick
            self.leader.watch(seconds)
            if not self.leader.thread:
                self._read_for_others(seconds)
            now = time.monotonic()
            self._end_overdue_calls(now)
            if now >= next_sweep:
                next_sweep = now + SWEEP_SECONDS
                self.connections.sweep()

    def drain(self) -> None:
        """Send `Connection: close` with every answer from now on."""
        self.sender.draining = True

    def stop(self) -> None:
        """Accept nothing more, and close what is idle; calls may finish."""
        self.stopping = True
        self.connections.stop()

    def _has_work(self) -> bool:
        is_sending = any(each.outbox for each in list(self.connections.by_fd.values()))
        return bool(self.leader.calls or self.kept or self.events) or is_sending

    def _work(self) -> None:
        me = threading.get_ident()
        with contextlib.suppress(time_limit.Ended, time_limit.TimeLimitExceeded):
            while True:
                self.leader.wait()
                while self.leader.thread == me:
                    try:
                        self._next()
                    except Exception:  # without this thread no other would read
                        traceback.print_exc()

    def _next(self) -> None:
        """Handle one event; the others wait for whoever leads then."""
        if self.kept:
            self._advance(self.kept.popleft())
        elif event := self._pop_event():
            if not event[1]:  # it has come before, and those that have come since are not to wait
                self.events.extend(self.connections.poll(0))
            self._take(*event)
        else:
            self.events.extend(self.connections.poll(-1))

    def _pop_event(self) -> tuple[int, int] | None:
        """Return the next event, None without one; the main thread may take events from a new leader for a moment."""
        try:
            return self.events.popleft()
        except IndexError:
            return None

    def _read_for_others(self, seconds: float) -> None:
        """Read events until another thread is free again or `seconds` have passed."""
        end = time.monotonic() + seconds
        while not self.leader.thread and time.monotonic() < end:
            if not self.events:
                self.events.extend(self.connections.poll(SHORTEST_TICK))
            if event := self._pop_event():
                self._take(*event, may_call=False)
        if self.events:  # a thread that has become free meanwhile may wait for others already
            self.connections.kick()

    def _take(self, fd: int, event: int, *, may_call: bool = True) -> None:
        if connection := self.connections.of_event(fd):
            try:
                read(connection, event)
            except OSError:
                self.connections.close(connection)
            else:
                self._advance(connection, may_call=may_call)

    def _advance(self, connection: Connection, *, may_call: bool = True) -> None:
        """Answer one complete request, then wait for more; close where nothing more can come."""
        try:
            if connection.ready and not connection.outbox:
                if not may_call and not self.own(connection.ready[0]):
                    self._keep(connection)
                    return
                self._answer(connection, connection.ready.pop(0))
            if connection.ready and not connection.outbox:
                self._go_on_later(connection)
                return
            self.sender.end_or_continue(connection)
            self.connections.arm(connection)
        except OSError:
            self.connections.close(connection)
        except Exception:
            traceback.print_exc()
            self.connections.close(connection)

    def _go_on_later(self, connection: Connection) -> None:
        """Let other connections have their turn before the next request of this one."""
        self.events.append((connection.fd, 0))
        if self.leader.thread != threading.get_ident():
            self.connections.kick()

    def _keep(self, connection: Connection) -> None:
        """Leave a call to the first thread that is free; one may have become so meanwhile."""
        connection.handled = True
        self.kept.append(connection)
        if self.leader.thread:
            self.connections.kick()

    def _answer(self, connection: Connection, request: Request) -> None:
        own = self.own(request)
        keep = request.keep_alive and not self.stopping
        try:
            if own:
                self.sender.send(connection, request, own(), None, keep=keep)
            else:
                self._call(connection, request, keep=keep)
        finally:
            connection.release(request)

    def _call(self, connection: Connection, request: Request, *, keep: bool) -> None:
        """Call the handler and answer; raises time_limit.Ended if another thread has taken this one's place."""
        environ = complete(request, connection.address)
        if "HTTP_CONTENT_ENCODING" in environ:
            environ["function_server.take"] = partial(self.connections.budget.take_for, request)
        call = Call(connection, request, self.settings.timeout)
        connection.handled = True
        self.leader.begin(call)
        try:
            answer = self.app(environ)
            call.is_in_handler = False
            self.sender.send(connection, request, answer, call, keep=keep)
        finally:
            connection.handled = False
            if call.finish():
                raise time_limit.Ended
            self.leader.end(call)
            self.app.forget(environ)

    def _end_overdue_calls(self, now: float) -> None:
        for call in list(self.leader.calls):
            if now >= call.deadline and call.end():
                call.connection.release(call.request)
                self.connections.close(call.connection)
                self.leader.replace(call)
