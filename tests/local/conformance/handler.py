"""The Python twin of handler.js: each path does one thing."""

import asyncio
import atexit
import copy
import io
import os
import signal
import sys
import threading
import time
import typing
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import bottle

stuck: threading.Thread

if os.environ.get("BREAK") == "load":
    raise RuntimeError("broken on purpose")
if os.environ.get("BREAK") == "slow":
    time.sleep(1)
    print("loaded at last", flush=True)


def echo(event: Any, context: Any) -> Any:
    data = event["data"]
    return {"data": data.decode() if isinstance(data, bytes) else data, "kind": kind(data)}


def kind(data: object) -> str:
    names = {dict: "object", list: "array", str: "string", bytes: "bytes", type(None): "nothing"}
    return names.get(type(data), "other")


def request(event: Any, context: Any) -> Any:
    seen = event["extensions"]["request"]
    return {
        "method": seen.method,
        "path": seen.path,
        "query": seen.query.getunicode("q"),
        "header": seen.headers.get("X-Test"),
    }


def fails(event: Any, context: Any) -> None:
    raise ValueError("secret-in-the-error")


def rejects(event: Any, context: Any) -> Any:
    async def later() -> None:
        await asyncio.sleep(0.01)
        raise ValueError("secret-in-the-error")

    return later()


def later(event: Any, context: Any) -> Any:
    async def answer() -> str:
        await asyncio.sleep(0.01)
        return "later"

    return answer()


def unanswerable(event: Any, context: Any) -> Any:
    return echo


def forever(event: Any, context: Any) -> None:
    global stuck
    stuck = threading.current_thread()
    while True:
        time.sleep(0.01)


def slow(event: Any, context: Any) -> Any:
    print("started", flush=True)
    time.sleep(1.5)
    return "slow but whole"


def pauses(event: Any, context: Any) -> Any:
    time.sleep(0.002)
    return "paused"


def waits(event: Any, context: Any) -> Any:
    """Wait, or compute, until the file GATE is there."""
    print("started", flush=True)
    while not os.path.exists(os.environ["GATE"]):
        sum(range(10_000)) if event.req.query.get("computes") else time.sleep(0.01)
    return "waited"


lock = asyncio.Lock()
background: list[asyncio.Task[None]] = []


async def locked(event: Any, context: Any) -> Any:
    async with lock:
        await asyncio.sleep(0.05)
    background.append(asyncio.create_task(asyncio.sleep(0.05)))
    return [task.cancelled() for task in background]


def cloud_event(event: Any, context: Any) -> Any:
    return {"type": event["ce-type"], "source": event["ce-source"], "id": event["ce-id"], "data": event["data"]}


def emits(event: Any, context: Any) -> Any:
    event.emitCloudEvent("order.created", "shop", {"number": 7}, {"id": "fixed"})
    return "sent"


def traced(event: Any, context: Any) -> Any:
    with event.tracer.start_as_current_span("inner") as span:
        return {"sampled": span.get_span_context().is_valid}


def moved(event: Any, context: Any) -> Any:
    bottle.response.set_cookie("a", "1")
    bottle.response.content_type = "application/xml"
    return "<a/>", 202


def fails_midway(event: Any, context: Any) -> Any:
    yield "first"
    raise ValueError("secret-in-the-error")


def async_pieces(event: Any, context: Any) -> Any:
    async def pieces() -> Any:
        yield "a"
        await asyncio.sleep(0.01)
        yield "b"

    return pieces()


async def connects_once(event: Any, context: Any) -> Any:
    """Use one connection for the life of the process, as clients of databases do."""
    global connection
    if connection is None:
        connection = await asyncio.open_connection("127.0.0.1", int(os.environ["FUNC_PORT"]))
    reader, writer = connection
    writer.write(b"GET /text HTTP/1.1\r\nHost: a\r\n\r\n")
    answer = await reader.readuntil(b"\r\n\r\ntext")
    return answer.startswith(b"HTTP/1.1 200")


connection: Any = None


def old_cloud_events(event: Any, context: Any) -> Any:
    from cloudevents.http import CloudEvent, to_structured  # noqa: PLC0415 - is there to be imported

    return to_structured(CloudEvent({"type": "t", "source": "s", "id": "i"}, {"a": 1}))[1].decode()


def new_cloud_events(event: Any, context: Any) -> Any:
    from cloudevents.core.v1.event import CloudEvent  # noqa: PLC0415 - is there to be imported

    return CloudEvent.__name__


def proxied(event: Any, context: Any) -> Any:
    import requests  # noqa: PLC0415 - takes longer to load than all else

    return requests.get(f"http://127.0.0.1:{os.environ['FUNC_PORT']}/moved", timeout=5)


def raised_error(event: Any, context: Any) -> Any:
    raise bottle.HTTPError(500, "secret-in-the-error")


class Point(typing.NamedTuple):
    x: int
    y: int


def copied_request(event: Any, context: Any) -> Any:
    return copy.copy(event.req).path


def ticks(event: Any, context: Any) -> Any:
    for number in range(6):
        time.sleep(0.3)
        yield f"{number}"


