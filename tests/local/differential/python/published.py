"""Handlers that do what Kyma's end-to-end Functions and its published examples do."""

import json
import os

import bottle
import requests
from opentelemetry.instrumentation.requests import RequestsInstrumentor

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
