"""
Trace context: with TRACE_COLLECTOR_ENDPOINT each call is a span; without it the caller's headers are passed on.

Either costs nothing for a request that brings no trace context and has no collector.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

HEADERS = (
    *("traceparent", "tracestate", "baggage", "b3"),
    *("x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"),
)
_STARTS = ("HTTP_TRACEPARENT", "HTTP_B3", "HTTP_X_B3_TRACEID")
_NOTHING = contextlib.nullcontext()
_collects = bool(os.environ.get("TRACE_COLLECTOR_ENDPOINT"))
_passed_on: ContextVar[dict[str, str] | None] = ContextVar("passed_on", default=None)
_is_patched = False


def of_request(request: Any) -> Any:
    """Return a context manager within which the handler works."""
    if _collects:
        return _span(request)
    environ = request.environ
    return _passing(request, environ) if any(key in environ for key in _STARTS) else _NOTHING


@contextlib.contextmanager
def _passing(request: Any, environ: dict[str, Any]) -> Iterator[None]:
    """Send the caller's trace headers along with what `requests` sends."""
    if telemetry := sys.modules.get("function_server.telemetry"):
        # A call before has used the tracer: `requests` makes spans of its own, below the caller's.
        telemetry.tracer_of(request)
    elif "requests" in sys.modules:
        _patch()
    found = {name: environ.get("HTTP_" + name.upper().replace("-", "_")) for name in HEADERS}
    token = _passed_on.set({name: value for name, value in found.items() if value})
    try:
        yield
    finally:
        _passed_on.reset(token)
        if detach := environ.get("function_server.detach"):
            detach()


def _patch() -> None:
    global _is_patched  # noqa: PLW0603
    if _is_patched:
        return
    _is_patched = True
    session = sys.modules["requests"].Session
    send = session.send

    def send_with_context(self: Any, request: Any, **named: Any) -> Any:
        for name, value in (_passed_on.get() or {}).items():
            request.headers.setdefault(name, value)
        return send(self, request, **named)

    session.send = send_with_context


def _span(request: Any) -> Any:
    global _collects  # noqa: PLW0603
    try:
        from function_server import telemetry  # noqa: PLC0415

        return telemetry.span(request)
    except ImportError as error:
        # A Function may bring another release of OpenTelemetry: it shall work untraced rather than not at all.
        print(f"tracing is off: {error}", file=sys.stderr)
        _collects = False
        return _NOTHING
