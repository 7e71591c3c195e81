"""What handlers of Kyma's python314 import as `sdk`: CloudEvents, the tracer, and facts about the Function."""

from collections.abc import Mapping
from typing import Any

import flask
from function_server import cloud_events, settings, telemetry

_chosen = settings.read()


def get_cloud_event() -> Any:
    """Return the request as a cloudevents.core.v1.event.CloudEvent, None where it is none; aborts with 400."""
    request = flask.request
    kind = (request.mimetype or "").lower()
    if not cloud_events.is_one(request.environ, kind):
        return None
    from cloudevents.core.bindings.http import HTTPMessage, from_http_event  # noqa: PLC0415  (for events only)

    try:
        return from_http_event(HTTPMessage(headers=dict(request.headers), body=request.get_data()))
    except ValueError as error:
        return flask.abort(400, f"not a CloudEvent: {error}")


def emit_cloud_event(type: str, source: str, data: Any, optional_attributes: Mapping[str, Any] | None = None) -> None:  # noqa: A002
    """Send a CloudEvent to the publisher; raises ValueError for one that lacks an attribute."""
    cloud_events.emit(type, source, data, optional_attributes)


def get_tracer() -> Any:
    """Return an OpenTelemetry tracer; its spans are children of the caller's."""
    return telemetry.tracer_of(flask.request)


def get_function_name() -> str:
    """Return the name of the Function."""
    return str(_chosen.context["function-name"] or "")


def get_namespace() -> str:
    """Return the namespace of the Function."""
    return str(_chosen.context["namespace"] or "")


def get_runtime() -> str:
    """Return spec.runtime of the Function."""
    return str(_chosen.context["runtime"] or "")


def get_timeout() -> float:
    """Return the limit of a call in seconds, 0 for none."""
    return float(_chosen.context["timeout"])


def get_body_size_limit() -> float:
    """Return the limit of a request's body in MiB."""
    return _chosen.body_limit / (1024 * 1024)