def seen_trace(event: Any, context: Any) -> Any:
    return event.req.headers.get("traceparent", "none")


def passes_trace_on(event: Any, context: Any) -> Any:
    import requests  # noqa: PLC0415 - takes longer to load than all else

    return requests.get(f"http://127.0.0.1:{os.environ['FUNC_PORT']}/seen-trace", timeout=5).text


def trace_of_tracer(event: Any, context: Any) -> Any:
    with event.tracer.start_as_current_span("inner") as span:
        return f"{span.get_span_context().trace_id:032x}"


def large_stream(event: Any, context: Any) -> Any:
    return (b"x" * 65536 for _ in range(int(event.req.query["pieces"])))


def failing_stream(event: Any, context: Any) -> Any:
    yield from large_stream(event, context)
    raise ValueError("secret-in-the-error")


PATHS: dict[str, Callable[[Any, Any], Any]] = {
    "/ticks": ticks,
    "/seen-trace": seen_trace,
    "/passes-trace-on": passes_trace_on,
    "/trace-of-tracer": trace_of_tracer,
    "/tuple-object": lambda e, c: ({"a": 1}, 201),
    "/tuple-enum": lambda e, c: ({"a": 1}, HTTPStatus.CREATED),
    "/tuple-line": lambda e, c: ("made", "201 Created"),
    "/tuple-cookies": lambda e, c: ("made", 200, {"Set-Cookie": ["a=1", "b=2"]}),
    "/tuple-pairs": lambda e, c: ("made", 201, [("X-Made", "yes")]),
    "/tuple-none": lambda e, c: ("made", 201, None),
    "/tuple-named": lambda e, c: Point(3, 200),
    "/moved": moved,
    "/text-pieces": lambda e, c: (piece for piece in ["a", "", "ü"]),
    "/text-set": lambda e, c: {"only"},
    "/byte-list": lambda e, c: [b"a", b"b"],
    "/byte-pieces": lambda e, c: iter([b"a", b"b"]),
    "/opened": lambda e, c: io.BytesIO(b"opened"),
    "/numbers": lambda e, c: iter([1, 2]),
    "/response": lambda e, c: bottle.Response("body", 207),
    "/response-set": lambda e, c: bottle.HTTPResponse({"piece"}, 400),
    "/fails-midway": fails_midway,
    "/large-stream": large_stream,
    "/failing-stream": failing_stream,
    "/async-pieces": async_pieces,
    "/connects-once": connects_once,
    "/old-cloud-events": old_cloud_events,
    "/new-cloud-events": new_cloud_events,
    "/proxied": proxied,
    "/ce-headers": lambda e, c: {"keys": sorted(e.ceHeaders), "same": e.req is e["extensions"]["request"]},
    "/raised-error": raised_error,
    "/returned-error": lambda e, c: bottle.HTTPError(500, "secret-in-the-error"),
    "/unavailable": lambda e, c: bottle.abort(503, "not now"),
    "/byte-tuple": lambda e, c: (b"a", b"b"),
    "/ü a%2Fb": lambda e, c: e.req.url.partition("/ ")[2] or e.req.path,
    "/ce-time": lambda e, c: isinstance(e["ce-time"], str),
    "/ce-text": lambda e, c: e["data"].decode(),
    "/copied-request": copied_request,
    "/setuptools": lambda e, c: __import__("distutils.version").__name__,
    "/text": lambda e, c: "text",
    "/attributes": lambda e, c: {name: value for name, value in e.items() if name.startswith("ce-")},
    "/nothing": lambda e, c: None,
    "/empty": lambda e, c: "",
    "/object": lambda e, c: {"a": [1, None]},
    "/list": lambda e, c: [1, "two"],
    "/number": lambda e, c: 42,
    "/zero": lambda e, c: 0,
    "/true": lambda e, c: True,
    "/false": lambda e, c: False,
    "/bytes": lambda e, c: b"\x00\x01",
    "/teapot": lambda e, c: bottle.HTTPResponse("short and stout", 418, {"X-Pot": "yes"}),
    "/tuple": lambda e, c: ({"made": True}, 201, {"X-Made": "yes"}),
    "/context": lambda e, c: c,
    "/stuck": lambda e, c: {"alive": stuck.is_alive()},
    "/echo": echo,
    "/request": request,
    "/fails": fails,
    "/rejects": rejects,
    "/later": later,
    "/unanswerable": unanswerable,
    "/forever": forever,
    "/slow": slow,
    "/pauses": pauses,
    "/waits": waits,
    "/locked": locked,
    "/cloud-event": cloud_event,
    "/emits": emits,
    "/traced": traced,
}


def main(event: Any, context: Any) -> Any:
    return PATHS[event["extensions"]["request"].path](event, context)


if os.environ.get("BREAK") == "main":
    del main
if os.environ.get("BREAK") == "signals":
    signal.signal(signal.SIGTERM, lambda *_: print("the handler's own", flush=True))
    atexit.register(print, "at exit", flush=True)

print("loaded", sys.version.split()[0])
