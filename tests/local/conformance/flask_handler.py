"""A handler without parameters, as of Kyma's python314."""

from typing import Any

import flask
import sdk


def fails() -> Any:
    raise ValueError("secret-in-the-error")


async def later() -> Any:
    return "later"


def event() -> Any:
    found = sdk.get_cloud_event()
    return {"type": found.get_type(), "data": found.get_data()} if found else "none"


def traced() -> Any:
    with sdk.get_tracer().start_as_current_span("inner") as span:
        return f"{span.get_span_context().trace_id:032x}"


PATHS = {
    "/hello": lambda: f"Hello {flask.request.args.get('name', 'World')}!",
    "/tuple": lambda: ({"made": True}, 201, {"X-Made": "yes"}),
    "/abort": lambda: flask.abort(403),
    "/fails": fails,
    "/stream": lambda: (piece for piece in ["a", "b"]),
    "/echo": lambda: flask.request.json,
    "/event": event,
    "/facts": lambda: [sdk.get_function_name(), sdk.get_namespace(), sdk.get_timeout(), sdk.get_body_size_limit()],
    "/later": later,
    "/traced": traced,
}


def main() -> Any:
    return PATHS[flask.request.path]()
