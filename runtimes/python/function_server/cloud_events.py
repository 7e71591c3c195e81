"""
CloudEvents in and out, by the CloudEvents specification 1.0 with its JSON format and HTTP binding.

Written out here since the library is one that a Function may replace by any of its releases.
"""

import base64
import json
import os
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from function_server.body import Content, refused

TIMEOUT_SECONDS = 30
STRUCTURED = "application/cloudevents+json"
REQUIRED = ("specversion", "type", "source", "id")
VERSIONS = ("1.0", "0.3")


def is_one(environ: Mapping[str, Any], kind: str) -> bool:
    """Return whether a request is a CloudEvent."""
    return kind == STRUCTURED or ("HTTP_CE_TYPE" in environ and "HTTP_CE_SOURCE" in environ)


def fields(environ: Mapping[str, Any], content: Content) -> dict[str, Any]:
    """Return `data` and the `ce-*` fields of a received event; raises bottle.HTTPResponse (400) for a faulty one."""
    attributes, data = _structured(content) if content.kind == STRUCTURED else _binary(environ, content)
    for name in REQUIRED:
        if not isinstance(attributes.get(name), str) or not attributes[name]:
            raise refused(400, f"not a CloudEvent: {name}: Required value")
    if attributes["specversion"] not in VERSIONS:
        raise refused(400, 'not a CloudEvent: specversion: Unsupported value: supported values: "1.0", "0.3"')
    attributes.setdefault("time", _now())
    return {f"ce-{name}": value for name, value in attributes.items()} | {"data": data}


def _binary(environ: Mapping[str, Any], content: Content) -> tuple[dict[str, Any], Any]:
    attributes = {
        key.removeprefix("HTTP_CE_").lower(): unquote(value.encode("latin-1").decode("utf-8", "replace"))
        for key, value in environ.items()
        if key.startswith("HTTP_CE_")
    }
    if content.content_type:
        attributes["datacontenttype"] = content.content_type
    return attributes, _json_or_bytes(content.data)


def _structured(content: Content) -> tuple[dict[str, Any], Any]:
    event = content.json()
    if not isinstance(event, dict):
        raise refused(400, "not a CloudEvent: a JSON object is required")
    data = event.pop("data", None)
    if "data_base64" in event:
        try:
            data = _json_or_bytes(base64.b64decode(event.pop("data_base64"), validate=True))
        except (ValueError, TypeError):
            raise refused(400, "not a CloudEvent: data_base64: Invalid value: must be base64") from None
    return {name.lower(): value for name, value in event.items()}, data


def _json_or_bytes(data: bytes) -> Any:
    """Return the value of what is JSON, whatever its type is said to be, and anything else as it is."""
    if not data:
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data


def _now() -> str:
    return datetime.now(UTC).isoformat()


def emit(kind: str, source: str, data: Any, optional: Mapping[str, Any] | None) -> None:
    """
    Send an event to PUBLISHER_PROXY_ADDRESS.

    Raises ValueError for an event that lacks an attribute, requests.RequestException if the publisher cannot be
    reached. One that the publisher refuses is logged, and not raised, as in Kyma.
    """
    event = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "time": _now(),
        "type": kind,
        "source": source,
        **(optional or {}),
    }
    faulty = [name for name in REQUIRED if not isinstance(event[name], str) or not event[name]]
    if faulty or event["specversion"] not in VERSIONS:
        raise ValueError(f"not a CloudEvent: {', '.join(faulty or ['specversion'])}")
    if isinstance(data, (bytes, bytearray, memoryview)):
        event["data_base64"] = base64.b64encode(data).decode("ascii")
    elif data is not None:
        event["data"] = data
    reply = publish(json.dumps(event).encode(), {"content-type": STRUCTURED})
    if not reply.ok:
        print(f"emitCloudEvent: the publisher answered {reply.status_code}", file=sys.stderr, flush=True)


def publish(body: bytes, headers: Mapping[str, str]) -> Any:
    """Post `body` to PUBLISHER_PROXY_ADDRESS and return the response, whatever its status."""
    import requests  # noqa: PLC0415  (takes longer than all else here)

    return requests.post(os.environ["PUBLISHER_PROXY_ADDRESS"], body, headers=dict(headers), timeout=TIMEOUT_SECONDS)
