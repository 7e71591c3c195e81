"""From a request to an answer: health, metrics, and everything else by the handler."""

import os
import time
import traceback
from collections.abc import Callable
from typing import Any

import bottle

from function_server import access_log, async_calls, metrics, tracing
from function_server.answer import Answer, answer
from function_server.event import Event
from function_server.handler import Handler
from function_server.request import Request
from function_server.settings import Settings
from function_server.time_limit import TimeLimitExceeded

FAILED = "Internal server error"
VARIABLE_ARGUMENTS = 0x04
"""inspect.CO_VARARGS; its module takes long to load."""


def own(request: Request) -> Callable[[], Answer] | None:
    """Return what answers a request that needs no handler; None for all else."""
    if request.environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return None
    return _OWN.get(request.target.partition(b"?")[0])


def _metrics() -> Answer:
    try:
        body, content_type = metrics.page()
    except Exception as error:
        return _failed(error)
    return Answer("200 OK", [("Content-Type", content_type)], body)


_OWN: dict[bytes, Callable[[], Answer]] = {
    b"/healthz": lambda: Answer("200 OK", [("Content-Type", "text/html; charset=UTF-8")], b"OK"),
    b"/favicon.ico": lambda: Answer("204 No Content", [], b""),
    b"/metrics": _metrics,
}


class App:
    """
    Calls `handler` with an Event and a copy of `context`, or without arguments if it takes none: see flask_style.py.

    Errors of the handler are logged and never sent.
    """

    def __init__(self, handler: Handler, settings: Settings) -> None:
        self.handler = handler
        self.context = settings.context
        self.logs = bool(os.environ.get("SERVER_INTERNAL_LOGGER") or os.environ.get("KYMA_INTERNAL_LOGGER_ENABLED"))
        self.call: Callable[[dict[str, Any]], Answer] = self._with_event
        if _takes_nothing(handler):
            from function_server import flask_style  # noqa: PLC0415  (Flask is for these handlers only)

            self.view = flask_style.View(handler, settings.body_limit)
            self.call = self._with_flask

    def __call__(self, environ: dict[str, Any]) -> Answer:
        """Return the answer; raises time_limit.TimeLimitExceeded where the call has been ended."""
        bottle.request.bind(environ)
        bottle.response.bind()
        started, failed = time.perf_counter(), True
        try:
            made = self.call(environ)
            failed = made.status >= "5"
        except TimeLimitExceeded:
            raise
        except bottle.HTTPResponse as raised:
            made = self._raised(raised)
            failed = made.status >= "5"
        except BaseException as error:
            made = _failed(error)
        finally:
            metrics.count(environ["REQUEST_METHOD"], time.perf_counter() - started, failed=failed)
        if self.logs:
            access_log.line(environ, made)
        return made

    def forget(self, environ: dict[str, Any]) -> None:
        """
        Let go of a request that is answered, whose body may be large: Bottle keeps the last one of each thread, and
        Bottle's and Flask's requests are in their own environ, a cycle that waits for the garbage collector.
        """
        environ.pop("bottle.request", None)
        environ.pop("werkzeug.request", None)
        bottle.request.bind({})

    def fail_midway(self, environ: dict[str, Any], error: Exception) -> None:
        """Log and count a stream that could not be sent to its end."""
        _failed(error)
        metrics.count_failure(environ["REQUEST_METHOD"])

    def _with_flask(self, environ: dict[str, Any]) -> Answer:
        with tracing.of_request(bottle.request):
            return self.view(environ)

    def _with_event(self, environ: dict[str, Any]) -> Answer:
        if not environ["PATH_INFO"].isascii():
            # As Bottle decodes it before it calls a handler.
            environ["PATH_INFO"] = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "ignore")
        event = Event(bottle.request)
        with tracing.of_request(event.req):
            result = self.handler(event, self.context.copy())
            if hasattr(result, "__await__"):
                result = async_calls.awaited(result)
            return answer(result)

    def _raised(self, raised: bottle.HTTPResponse) -> Answer:
        try:
            return answer(raised)
        except Exception as error:
            return _failed(error)


def _takes_nothing(handler: Handler) -> bool:
    """Return whether a handler has no positional parameters."""
    code = getattr(handler, "__code__", None)
    return code is not None and code.co_argcount == 0 and not code.co_flags & VARIABLE_ARGUMENTS


def _failed(error: BaseException) -> Answer:
    """Log an exception from the author's first line on, and return the answer of every failure."""
    frame = error.__traceback__
    while frame and frame.tb_next and "function_server" in frame.tb_frame.f_code.co_filename:
        frame = frame.tb_next
    traceback.print_exception(type(error), error, frame)
    return Answer("500 Internal Server Error", [("Content-Type", "text/plain")], FAILED.encode())
