"""
Trace context: with TRACE_COLLECTOR_ENDPOINT each call is a span; without it the caller's trace is passed on.

What `requests` sends belongs to the trace of the caller, or to a new one, as W3C and B3 headers say it. That costs a
call of the handler nothing but a context variable.
"""

import contextlib
import importlib.util
import os
import re
import sys
from contextvars import ContextVar
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# An id of zeros is none: https://www.w3.org/TR/trace-context/#trace-id
_SPAN, _TRACE = "(?!0{16})[0-9a-f]{16}", "(?!0+(?![0-9a-f]))(?:[0-9a-f]{16}|[0-9a-f]{32})"
_TRACEPARENT = re.compile(f"00-(?=.{{32}}-)({_TRACE})-({_SPAN})-([0-9a-f]{{2}})")
_B3 = re.compile(f"({_TRACE})-({_SPAN})(?:-([01d]))?(?:-[0-9a-f]{{16}})?")
_TRACE_ID, _SPAN_ID = re.compile(_TRACE), re.compile(_SPAN)
_PASSED_ON = {"HTTP_TRACESTATE": "tracestate", "HTTP_BAGGAGE": "baggage"}
_collects = bool(os.environ.get("TRACE_COLLECTOR_ENDPOINT"))
_environ: ContextVar[dict[str, Any]] = ContextVar("environ")


def start() -> None:
    """Make each call a span, too, if the handler has loaded OpenTelemetry: its spans are then below the caller's."""
    global _collects  # noqa: PLW0603
    _collects = _collects or "opentelemetry.trace" in sys.modules


def of_request(request: Any) -> Any:
    """Return a context manager within which the handler works."""
    if _collects:
        return _span(request)
    return _Passing(request)


class _Passing:
    """Within it, what `requests` sends belongs to the trace of `request`."""

    __slots__ = ("environ", "token")

    def __init__(self, request: Any) -> None:
        self.environ = request.environ
        if telemetry := sys.modules.get("function_server.telemetry"):
            # An earlier call has used the tracer: `requests` makes spans of its own, below the caller's.
            telemetry.tracer_of(request)

    def __enter__(self) -> None:
        self.token = _environ.set(self.environ)

    def __exit__(self, *_: object) -> None:
        _environ.reset(self.token)
        if detach := self.environ.get("function_server.detach"):
            detach()


class RequestsFinder(MetaPathFinder):
    """Lets `requests` send the trace along, once it is imported; first of sys.meta_path."""

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        """Return the spec of `requests` as the other finders have it, with a loader that patches the module."""
        if name != "requests":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def execute_and_patch(module: ModuleType) -> None:
                execute(module)
                _patch(module)

            spec.loader.exec_module = execute_and_patch  # type: ignore[method-assign]
        return spec


def _patch(requests: Any) -> None:
    send = requests.Session.send

    def send_with_trace(self: Any, request: Any, **named: Any) -> Any:
        for name, value in headers(_environ.get({})).items():
            request.headers.setdefault(name, value)
        return send(self, request, **named)

    requests.Session.send = send_with_trace


def headers(environ: dict[str, Any]) -> dict[str, str]:
    """Return the headers of the trace of a WSGI environ; one that names no trace begins one, for all its calls."""
    if "function_server.trace" not in environ:
        environ["function_server.trace"] = _ids(environ)
    trace, span, sampled = environ["function_server.trace"]
    made = {"traceparent": f"00-{trace}-{span}-{'01' if sampled else '00'}"}
    made |= {"x-b3-traceid": trace, "x-b3-spanid": span, "x-b3-sampled": "1" if sampled else "0"}
    return made | {name: environ[key] for key, name in _PASSED_ON.items() if key in environ}


def _ids(environ: dict[str, Any]) -> tuple[str, str, bool]:
    if found := _TRACEPARENT.fullmatch(environ.get("HTTP_TRACEPARENT", "")):
        return found[1], found[2], bool(int(found[3], 16) & 1)
    if found := _B3.fullmatch(environ.get("HTTP_B3", "")):
        return found[1].zfill(32), found[2], found[3] != "0"
    trace, span = environ.get("HTTP_X_B3_TRACEID", ""), environ.get("HTTP_X_B3_SPANID", "")
    sampled = environ.get("HTTP_X_B3_SAMPLED") != "0"
    if _TRACE_ID.fullmatch(trace) and _SPAN_ID.fullmatch(span):
        return trace.zfill(32), span, sampled
    return os.urandom(16).hex(), os.urandom(8).hex(), sampled


def _span(request: Any) -> Any:
    global _collects  # noqa: PLW0603
    try:
        from function_server import telemetry  # noqa: PLC0415

        return telemetry.span(request)
    except ImportError as error:
        # A Function may bring another release of OpenTelemetry: it shall work untraced rather than not at all.
        print(f"tracing is off: {error}", file=sys.stderr)
        _collects = False
        return contextlib.nullcontext()
