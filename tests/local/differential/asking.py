"""A request of a row, and the answer in the form that is recorded: without what differs from call to call."""

import contextlib
import gzip
import http.client
import json
import re
from collections.abc import Iterator
from typing import Any

from local.differential.backend import Backend

HOST = "function.example"
CALLERS_TRACE, CALLERS_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SECONDS = 8
# Every answer of a server has them or has not: rows that are about one name it under `watch`.
AMBIENT = {
    *("access-control-allow-origin", "connection", "content-length", "date", "etag", "keep-alive", "server"),
    *("transfer-encoding", "x-powered-by"),
}
VOLATILE = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(rf"(?!{CALLERS_TRACE}|0{{32}})\b[0-9a-f]{{32}}\b"), "TRACE"),
    (re.compile(rf"(?!{CALLERS_SPAN}|0{{16}})\b[0-9a-f]{{16}}\b"), "SPAN"),
    # The flag of W3C that says that a trace's id is random, which newer releases of OpenTelemetry set.
    (re.compile(r"(?<=-SPAN)-03\b"), "-01"),
    (re.compile(r"\b20(2[6-9]|[3-9]\d)-\d\d-\d\dT[\d:.]+(Z|\+00:00)"), "TIME"),
    (re.compile(r"127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r"\bat 0x[0-9a-f]+"), "at PLACE"),
    (re.compile(r"(<br> &nbsp; &nbsp;at [^<]*)+"), "<br>STACK"),
    (re.compile(r" \(line \d+ column \d+\)"), ""),
    (re.compile(r"/tmp/[\w/-]*differential-\w+"), "FOLDER"),
)
PAGE = re.compile(r"\s*<!DOCTYPE.*</html>\s*", re.DOTALL | re.IGNORECASE)


def ask(port: int, row: dict[str, Any], backend: Backend) -> dict[str, Any]:
    """Send the requests under `first`, then the row's own, and return the answer to it."""
    for request in row.get("first", ()):
        _answered(port, request, ())
    backend.taken.clear()
    answer = _answered(port, row["ask"], row.get("watch", ()))
    if backend.taken:
        answer["emitted"] = json.loads(_steady(json.dumps(backend.taken)))
    return answer


def _answered(port: int, request: dict[str, Any], watched: Any) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    with contextlib.closing(connection):
        try:
            _send(connection, request)
            response = connection.getresponse()
        except TimeoutError:
            return {"none": f"within {SECONDS} s"}
        except (OSError, http.client.HTTPException):
            return {"none": "connection closed"}
        return _recorded(response, watched)


def _send(connection: http.client.HTTPConnection, request: dict[str, Any]) -> None:
    body = _body(request)
    path = request["path"].encode().decode("latin-1")
    connection.putrequest(request.get("method", "GET"), path, skip_host=True, skip_accept_encoding=True)
    headers = {"Host": HOST, **request.get("headers", {})}
    if request.get("chunked"):
        headers["Transfer-Encoding"] = "chunked"
    elif body is not None:
        headers.setdefault("Content-Length", str(len(body)))
    for name, value in headers.items():
        for each in value if isinstance(value, list) else [value]:
            connection.putheader(name, str(each).encode())
    in_chunks = bool(request.get("chunked"))
    connection.endheaders(_pieces(body) if in_chunks else body, encode_chunked=in_chunks)


def _body(request: dict[str, Any]) -> bytes | None:
    if "hex" in request:
        body = bytes.fromhex(request["hex"])
    elif "size" in request:
        body = b"x" * request["size"]
    elif "body" in request:
        body = request["body"].encode()
    else:
        return None
    return gzip.compress(body, mtime=0) if request.get("gzip") else body


def _pieces(body: bytes | None) -> Iterator[bytes]:
    yield from (body[at : at + 5] for at in range(0, len(body or b""), 5)) if body else ()


def _recorded(response: http.client.HTTPResponse, watched: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {"status": response.status}
    headers: dict[str, str] = {}
    for name, value in response.getheaders():
        shown = name.lower()
        if shown not in AMBIENT or shown in watched:
            headers[shown] = f"{headers[shown]}, {value}" if shown in headers else value
    if content_type := headers.pop("content-type", None):
        answer["type"] = _type(content_type)
    if headers:
        answer["headers"] = {name: _steady(headers[name]) for name in sorted(headers)}
    try:
        body = response.read()
    except http.client.IncompleteRead as error:
        body = error.partial
        answer["cut"] = True
    except OSError:
        body = b""
        answer["cut"] = True
    return answer | _of_body(body)


def _type(content_type: str) -> str:
    """A charset says nothing after JSON, and is the same in small letters."""
    kind, _, rest = content_type.partition(";")
    rest = rest.strip().lower()
    return kind if not rest or kind == "application/json" else f"{kind}; {rest}"


def _of_body(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"hex": body.hex()}
    if not text:
        return {}
    if len(text) > 2000:
        return {"length": len(body)}
    if PAGE.fullmatch(text):
        return {"page": _steady(_words(text))}
    if text[0] in "{[":
        with contextlib.suppress(ValueError):
            return {"json": json.loads(_steady(text), parse_constant=_refused)}
    return {"body": _steady(text)}


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _words(page: str) -> str:
    """Return what a reader sees of a page of HTML."""
    without = re.sub(r"<head>.*</head>|<style.*?</style>", " ", _steady(page), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", without).replace("&nbsp;", " ").split())


def _steady(text: str) -> str:
    for pattern, name in VOLATILE:
        text = pattern.sub(name, text)
    return text
