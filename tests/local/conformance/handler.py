"""The Python twin of handler.js: each path does one thing."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
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


def cloud_event(event: Any, context: Any) -> Any:
    return {"type": event["ce-type"], "source": event["ce-source"], "id": event["ce-id"], "data": event["data"]}


def emits(event: Any, context: Any) -> Any:
    event.emitCloudEvent("order.created", "shop", {"number": 7}, {"id": "fixed"})
    return "sent"


def traced(event: Any, context: Any) -> Any:
    with event.tracer.start_as_current_span("inner") as span:
        return {"sampled": span.get_span_context().is_valid}


PATHS: dict[str, Callable[[Any, Any], Any]] = {
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
    "/cloud-event": cloud_event,
    "/emits": emits,
    "/traced": traced,
}


def main(event: Any, context: Any) -> Any:
    return PATHS[event["extensions"]["request"].path](event, context)


if os.environ.get("BREAK") == "main":
    del main

print("loaded", sys.version.split()[0])
