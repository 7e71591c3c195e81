"""The first argument of a handler."""

import functools
import io
import json
import sys
from typing import Any

import bottle

CLOUD_EVENT = "application/cloudevents+json"
PIECE = 65536


class Event(dict[str, Any]):
    """
    The request as a dict: `data`, `extensions.request` (Bottle's request) and, for a CloudEvent, its `ce-*` fields.

    `data` is None without a body, the decoded value of JSON, a str for text/*, a dict for the fields of a form, bytes
    for anything else. Raises bottle.HTTPResponse: 400 if the body does not match its Content-Type, 413 if it is too
    large.
    """

    def __init__(self, request: bottle.BaseRequest) -> None:
        # Not Bottle's global request, which is a different one in each thread that the handler starts.
        super().__init__(data=None, extensions={"request": bottle.BaseRequest(request.environ)})
        body = _read(request)
        if _is_cloud_event(request):
            from function_server import cloud_events  # noqa: PLC0415  (a third of the start-up time)

            self.update(cloud_events.fields(request.headers, body))
        elif body:
            self["data"] = _data(request, body)

    @property
    def tracer(self) -> Any:
        """An OpenTelemetry tracer."""
        from function_server import tracing  # noqa: PLC0415  (the slowest import)

        return tracing.tracer()

    def emitCloudEvent(self, type: str, source: str, data: Any, optionalCloudEventAttributes: Any = None) -> None:
        """Send a CloudEvent to the publisher; raises requests.RequestException if it is not accepted."""
        from function_server import cloud_events  # noqa: PLC0415

        cloud_events.emit(type, source, data, optionalCloudEventAttributes)

    def publishCloudEvent(self, data: Any) -> Any:
        """Send `data`, a whole CloudEvent as a dict, to the publisher. Deprecated: use emitCloudEvent."""
        from function_server import cloud_events  # noqa: PLC0415

        print("publishCloudEvent is deprecated; use emitCloudEvent", file=sys.stderr)
        return cloud_events.publish(json.dumps(data, default=str).encode(), {"Content-Type": CLOUD_EVENT})

    def buildResponseCloudEvent(self, event_id: str, event_type: str, event_data: Any) -> dict[str, Any]:
        """Return a CloudEvent in response to this one. Deprecated: use emitCloudEvent."""
        print("buildResponseCloudEvent is deprecated; use emitCloudEvent", file=sys.stderr)
        return {
            "type": event_type,
            "source": self["ce-source"],
            "eventtypeversion": self.get("ce-eventtypeversion"),
            "specversion": self["ce-specversion"],
            "id": event_id,
            "data": event_data,
            "datacontenttype": "text/plain" if isinstance(event_data, str) else "application/json",
        }


def _read(request: bottle.BaseRequest) -> bytes:
    if request.chunked:
        _join_chunks(request.environ)
    body: bytes = request.body.read()
    request.body.seek(0)
    return body


def _join_chunks(environ: dict[str, Any]) -> None:
    """Replace a chunked body with a plain one: cheroot has decoded the chunks, and Bottle would decode them again."""
    try:
        body = b"".join(iter(functools.partial(environ["wsgi.input"].read, PIECE), b""))
    except ValueError:
        raise _refused(environ, 400, "the body is not in chunks as its Transfer-Encoding says") from None
    except Exception:
        # cheroot raises one of two errors without a common type.
        raise _refused(environ, 413, "the body is too large") from None
    del environ["HTTP_TRANSFER_ENCODING"]
    environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}


def _refused(environ: dict[str, Any], status: int, why: str) -> bottle.HTTPResponse:
    """Return an error response and close the connection, since the rest of the body is not read."""
    environ["function_server.close_connection"]()
    return bottle.HTTPResponse(why, status)


def _is_cloud_event(request: bottle.BaseRequest) -> bool:
    headers = request.headers
    return ("ce-type" in headers and "ce-source" in headers) or _media_type(request) == CLOUD_EVENT


def _media_type(request: bottle.BaseRequest) -> str:
    media_type: str = request.content_type.partition(";")[0].strip().lower()
    return media_type


def _data(request: bottle.BaseRequest, body: bytes) -> Any:
    kind = _media_type(request)
    try:
        if kind == "application/json":
            return json.loads(body)
        if kind.startswith("text/"):
            return body.decode(_charset(request))
    except (ValueError, LookupError, RecursionError):
        raise bottle.HTTPResponse(f"the body is not {request.content_type}", 400) from None
    if kind == "application/x-www-form-urlencoded":
        return {name: values if len(values) > 1 else values[0] for name, values in request.forms.decode().dict.items()}
    return body


def _charset(request: bottle.BaseRequest) -> str:
    for parameter in request.content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset: str = value.strip(' "')
            return charset
    return "utf-8"
