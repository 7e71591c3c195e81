"""Responds with 408 to a request that takes too long, and stops its thread."""

import contextlib
import threading
from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class TimeLimitExceeded(BaseException):
    """Raised inside a handler after the time limit; `except Exception` does not catch it."""


class TimeLimit:
    """
    Run a WSGI application in a thread per request and wait `seconds` for its response.

    A thread inside C code (a system call, time.sleep) stops when it returns to Python; the server can handle the next
    request at once. The exception can interrupt a handler anywhere, also inside a `finally` or while it holds a lock.
    """

    def __init__(self, app: Application, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Return the application's response, or 408."""
        if environ["PATH_INFO"] == "/healthz":
            return self.app(environ, start_response)
        call = _Call(self.app, environ)
        call.start()
        call.join(self.seconds)
        if call.started_response is None or call.body is None:
            call.end()
            # The thread may still be reading the request.
            environ["function_server.close_connection"]()
            start_response("408 Request Timeout", [("Content-Type", "text/plain")])
            return [b"Request timed out"]
        start_response(*call.started_response)
        return call.body


class _Call(threading.Thread):
    def __init__(self, app: Application, environ: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self.app = app
        self.environ = environ
        self.started_response: tuple[Any, ...] | None = None
        self.body: Iterable[bytes] | None = None

    def run(self) -> None:
        with contextlib.suppress(TimeLimitExceeded):
            self.body = self.app(self.environ, self._start_response)

    def _start_response(self, *arguments: Any) -> None:
        self.started_response = arguments

    def end(self) -> None:
        """Raise TimeLimitExceeded in the thread."""
        import ctypes  # noqa: PLC0415

        set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
        set_exception(ctypes.c_ulong(self.ident or 0), ctypes.py_object(TimeLimitExceeded))
