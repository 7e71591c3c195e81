"""
A call that takes too long is answered with 408, and the thread that works on it is ended.

The limit is one of silence: each piece of a stream that is sent begins it anew. A thread that is inside C code (a
system call, time.sleep) ends when it returns to Python; another takes its place at once. The exception can arrive at
any line, also in a `finally` or while a lock is held: a handler that must not be ended there catches it.
"""

import contextlib
import threading
import time
from typing import Any


class TimeLimitExceeded(BaseException):
    """Raised inside a handler that is out of time; no `except Exception` stops it."""


class Ended(BaseException):
    """Raised in a thread whose call has been ended: another thread has taken its place."""


class Call:
    """One call of the handler by the current thread; `seconds` is infinite for no limit."""

    def __init__(self, connection: Any, request: Any, seconds: float) -> None:
        self.connection = connection
        self.request = request
        self.seconds = seconds
        self.started = time.monotonic()
        self.deadline = self.started + seconds
        self.responded = False
        self.is_in_handler = True
        self.thread = threading.get_ident()
        self._lock = threading.Lock()
        self._is_over = self._is_ended = False

    def progress(self) -> None:
        """Begin the limit anew: a part of the answer is sent."""
        self.responded = True
        self.deadline = time.monotonic() + self.seconds

    def finish(self) -> bool:
        """Return whether the call has been ended meanwhile; if not, it no longer can be."""
        with self._lock:
            self._is_over = True
            return self._is_ended

    def end(self) -> bool:
        """Answer with 408 if nothing has been sent, and raise TimeLimitExceeded in the thread, unless it is done."""
        with self._lock:
            if self._is_over:
                return False
            self._is_over = self._is_ended = True
            if not self.responded:
                self._send_408()
            _raise(self.thread)
            return True

    def _send_408(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.sock.send(
                b"HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain\r\nContent-Length: 17\r\n"
                b"Connection: close\r\n\r\nRequest timed out"
            )


def _raise(thread: int) -> None:
    import ctypes  # noqa: PLC0415

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TimeLimitExceeded))
