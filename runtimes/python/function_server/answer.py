"""Turn a handler's result into a response: one rule for all types."""

import json
from typing import Any

import bottle

JSON = "application/json"
PAIR, TRIPLE = 2, 3


def response(result: Any) -> Any:
    """
    Return the value that Bottle sends for `result`.

    Text, bytes and Bottle's responses are sent unchanged; None, "" and b"" are an empty body; (body, status) and
    (body, status, headers) are a response with that status code; generators and open files are streamed; everything
    else is sent as JSON. Raises TypeError for a value that JSON cannot represent.
    """
    if result is None:
        return ""
    if isinstance(result, (str, bottle.HTTPResponse)):
        return result
    if isinstance(result, (bytes, bytearray, memoryview)):
        return _typed(bytes(result), "application/octet-stream")
    if _has_status(result):
        return bottle.HTTPResponse(response(result[0]), result[1], dict(*result[2:]) or None)
    if hasattr(result, "__next__") or hasattr(result, "read"):
        return result
    return _typed(json.dumps(result), JSON)


def _has_status(result: Any) -> bool:
    return (
        isinstance(result, tuple)
        and len(result) in (PAIR, TRIPLE)
        and type(result[1]) is int
        and all(isinstance(headers, dict) for headers in result[2:])
    )


def _typed(body: Any, content_type: str) -> Any:
    """Return `body` and set its type to `content_type` unless the handler has set one."""
    if "Content-Type" not in bottle.response.headers:
        bottle.response.content_type = content_type
    return body
