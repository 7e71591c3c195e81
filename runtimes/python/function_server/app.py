"""The routes: health, metrics, and the handler for every other path."""

import contextlib
import os
import sys
import time
import traceback
from typing import Any

import bottle

from function_server import metrics
from function_server.answer import response
from function_server.event import Event
from function_server.handler import Handler

FAILED = "Internal server error"


def create_app(handler: Handler, context: dict[str, Any]) -> bottle.Bottle:
    """Return the WSGI application around `handler`, which is called with an Event and a copy of `context`."""
    app = bottle.Bottle()
    traced = _traced if os.environ.get("TRACE_COLLECTOR_ENDPOINT") else contextlib.nullcontext

    def call() -> Any:
        """Return the handler's response; its errors are logged, never sent."""
        request = bottle.request
        event = Event(request)
        started, failed = time.perf_counter(), True
        try:
            with traced(request):
                answer = response(_awaited(handler(event, dict(context))))
            failed = False
        except bottle.HTTPResponse as raised:
            failed, answer = raised.status_code >= 500, raised
        except BaseException:
            traceback.print_exc()
            answer = bottle.HTTPResponse(FAILED, 500)
        finally:
            metrics.count(request.method, time.perf_counter() - started, failed=failed)
        return answer

    app.route("/healthz", "GET", lambda: "OK")
    app.route("/metrics", "GET", _metrics)
    app.route("/favicon.ico", "GET", lambda: bottle.HTTPResponse(status=204))
    app.route("/<:re:.*>", "ANY", call)
    return app


def _metrics() -> bytes:
    body, bottle.response.content_type = metrics.page()
    return body


def _awaited(result: Any) -> Any:
    """Return the result of an `async def` handler, or `result` itself."""
    if not hasattr(result, "__await__"):
        return result
    import asyncio  # noqa: PLC0415

    async def outcome() -> Any:
        return await result

    return asyncio.run(outcome())


def _traced(request: bottle.BaseRequest) -> Any:
    try:
        from function_server import tracing  # noqa: PLC0415

        return tracing.span(request)
    except ImportError as error:
        # A Function may install another release of OpenTelemetry: without traces it still works.
        print(f"tracing is off: {error}", file=sys.stderr)
        return contextlib.nullcontext()
