"""What a handler's result becomes: one rule for all types."""

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import bottle

from function_server import async_calls

JSON, BYTES = "application/json", "application/octet-stream"
PIECE = 65536
FAILURE = 500
_FRAMING = ("content-length", "transfer-encoding", "connection")
_STATUS_LINE = re.compile(r"[1-9]\d\d .{1,100}")


class Failure(Exception):
    """A handler's own error 500: what it says is for the log."""


class Answer:
    """A status line, headers without those of framing, and bytes or an iterator of bytes."""

    __slots__ = ("body", "headers", "length", "status")

    def __init__(self, status: str, headers: list[tuple[str, str]], body: "bytes | Stream") -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.length: int | None = len(body) if isinstance(body, bytes) else None


def answer(result: Any) -> Answer:
    """
    Return the answer for `result`, with the status, headers and cookies of bottle.response.

    Text, bytes and Bottle's responses go out as they are; nothing (None, "", b"") is an empty body; (body, status) and
    (body, status, headers) have that status; iterators, open files and responses of `requests` are streamed; everything
    else is JSON. Raises TypeError for what JSON cannot express.
    """
    body = _body(result)
    response = bottle.response
    return framed(response.status_line, response.headerlist, body)


def framed(status: str, headers: list[tuple[str, str]], body: "bytes | Stream") -> Answer:
    """Return an answer without the headers that say where its body ends, which the server sets."""
    kept = [item for item in headers if item[0].lower() not in _FRAMING]
    made = Answer(status, kept, body)
    if made.length is None:
        made.length = next((int(value) for name, value in headers if name.lower() == "content-length"), None)
    return made


def _json(value: Any) -> bytes:
    text = json.dumps(value).encode()
    _typed(JSON)
    return text


def _typed(content_type: str) -> None:
    """Set the content type unless the handler has."""
    if "Content-Type" not in bottle.response.headers:
        bottle.response.content_type = content_type


def _body(result: Any) -> Any:
    """Return bytes or a Stream, the commonest types first."""
    if isinstance(result, str):
        return result.encode(bottle.response.charset)
    if isinstance(result, (dict, int, float)):
        return _json(result)
    return _other(result) if result is not None else b""


def _other(result: Any) -> Any:  # noqa: PLR0911 - one return for each kind
    if isinstance(result, (bytes, bytearray, memoryview)):
        _typed(BYTES)
        return bytes(result)
    if isinstance(result, bottle.BaseResponse):
        return _of_bottle(result)
    if type(result) is tuple and (parts := _status_and_headers(result)):
        return _of_tuple(result[0], *parts)
    if isinstance(result, (list, tuple)) and result and all(isinstance(item, bytes) for item in result):
        return b"".join(result)
    if hasattr(result, "__aiter__"):
        return _streamed(async_calls.iterated(result))
    if isinstance(result, (list, tuple)) or not (hasattr(result, "__iter__") or hasattr(result, "read")):
        return _json(result)
    return _streamed(result)


def _of_bottle(result: Any) -> Any:
    """Return the body of a response of Bottle, whose status, headers and cookies replace those set so far."""
    if isinstance(result, bottle.HTTPError) and result.status_code == FAILURE:
        raise Failure(result.body) from result
    bottle.HTTPResponse.apply(result, bottle.response)
    body = result.body
    if isinstance(result, bottle.HTTPError):
        return _error_page(result).encode(bottle.response.charset)
    if isinstance(body, dict):
        return _json(body)
    if isinstance(body, (list, tuple)):
        return _joined(body)
    return _body(body) if body else b""


def _error_page(error: Any) -> str:
    """Return Bottle's page for an error, which shows neither exception nor traceback."""
    page: str = bottle.template(bottle.ERROR_PAGE_TEMPLATE, e=error)
    return page


def _joined(parts: Any) -> bytes:
    """Return a list of text or bytes as one body, as Bottle joins it."""
    return b"".join(part.encode(bottle.response.charset) if isinstance(part, str) else part for part in parts)


def _status_and_headers(result: tuple[Any, ...]) -> tuple[Any, list[tuple[str, str]]] | None:
    """Return the status and the headers of (body, status) or (body, status, headers), None for any other tuple."""
    if len(result) not in (2, 3):
        return None
    status, headers = result[1], result[2] if len(result) == 3 else None
    if isinstance(status, bool) or not isinstance(status, (int, str)):
        return None
    if isinstance(status, str) and not _STATUS_LINE.fullmatch(status):
        return None
    if isinstance(status, int) and not 100 <= status <= 999:
        return None
    if isinstance(headers, dict):
        headers = list(headers.items())
    if headers is not None and not _are_pairs(headers):
        return None
    return status, list(headers or ())


def _are_pairs(headers: Any) -> bool:
    return isinstance(headers, list) and all(
        isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) for item in headers
    )


def _of_tuple(body: Any, status: Any, headers: list[tuple[str, Any]]) -> Any:
    response = bottle.response
    response.status = int(status) if isinstance(status, int) else status
    for name, value in headers:
        values = value if isinstance(value, list) else [value]
        if name.lower() != "set-cookie":
            response.headers.pop(name, None)
        for each in values:
            response.add_header(name, each)
    return _body(body)


def _streamed(result: Any) -> Any:
    """Return an iterator of bytes over what can be iterated or read; its first piece decides how text is encoded."""
    if content_type := _content_type(result):
        _typed(content_type)
    if hasattr(result, "iter_content"):
        source = result.iter_content(PIECE)
    elif hasattr(result, "read"):
        source = iter(lambda: result.read(PIECE), result.read(0))
    else:
        source = iter(result)
    first = next(filter(None, source), b"")
    if isinstance(first, bytes):
        return Stream(chain((first,), source), result)
    if isinstance(first, str):
        charset = bottle.response.charset
        return Stream((piece.encode(charset) for piece in chain((first,), source)), result)
    raise TypeError(f"{type(first).__name__} cannot be a piece of an answer: it has to be str or bytes")


def _content_type(result: Any) -> Any:
    items: Any = getattr(getattr(result, "headers", None), "items", tuple)()
    return next((value for name, value in items if str(name).lower() == "content-type"), None)


class Stream:
    """Pieces of bytes; close() closes what they come from."""

    def __init__(self, pieces: Iterator[bytes], source: Any) -> None:
        self.pieces = pieces
        self.source = source

    def __iter__(self) -> Iterator[bytes]:
        return self.pieces

    def close(self) -> None:
        """Close the source, where it can be closed."""
        if close := getattr(self.source, "close", None):
            close()
