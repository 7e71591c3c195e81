"""Handlers that do what Kyma's end-to-end Functions and its published examples do."""

import json
import os

import bottle
import requests
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.trace import get_tracer

_received = {}
_saved = {}


def basic(event, context):
    return "hello from a function"


def with_environment(event, context):
    return f"{os.environ['GREETING']}-{os.environ['FUNC_NAME']}"


def proxy_mock(event, context):
    """Keep events by source and type, and give them back."""
    seen = event.ceHeaders["extensions"]["request"]
    if seen.method == "GET":
        kind = seen.query.get(key="type")
        if kind is None:
            return json.dumps(_received)
        return json.dumps(_received.get(seen.query.get(key="source"), {}).get(kind, ""))
    if seen.method == "POST":
        kept = event.ceHeaders
        kept.pop("extensions")
        _received[str(kept["ce-source"])] = {kept["ce-type"]: kept}
        return bottle.HTTPResponse(status=201)
    return bottle.HTTPResponse(status=405)


def cloud_event_check(event, context):
    """Keep an event, or send one for what is no event."""
    seen = event.ceHeaders["extensions"]["request"]
    if seen.method == "GET":
        if seen.query.get(key="type") == "send-check":
            found = requests.get(os.environ["BACKEND"] + "/json", params={"type": "send-check"}, timeout=5)
            return found.json()
        return json.dumps(_saved.get(seen.query.get(key="type"), {}))
    if "ce-type" not in event.ceHeaders:
        event.emitCloudEvent("send-check", "python312", seen.json, {"eventtypeversion": "v1alpha2"})
        return ""
    kept = event.ceHeaders
    kept.pop("extensions")
    _saved[kept["ce-type"]] = kept
    return ""


def tracing(event, context):
    """Answer the trace headers of its own request."""
    seen = event["extensions"]["request"]
    print(vars(seen.headers), vars(seen.body), seen.method)
    RequestsInstrumentor().instrument()
    sent = requests.get(os.environ["BACKEND"] + "/json", timeout=1).request.headers
    return json.dumps({name: value for name, value in sent.items() if name.startswith(("x-b3", "traceparent"))})


def text_to_image(event, context):
    """The parameter is sent on as a file, or is demanded with a set as the body."""
    text = event["extensions"]["request"].params.get("text")
    if not text:
        return bottle.HTTPResponse(body={"the text is mandatory"}, status=400)
    reply = requests.post(os.environ["BACKEND"] + "/json", files={"text": text}, timeout=5)
    return reply.json()


def people(event, context):
    return requests.get(os.environ["BACKEND"] + "/json", timeout=5).json()


def hello_by_name(event, context):
    return "Hello, " + event["data"]["name"]


def prints_context(event, context):
    for name in ("function-name", "namespace", "runtime", "timeout", "body-size-limit"):
        print(context[name])
    return "ok"


def mounted_secret(event, context):
    with open(os.environ["MOUNTED"], encoding="utf-8") as file:
        return file.read()


def greeting(event, context):
    word = event["extensions"]["request"].query.get("greeting") or "Hello"
    return f"{word} from {context['function-name']} on {context['runtime']}"


def _json_within(tracer):
    with tracer.start_as_current_span("parent"), tracer.start_as_current_span("child"):
        pass
    return requests.get(os.environ["BACKEND"] + "/json", timeout=5).json()


def people_in_spans(event, context):
    return _json_within(event.tracer)


def custom_tracer(event, context):
    return _json_within(get_tracer("custom.tracer"))


def checks_content_type(event, context):
    """The content type of the request decides status and body."""
    headers = {"Content-Type": "application/json"}
    if event["extensions"]["request"].headers.get("Content-Type") != "application/json":
        return bottle.HTTPResponse(body=json.dumps({"error": "content type"}), status=400, headers=headers)
    return bottle.HTTPResponse(body={"success": "accepted"}, status=202, headers=headers)


def type_of_event(event, context):
    return event["ce-type"] or "not a cloud event"


def emits_order(event, context):
    event.emitCloudEvent("com.example.order.created", "/orders", {"orderId": "123"})
    return "event emitted"


def bad_request(event, context):
    return "Bad request", 400


def mandelbrot(event, context):
    """After how many steps each point of a plane leaves it."""
    given = event["extensions"]["request"].headers
    width, height, iterations = (int(given.get(name).strip()) for name in ("width", "height", "iterations"))
    zoom = float(given.get("zoom"))

    def steps(point):
        value = 0
        for step in range(iterations):
            if abs(value) >= 2:
                return step
            value = value * value + point
        return iterations

    values = [[steps(complex((x / width - 0.5) / zoom, y / height - 0.5)) for x in range(width)] for y in range(height)]
    return {"type": "mandelbrot", "width": width, "height": height, "zoom": zoom, "values": values}
