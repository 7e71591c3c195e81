"""
OpenTelemetry, loaded when an endpoint is set or when a handler asks for the tracer.

Spans go to TRACE_COLLECTOR_ENDPOINT (OTLP over HTTP) in batches; callers' contexts are taken from W3C and B3
headers, and `requests` passes them on.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

import bottle
from opentelemetry import context, trace
from opentelemetry.propagate import extract

NAME = "buildless.function"
_lock = threading.Lock()
_tracer: trace.Tracer | None = None


def tracer() -> trace.Tracer:
    """Return the process' tracer; without TRACE_COLLECTOR_ENDPOINT its spans are sent nowhere."""
    global _tracer  # noqa: PLW0603
    with _lock:
        if _tracer is None:
            _tracer = _set_up()
    return _tracer


def tracer_of(request: bottle.BaseRequest) -> trace.Tracer:
    """Return the tracer; without a span of the server, the caller's context becomes that of this thread's call."""
    made = tracer()
    environ = request.environ
    if not trace.get_current_span().get_span_context().is_valid and "function_server.detach" not in environ:
        token = context.attach(extract(_headers(request)))
        environ["function_server.detach"] = lambda: context.detach(token)
    return made


@contextlib.contextmanager
def span(request: bottle.BaseRequest) -> Iterator[None]:
    """Trace the handler's work as a server span below the caller's."""
    name = os.environ.get("FUNC_NAME", "function")
    with tracer().start_as_current_span(name, extract(_headers(request)), trace.SpanKind.SERVER) as current:
        current.set_attribute("http.request.method", request.method)
        current.set_attribute("url.path", request.path)
        yield


def _headers(request: bottle.BaseRequest) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _set_up() -> trace.Tracer:
    from opentelemetry.instrumentation.requests import RequestsInstrumentor  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": os.environ.get("FUNC_NAME", "function")}))
    if endpoint := os.environ.get("TRACE_COLLECTOR_ENDPOINT"):
        provider.add_span_processor(_exporter(endpoint))
    trace.set_tracer_provider(provider)
    RequestsInstrumentor().instrument()
    return trace.get_tracer(NAME)


def _exporter(endpoint: str) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    return BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint))
