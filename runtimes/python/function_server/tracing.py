"""
OpenTelemetry, loaded if an endpoint is set or when a handler uses the tracer.

Spans are sent to TRACE_COLLECTOR_ENDPOINT (OTLP over HTTP) in batches. The context comes from W3C and B3 headers of the
request, and `requests` passes it on.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

import bottle
from opentelemetry import trace
from opentelemetry.propagate import extract

NAME = "buildless.function"
_lock = threading.Lock()
_tracer: trace.Tracer | None = None


def tracer() -> trace.Tracer:
    """Return the process' tracer; without TRACE_COLLECTOR_ENDPOINT its spans are dropped."""
    global _tracer  # noqa: PLW0603
    with _lock:
        if _tracer is None:
            _tracer = _set_up()
    return _tracer


@contextlib.contextmanager
def span(request: bottle.BaseRequest) -> Iterator[None]:
    """Record a server span of the handler, a child of the client's span."""
    name = os.environ.get("FUNC_NAME", "function")
    context = extract({name.lower(): value for name, value in request.headers.items()})
    with tracer().start_as_current_span(name, context, trace.SpanKind.SERVER) as current:
        current.set_attribute("http.request.method", request.method)
        current.set_attribute("url.path", request.path)
        yield


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
