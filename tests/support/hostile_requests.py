"""
Requests of honest and of hostile callers, as bytes on a connection: the same ones for the same random.Random.

Each kind of the table KINDS is a function that returns an Exchange.
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

BODY_LIMIT = 100_000
"""In bytes: what FUNC_MEMFILE_MAX and REQ_MB_LIMIT have to be set to."""
REFUSED = frozenset(range(400, 500))
HOST = "Host: a\r\n"
BOMB = gzip.compress(bytes(50 * BODY_LIMIT))


@dataclass(frozen=True)
class Exchange:
    """
    What a caller sends, and which statuses it may be answered with, in their order if they are a list.

    With `leaves` the caller goes away after so many received bytes, 0 for at once.
    """

    sent: bytes
    answers: frozenset[int] | list[int]
    leaves: int | None = None


def request(path: str, body: bytes = b"", *, method: str = "", head: str = "", close: bool = True) -> bytes:
    """Return the bytes of a correct request."""
    end = "Connection: close\r\n" if close else ""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    first = f"{method or ('POST' if body else 'GET')} {path} HTTP/1.1\r\n{HOST}{length}{head}{end}\r\n"
    return first.encode("latin-1") + body


def typed(kind: str) -> str:
    return f"Content-Type: {kind}\r\n"


CALLS = {
    "/text": 200,
    "/nothing": 200,
    "/object": 200,
    "/list": 200,
    "/number": 200,
    "/bytes": 200,
    "/teapot": 418,
    "/request?q=a": 200,
    "/context": 200,
    "/later": 200,
    "/large-stream?pieces=3": 200,
    "/healthz": 200,
}
FAILING = ("/fails", "/rejects", "/unanswerable", "/no-such-path")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "PURGE", "LINK", "REPORT")


def call(chosen: Random) -> Exchange:
    path = chosen.choice(list(CALLS))
    return Exchange(request(path), [CALLS[path]])


def failing_call(chosen: Random) -> Exchange:
    return Exchange(request(chosen.choice(FAILING)), [500])


def body(chosen: Random) -> Exchange:
    bodies = [
        (typed("application/json"), json.dumps({"a": [None, True, 1.5, "ü" * chosen.randrange(900)]}).encode()),
        (typed("text/plain"), b"x" * chosen.randrange(1, BODY_LIMIT)),
        (typed("application/x-www-form-urlencoded"), b"a=1&b=%C3%BC&a=2"),
        (typed("application/octet-stream"), b"plain"),
        (typed("application/json") + "Content-Encoding: gzip\r\n", gzip.compress(b'{"a": "' + b"b" * 9000 + b'"}')),
        ("", b"untyped"),
    ]
    head, data = chosen.choice(bodies)
    return Exchange(request("/echo", data, head=head), [200])


def chunks(chosen: Random) -> Exchange:
    pieces = [b"x" * chosen.randrange(1, 5000) for _ in range(chosen.randrange(1, 9))]
    sent = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return Exchange(
        request("/echo", head=typed("text/plain") + "Transfer-Encoding: chunked\r\n", method="POST") + sent, [200]
    )


def faulty_body(chosen: Random) -> Exchange:
    bodies = [
        (typed("application/json"), chosen.choice([b"{", b"[" * 50_000, b"\xff", b"{}}", b"\0"])),
        (typed("text/plain; charset=utf-8"), b"\xff\xfe"),
        (typed("application/json") + "Content-Encoding: gzip\r\n", b"not gzip"),
        (typed("application/json") + "Content-Encoding: gzip\r\n", BOMB),
        (typed("application/json") + "Content-Encoding: deflate\r\n", BOMB),
        (typed("text/plain"), b"x" * (BODY_LIMIT + chosen.randrange(1, 50_000))),
    ]
    head, data = chosen.choice(bodies)
    return Exchange(request("/echo", data, head=head), REFUSED | {200})


EVENT = {"specversion": "1.0", "type": "order.created", "source": "shop", "id": "7"}


def cloud_event(chosen: Random) -> Exchange:
    head = "".join(f"ce-{name}: {value}\r\n" for name, value in EVENT.items())
    if chosen.random() < 0.5:
        return Exchange(request("/cloud-event", b'{"a": 1}', head=head + typed("application/json")), [200])
    structured = json.dumps(EVENT | {"data": {"a": 1}}).encode()
    return Exchange(request("/cloud-event", structured, head=typed("application/cloudevents+json")), [200])


def faulty_cloud_event(chosen: Random) -> Exchange:
    odd: Any = chosen.choice([None, 1, "", [], {}, "2.0", "\u00ff", "%ff%"])
    event = EVENT | {chosen.choice([*EVENT, "data_base64", "time"]): odd}
    structured = chosen.choice([json.dumps(event).encode(), b"[" * 50_000, b"7", b"{", b"[]"])
    if chosen.random() < 0.5:
        return Exchange(request("/text", structured, head=typed("application/cloudevents+json")), REFUSED | {200})
    head = "".join(f"ce-{name}: {value}\r\n" for name, value in event.items())
    return Exchange(request("/text", head=head), REFUSED | {200})


def method(chosen: Random) -> Exchange:
    name = chosen.choice([*METHODS, f"M{chosen.randrange(10**9)}", "get", "CONNECT", "PRI"])
    return Exchange(request("/text", method=name), REFUSED | {200})


FRAMING = (
    "Content-Length: 1_0",
    "Content-Length: +3",
    "Content-Length: -1",
    "Content-Length: 3\r\nContent-Length: 4",
    "Content-Length: 99999999999999999999999",
    "Content-Length : 3",
    "Content-Length: 3\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: xchunked",
    "X: a\0b",
    "X\r\n Y: folded",
    ": nameless",
    "X",
)
CHUNKS = ("-3\r\nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "zz\r\n", "f" * 40 + "\r\n")


def framing(chosen: Random) -> Exchange:
    if chosen.random() < 0.5:
        return Exchange(request("/text", method="POST", head=chosen.choice(FRAMING) + "\r\n") + b"abc", REFUSED)
    sent = request("/text", method="POST", head="Transfer-Encoding: chunked\r\n")
    return Exchange(sent + chosen.choice(CHUNKS).encode(), REFUSED)


def large_head(chosen: Random) -> Exchange:
    sent = [
        lambda: request("/text", head=f"X: {'a' * chosen.randrange(70_000, 300_000)}\r\n"),
        lambda: request("/text", head="X: a\r\n" * 20_000),
        lambda: request("/" + "a" * chosen.randrange(70_000, 200_000)),
    ]
    return Exchange(chosen.choice(sent)(), REFUSED)


def mutated(chosen: Random) -> Exchange:
    """Bytes of correct and faulty requests, some of them replaced."""
    sent = bytearray(chosen.choice([call, body, chunks, cloud_event, framing])(chosen).sent)
    for _ in range(chosen.randrange(1, 6)):
        sent[chosen.randrange(min(len(sent), 300))] = chosen.randrange(256)
    return Exchange(bytes(sent), frozenset(range(100, 500)) | {500})


def cut_off(chosen: Random) -> Exchange:
    """A request of which only the beginning comes."""
    sent = chosen.choice([call, body, chunks])(chosen).sent
    return Exchange(sent[: chosen.randrange(len(sent))], frozenset(range(100, 500)), leaves=0)


def pipelined(chosen: Random) -> Exchange:
    paths = [chosen.choice(["/text", "/number", "/object", "/healthz"]) for _ in range(chosen.randrange(2, 9))]
    sent = b"".join(request(path, close=False) for path in paths)
    return Exchange(sent + request("/text"), [200] * (len(paths) + 1))


def left_midway(chosen: Random) -> Exchange:
    """A stream whose caller goes away."""
    return Exchange(request("/large-stream?pieces=200"), frozenset({200}), leaves=chosen.choice([0, 1, 100_000]))


def failing_stream(chosen: Random) -> Exchange:
    return Exchange(request(f"/failing-stream?pieces={chosen.randrange(1, 4)}"), [200])


KINDS: dict[Callable[[Random], Exchange], int] = {
    call: 30,
    body: 12,
    chunks: 6,
    cloud_event: 6,
    failing_call: 4,
    faulty_body: 6,
    faulty_cloud_event: 6,
    method: 4,
    framing: 6,
    large_head: 2,
    mutated: 8,
    cut_off: 4,
    pipelined: 3,
    left_midway: 2,
    failing_stream: 1,
}
"""How often each kind comes, in 100."""


def exchange(chosen: Random) -> Exchange:
    """Return the next exchange."""
    return chosen.choices(list(KINDS), list(KINDS.values()))[0](chosen)
