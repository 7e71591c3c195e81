"""What a handler sees of a request, and of its Function."""

import copy
import importlib
import os


def request(event):
    return event["extensions"]["request"]


def kind(value):
    return type(value).__name__


def shown(value):
    return value.decode("latin-1") if isinstance(value, bytes) else value


def data(event, context):
    """The decoded body; "absent" where the event has none."""
    try:
        value = event["data"]
    except KeyError:
        return {"absent": True}
    return {"kind": kind(value), "value": shown(value)}


def keys(event, context):
    return {"keys": sorted(event.ceHeaders)}


def request_line(event, context):
    seen = request(event)
    return {"method": seen.method, "path": seen.path, "query": seen.query_string, "url": seen.url}


def request_parts(event, context):
    seen = request(event)
    return {
        "fullpath": seen.fullpath,
        "script": seen.script_name,
        "host": seen.urlparts.netloc,
        "scheme": seen.urlparts.scheme,
        "length": seen.content_length,
        "type": seen.content_type,
        "chunked": seen.chunked,
        "xhr": seen.is_xhr,
    }


def query(event, context):
    seen = request(event).query
    return {
        "attribute": seen.q,
        "get": seen.get("q"),
        "all": seen.getall("q"),
        "keys": sorted(seen.keys()),
        "missing": seen.get("missing"),
    }


def headers(event, context):
    seen = request(event)
    return {
        "item": seen.headers.get("X-Test"),
        "any case": seen.headers.get("x-TEST"),
        "method": seen.get_header("X-Test"),
        "missing": seen.headers.get("X-Missing"),
        "in": "X-Test" in seen.headers,
    }


def header_names(event, context):
    return {"names": sorted(request(event).headers.keys())}


def cookies(event, context):
    seen = request(event)
    return {"cookies": dict(seen.cookies), "a": seen.get_cookie("a"), "missing": seen.get_cookie("missing")}


def signed_cookie(event, context):
    return {"a": request(event).get_cookie("a", secret="secret")}


def auth(event, context):
    return {"auth": request(event).auth}


def addresses(event, context):
    seen = request(event)
    return {"route": seen.remote_route, "address": seen.remote_addr}


def body(event, context):
    return {"body": shown(request(event).body.read())}


def body_twice(event, context):
    return {"first": shown(request(event).body.read()), "again": shown(request(event).body.read())}


def body_in_memory(event, context):
    return {"kind": kind(request(event).body), "value": shown(request(event).body.getvalue())}


def body_json(event, context):
    return {"json": request(event).json}


def forms(event, context):
    seen = request(event)
    return {
        "forms": dict(seen.forms.allitems()),
        "a": seen.forms.get("a"),
        "all": seen.forms.getall("a"),
        "text": seen.forms.a,
        "params": sorted(seen.params.keys()),
        "POST": sorted(seen.POST.keys()),
    }


def files(event, context):
    seen = request(event)
    found = seen.files.get("file")
    if found is None:
        return {"file": None, "forms": dict(seen.forms.allitems())}
    return {
        "name": found.name,
        "filename": found.filename,
        "raw": found.raw_filename,
        "type": found.content_type,
        "content": shown(found.file.read()),
        "forms": dict(seen.forms.allitems()),
    }


def kept_on_request(event, context):
    request(event).user = "a"
    return {
        "user": request(event).user,
        "same": event["extensions"]["request"] is event.ceHeaders["extensions"]["request"],
    }


def environ(event, context):
    known = (
        "REQUEST_METHOD",
        "PATH_INFO",
        "QUERY_STRING",
        "CONTENT_TYPE",
        "CONTENT_LENGTH",
        "SERVER_PROTOCOL",
        "HTTP_HOST",
    )
    return {name: request(event).environ.get(name) for name in known}


def copied(event, context):
    return {"path": copy.copy(request(event)).path}


def print_headers(event, context):
    """Kyma's end-to-end Functions look at the request in this way."""
    return {"has": sorted(vars(request(event).headers)), "type": kind(request(event).body)}


def context_fields(event, context):
    return context


def context_kinds(event, context):
    return {name: kind(value) for name, value in context.items()}


def context_changed(event, context):
    seen = "mark" in context
    context["mark"] = True
    return {"seen": seen}


def imports(event, context):
    """Which modules can be imported: those that Kyma's image brings are used without being listed."""
    found = {}
    for name in request(event).query.names.split(","):
        try:
            found[name] = bool(importlib.import_module(name))
        except ImportError:
            found[name] = False
    return found


def environment(event, context):
    return {name: os.environ.get(name) for name in ("FUNC_NAME", "FUNC_RUNTIME", "SERVICE_NAMESPACE", "GREETING")}
