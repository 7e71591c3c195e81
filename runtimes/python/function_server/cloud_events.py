"""Received and sent CloudEvents. This module loads the library, so only Functions that use events import it."""

import os
from collections.abc import Mapping
from typing import Any

import bottle
from cloudevents.v1.conversion import to_structured
from cloudevents.v1.exceptions import GenericException
from cloudevents.v1.http import CloudEvent, from_http

TIMEOUT_SECONDS = 30


def fields(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return `data` and the `ce-*` fields of a received event; raises bottle.HTTPResponse (400) for an invalid one."""
    try:
        event = from_http(headers, body)
    except GenericException as error:
        raise bottle.HTTPResponse(f"not a CloudEvent: {error}", 400) from None
    attributes = {f"ce-{name}": value for name, value in event.get_attributes().items()}
    return attributes | {"data": event.data}


def emit(kind: str, source: str, data: Any, optional: Mapping[str, Any] | None) -> Any:
    """Send an event to PUBLISHER_PROXY_ADDRESS; raises requests.RequestException if it is not accepted."""
    headers, body = to_structured(CloudEvent({"type": kind, "source": source, **(optional or {})}, data))
    return publish(body, headers)


def publish(body: bytes, headers: Mapping[str, str]) -> Any:
    """Post `body` to PUBLISHER_PROXY_ADDRESS and return the response."""
    import requests  # noqa: PLC0415  (the slowest import of this module)

    reply = requests.post(os.environ["PUBLISHER_PROXY_ADDRESS"], body, headers=dict(headers), timeout=TIMEOUT_SECONDS)
    reply.raise_for_status()
    return reply
