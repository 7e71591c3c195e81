"""The body of a request, decoded as its headers say."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import bottle

PIECE = 1024 * 1024
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Content:
    """`data` in full, not compressed; `kind` is the media type in small letters, "" where none is given."""

    data: bytes
    kind: str
    content_type: str

    def decoded(self) -> Any:
        """Return JSON's value, text, a form's fields, or the bytes; raises bottle.HTTPResponse (400)."""
        if self.kind == JSON:
            return self.json()
        try:
            if self.kind.startswith("text/"):
                return self.data.decode(self._charset())
            if self.kind == FORM:
                return self._form()
        except (ValueError, LookupError):
            raise self._faulty() from None
        return self.data

    def json(self) -> Any:
        """Return the value of a JSON text; raises bottle.HTTPResponse (400)."""
        try:
            return json.loads(self.data)
        except (ValueError, RecursionError):
            raise self._faulty() from None

    def _faulty(self) -> bottle.HTTPResponse:
        return refused(400, f"the body is not {self.kind or 'what its Content-Type says'}")

    def _charset(self) -> str:
        for parameter in self.content_type.split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                return value.strip(' "')
        return "utf-8"

    def _form(self) -> dict[str, Any]:
        from urllib.parse import parse_qs  # noqa: PLC0415

        fields = parse_qs(self.data.decode(), keep_blank_values=True, errors="strict")
        return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}


def of(environ: dict[str, Any]) -> Content:
    """Return the body of a WSGI environ; raises bottle.HTTPResponse (400, 413) if it cannot be inflated."""
    content_type = environ.get("CONTENT_TYPE", "")
    data: bytes = environ["function_server.body"]
    if data and "HTTP_CONTENT_ENCODING" in environ:
        data = _inflated(environ, data)
    return Content(data, content_type.partition(";")[0].strip().lower(), content_type)


def _inflated(environ: dict[str, Any], data: bytes) -> bytes:
    """Return what gzip or deflate has compressed, within a body's limit; another encoding is left as it is."""
    coding = environ["HTTP_CONTENT_ENCODING"].strip().lower()
    if coding not in ("gzip", "x-gzip", "deflate"):
        return data
    import zlib  # noqa: PLC0415

    inflater = zlib.decompressobj(47 if "gzip" in coding else 15)
    try:
        inflated = b"".join(_pieces(inflater, data, environ))
    except zlib.error:
        raise refused(400, f"the body is not {coding}") from None
    if not inflater.eof:
        raise refused(400, f"the body is not {coding}")
    del environ["HTTP_CONTENT_ENCODING"]
    environ |= {"CONTENT_LENGTH": str(len(inflated)), "wsgi.input": BytesIO(inflated), "function_server.body": inflated}
    return inflated


def _pieces(inflater: Any, data: bytes, environ: dict[str, Any]) -> Iterator[bytes]:
    """Yield what is inflated, as far as limits of size and memory allow."""
    left = bottle.BaseRequest.MEMFILE_MAX
    while data and not inflater.eof:
        piece = inflater.decompress(data, PIECE)
        data, left = inflater.unconsumed_tail, left - len(piece)
        if left < 0:
            raise refused(413, "the body is too large")
        if refusal := environ["function_server.take"](len(piece), environ.get("CONTENT_TYPE", "")):
            raise refused(*refusal)
        yield piece


def refused(status: int, message: str) -> bottle.HTTPResponse:
    """Return an answer of one line of plain text."""
    return bottle.HTTPResponse(message, status, {"Content-Type": "text/plain"})
