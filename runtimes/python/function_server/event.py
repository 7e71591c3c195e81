"""What a handler is given as its first argument."""

import json
import sys
from typing import Any

import bottle

from function_server import body

CLOUD_EVENT = "application/cloudevents+json"


class Request(bottle.BaseRequest):  # type: ignore[misc]
    """Bottle's request; the global one is another in every thread that a handler may start."""

    __slots__ = ()
    __copy__ = bottle.BaseRequest.copy


class Event(dict[str, Any]):
    """
    The request as a dict: `data` always, `extensions.request` (Bottle's request), `ce-*` of a CloudEvent.

    `data` is None without a body, the decoded value of JSON, a str of text/*, a dict of a form's fields, bytes of
    anything else. Raises bottle.HTTPResponse (400, 413) if the body is not what its Content-Type says, or too large.
    """

    def __init__(self, request: bottle.BaseRequest) -> None:
        own = Request(request.environ)
        super().__init__(data=None, extensions={"request": own})
        environ = request.environ
        content = body.of(environ)
        if "HTTP_CE_TYPE" in environ or content.kind == CLOUD_EVENT:
            from function_server import cloud_events  # noqa: PLC0415

            if cloud_events.is_one(environ, content.kind):
                self.update(cloud_events.fields(environ, content))
                return
        if content.data:
            self["data"] = content.decoded()

    @property
    def ceHeaders(self) -> dict[str, Any]:
        """The event itself, as Kyma's event keeps its fields in a dict of this name."""
        return self

    @property
    def req(self) -> Any:
        """Bottle's request."""
        return self["extensions"]["request"]

    @property
    def tracer(self) -> Any:
        """An OpenTelemetry tracer; its spans are children of the caller's."""
        from function_server import telemetry  # noqa: PLC0415  (the largest of all)

        return telemetry.tracer_of(self.req)

    def emitCloudEvent(self, type: str, source: str, data: Any, optionalCloudEventAttributes: Any = None) -> None:
        """Send a CloudEvent to the publisher: see cloud_events.emit()."""
        from function_server import cloud_events  # noqa: PLC0415

        cloud_events.emit(type, source, data, optionalCloudEventAttributes)

    def publishCloudEvent(self, data: Any) -> Any:
        """Send `data`, a whole CloudEvent as a dict, to the publisher. Deprecated: use emitCloudEvent."""
        from function_server import cloud_events  # noqa: PLC0415

        print("publishCloudEvent is deprecated; use emitCloudEvent", file=sys.stderr)
        return cloud_events.publish(json.dumps(data, default=str).encode(), {"Content-Type": CLOUD_EVENT})

    def buildResponseCloudEvent(self, event_id: str, event_type: str, event_data: Any) -> dict[str, Any]:
        """Return a CloudEvent that answers this one. Deprecated: use emitCloudEvent."""
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
