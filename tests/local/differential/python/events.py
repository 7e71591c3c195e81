"""CloudEvents in and out, and the tracer."""

import datetime as dt
import decimal
import json
import os

import requests
from cloudevents.conversion import to_structured
from cloudevents.http import CloudEvent, from_http
from opentelemetry import trace

TYPE, SOURCE = "order.created", "shop"
NAMES = (
    "ce-type",
    "ce-source",
    "ce-id",
    "ce-specversion",
    "ce-time",
    "ce-eventtypeversion",
    "ce-subject",
    "ce-dataschema",
)


def shown(value):
    return value.decode("latin-1") if isinstance(value, bytes) else value


def cloud_event(event, context):
    kept = event.ceHeaders
    seen = {name: str(kept[name]) for name in NAMES if kept.get(name) is not None}
    value = kept.get("data", "absent")
    return seen | {"data": shown(value), "kind": type(value).__name__}


def cloud_event_keys(event, context):
    return {"keys": sorted(event.ceHeaders)}


def cloud_event_by_item(event, context):
    """An end-to-end Function of Kyma reads each attribute so."""
    if not event["ce-type"]:
        return "no event"
    return f"{event['ce-type']} {event['ce-source']} {event['ce-id']} {event['ce-specversion']}"


def cloud_event_time(event, context):
    return {"kind": type(event["ce-time"]).__name__}


def event_item_set(event, context):
    event["mark"] = "set"
    return {"mark": event["mark"], "kept": event.ceHeaders["mark"]}


def event_item_missing(event, context):
    return event["missing"]


def event_contains(event, context):
    return {"in": "ce-type" in event}


def event_attributes(event, context):
    return {name: hasattr(event, name) for name in ("ceHeaders", "req", "tracer", "data", "get", "emitCloudEvent")}


def event_req(event, context):
    return {"method": event.req.method, "path": event.req.path}


def event_headers_popped(event, context):
    event.ceHeaders.pop("extensions")
    return json.dumps(event.ceHeaders, default=str)


def emitted(event, *arguments):
    return {"returned": event.emitCloudEvent(*arguments)}


emit_dict = lambda e, c: emitted(e, TYPE, SOURCE, {"number": 7})
emit_text = lambda e, c: emitted(e, TYPE, SOURCE, "text")
emit_text_not_ascii = lambda e, c: emitted(e, TYPE, SOURCE, "größer")
emit_bytes = lambda e, c: emitted(e, TYPE, SOURCE, b"\x00\x01")
emit_list = lambda e, c: emitted(e, TYPE, SOURCE, [1, "two"])
emit_number = lambda e, c: emitted(e, TYPE, SOURCE, 7)
emit_true = lambda e, c: emitted(e, TYPE, SOURCE, True)
emit_none = lambda e, c: emitted(e, TYPE, SOURCE, None)
emit_date = lambda e, c: emitted(e, TYPE, SOURCE, {"at": dt.date(2026, 1, 2)})
emit_decimal = lambda e, c: emitted(e, TYPE, SOURCE, decimal.Decimal(1))
emit_attributes = lambda e, c: emitted(e, TYPE, SOURCE, {"a": 1}, {"eventtypeversion": "v1", "subject": "s"})
emit_content_type = lambda e, c: emitted(e, TYPE, SOURCE, {"a": 1}, {"datacontenttype": "application/json"})
emit_xml = lambda e, c: emitted(e, TYPE, SOURCE, "<a/>", {"datacontenttype": "application/xml"})
emit_id_and_time = lambda e, c: emitted(e, TYPE, SOURCE, {}, {"id": "fixed", "time": "2020-12-20T13:37:33Z"})
emit_other_type = lambda e, c: emitted(e, TYPE, SOURCE, {}, {"type": "other", "source": "elsewhere"})
emit_old_version = lambda e, c: emitted(e, TYPE, SOURCE, {}, {"specversion": "0.3"})
emit_unknown_version = lambda e, c: emitted(e, TYPE, SOURCE, {}, {"specversion": "9"})
emit_number_as_attribute = lambda e, c: emitted(e, TYPE, SOURCE, {}, {"count": 7})
emit_no_type = lambda e, c: emitted(e, None, SOURCE, {})
emit_empty_type = lambda e, c: emitted(e, "", SOURCE, {})
emit_keywords = lambda e, c: e.emitCloudEvent(
    type=TYPE, source=SOURCE, data={"a": 1}, optionalCloudEventAttributes={"subject": "s"}
)
emit_refused = lambda e, c: emitted(e, "status.503", SOURCE, {})
emit_not_found = lambda e, c: emitted(e, "status.404", SOURCE, {})


def emit_received_data(event, context):
    """The data of the request goes on as an event."""
    event.emitCloudEvent(TYPE, SOURCE, event["data"], {"eventtypeversion": "v1"})
    return "sent"


def publish(event, context):
    reply = event.publishCloudEvent({"specversion": "1.0", "type": TYPE, "source": SOURCE, "id": "i", "data": {"a": 1}})
    return {"status": reply.status_code, "type": reply.request.headers["Content-Type"]}


def publish_date(event, context):
    reply = event.publishCloudEvent({"type": TYPE, "at": dt.date(2026, 1, 2)})
    return {"status": reply.status_code}


def publish_refused(event, context):
    return {"status": event.publishCloudEvent({"type": "status.503"}).status_code}


build = lambda e, c: e.buildResponseCloudEvent("new", TYPE, {"a": 1})
build_text = lambda e, c: e.buildResponseCloudEvent("new", TYPE, "text")
build_number = lambda e, c: e.buildResponseCloudEvent("new", TYPE, 7)


def library_event_made(event, context):
    """The interface of cloudevents 1, which Kyma's image brings."""
    headers, body = to_structured(
        CloudEvent({"type": TYPE, "source": SOURCE, "id": "i", "time": "2020-12-20"}, {"a": 1})
    )
    return {"headers": headers, "body": json.loads(body)}


def library_event_read(event, context):
    found = from_http(event["extensions"]["request"].headers, event["extensions"]["request"].body.read())
    return {"type": found["type"], "data": found.data}


def tracer(event, context):
    with event.tracer.start_as_current_span("inner") as span:
        found = span.get_span_context()
    return {"valid": found.is_valid, "trace": f"{found.trace_id:032x}"}


def tracer_of_library(event, context):
    with trace.get_tracer("custom").start_as_current_span("parent") as span:
        return {"trace": f"{span.get_span_context().trace_id:032x}"}


def trace_passed_on(event, context):
    """Kyma's end-to-end Function for tracing answers the trace headers of its own request."""
    sent = requests.get(f"{os.environ['BACKEND']}/json", timeout=5).request.headers
    names = ("traceparent", "tracestate", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "baggage")
    return {name: sent[name] for name in names if name in sent}


def trace_of_two_calls(event, context):
    """Calls that a handler makes for one request belong to one trace."""
    sent = [requests.get(f"{os.environ['BACKEND']}/json", timeout=5).request.headers for _ in range(2)]
    return {"same": len({each["x-b3-traceid"] for each in sent}) == 1}


def current_span(event, context):
    return {"trace": f"{trace.get_current_span().get_span_context().trace_id:032x}"}
