"""Responses of Bottle: returned, raised, and the global one."""

import gzip
import io
import json
import tempfile
from pathlib import Path

import bottle
from bottle import HTTPError, HTTPResponse


def raised(response):
    raise response


def with_cookies(event, context):
    response = HTTPResponse("made")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2", path="/b", httponly=True, max_age=60)
    return response


def with_signed_cookie(event, context):
    response = HTTPResponse("made")
    response.set_cookie("a", "1", secret="secret")
    return response


def with_deleted_cookie(event, context):
    response = HTTPResponse("made")
    response.delete_cookie("a")
    return response


def with_added_headers(event, context):
    response = HTTPResponse("made")
    response.add_header("X-Made", "1")
    response.add_header("X-Made", "2")
    return response


def with_status_set_later(event, context):
    response = HTTPResponse("made")
    response.status = 202
    response.content_type = "text/plain"
    response.body = "later"
    return response


def with_type_set(event, context):
    response = HTTPResponse("<a/>")
    response.content_type = "application/xml"
    return response


def with_latin_charset(event, context):
    response = HTTPResponse("ü")
    response.content_type = "text/plain; charset=latin-1"
    return response


def static_file(event, context):
    folder = tempfile.mkdtemp()
    Path(folder, "page.txt").write_text("a page")
    response = bottle.static_file("page.txt", root=folder)
    del response.headers["Last-Modified"], response.headers["ETag"]
    return response


def global_response(event, context):
    bottle.response.status = 202
    bottle.response.content_type = "application/xml"
    bottle.response.set_header("X-Made", "yes")
    bottle.response.set_cookie("a", "1")
    return "<a/>"


def global_request(event, context):
    return {"method": bottle.request.method, "path": bottle.request.path}


def accepts_json_only(event, context):
    """Kyma's specification has an example like this."""
    headers = {"Content-Type": "application/json"}
    if event["extensions"]["request"].headers.get("Content-Type") != "application/json":
        return HTTPResponse(json.dumps({"error": "not JSON"}), 400, headers)
    return HTTPResponse({"success": "taken"}, 202, headers)


http_text = lambda e, c: HTTPResponse("made")
http_text_not_ascii = lambda e, c: HTTPResponse("größer")
http_status = lambda e, c: HTTPResponse("made", 201)
http_status_named = lambda e, c: HTTPResponse(body="made", status=201, headers={"X-Made": "yes"})
http_status_line = lambda e, c: HTTPResponse("made", "299 Made Up")
http_status_unknown = lambda e, c: HTTPResponse("made", 299)
http_status_only = lambda e, c: HTTPResponse(status=201)
http_status_out_of_range = lambda e, c: HTTPResponse("made", 1000)
http_no_content = lambda e, c: HTTPResponse(status=204)
http_no_content_with_body = lambda e, c: HTTPResponse("made", 204)
http_not_modified = lambda e, c: HTTPResponse("made", 304, {"Content-Type": "text/plain"})
http_not_found = lambda e, c: HTTPResponse("nowhere", 404)
http_unauthorized = lambda e, c: HTTPResponse("who", 401, {"WWW-Authenticate": "Basic realm=a"})
http_server_error = lambda e, c: HTTPResponse("my own words", 500)
http_unavailable = lambda e, c: HTTPResponse({"error": "busy"}, 503, {"Retry-After": "5"})
http_dict = lambda e, c: HTTPResponse({"a": 1}, 201)
http_dict_and_type = lambda e, c: HTTPResponse({"a": 1}, 200, {"Content-Type": "application/hal+json"})
http_dict_empty = lambda e, c: HTTPResponse({})
http_dict_of_set = lambda e, c: HTTPResponse({"a": {1}})
http_json_text = lambda e, c: HTTPResponse('{"a": 1}', 200, {"Content-Type": "application/json"})
http_list_of_text = lambda e, c: HTTPResponse(["a", "b"], 201)
http_list_of_bytes = lambda e, c: HTTPResponse([b"a", b"b"], 201)
http_list_of_dicts = lambda e, c: HTTPResponse([{"a": 1}], 201)
http_list_of_numbers = lambda e, c: HTTPResponse([1], 201)
http_list_empty = lambda e, c: HTTPResponse([], 201)
http_tuple_of_text = lambda e, c: HTTPResponse(("a", "b"))
http_set_of_text = lambda e, c: HTTPResponse({"only"}, 400)
http_bytes = lambda e, c: HTTPResponse(b"\x00\x01")
http_bytes_and_type = lambda e, c: HTTPResponse(b"png", 200, {"Content-Type": "image/png"})
http_bytes_gzip = lambda e, c: HTTPResponse(gzip.compress(b"made", mtime=0), 200, {"Content-Encoding": "gzip"})
http_generator = lambda e, c: HTTPResponse((piece for piece in "ab"), 201)
http_generator_of_bytes = lambda e, c: HTTPResponse((piece for piece in [b"a", b"b"]), 201)
http_map = lambda e, c: HTTPResponse(map(str, [1, 2]))
http_file = lambda e, c: HTTPResponse(io.BytesIO(b"in memory"), 200, {"Content-Type": "application/pdf"})
http_number = lambda e, c: HTTPResponse(7)
http_true = lambda e, c: HTTPResponse(True)
http_none = lambda e, c: HTTPResponse(None, 202)
http_length_given = lambda e, c: HTTPResponse("made", 200, {"Content-Length": "4"})
http_length_wrong = lambda e, c: HTTPResponse("made", 200, {"Content-Length": "2"})
http_header_of_number = lambda e, c: HTTPResponse("made", 200, {"X-Made": 7})
http_header_not_ascii = lambda e, c: HTTPResponse("made", 200, {"X-Made": "ü"})
http_header_with_newline = lambda e, c: HTTPResponse("made", 200, {"X-Made": "a\r\nX-Other: b"})
http_headers_as_pairs = lambda e, c: HTTPResponse("made", 200, [("X-Made", "1"), ("X-Made", "2")])
http_headers_by_keyword = lambda e, c: HTTPResponse("made", X_Made="yes")
http_type_with_charset = lambda e, c: HTTPResponse("ü", 200, {"Content-Type": "text/plain; charset=UTF-8"})
http_type_without_charset = lambda e, c: HTTPResponse("made", 200, {"content-type": "text/plain"})
http_redirect = lambda e, c: HTTPResponse("", 302, {"Location": "https://example.com/"})
http_event_stream = lambda e, c: HTTPResponse(
    (f"data: {n}\n\n" for n in range(3)), 200, {"Content-Type": "text/event-stream"}
)
http_within_http = lambda e, c: HTTPResponse(HTTPResponse("inner", 202), 201)
http_copied = lambda e, c: HTTPResponse("made", 202, {"X-Made": "yes"}).copy(HTTPResponse)
raised_text = lambda e, c: raised(HTTPResponse("made", 201, {"X-Made": "yes"}))
raised_dict = lambda e, c: raised(HTTPResponse({"a": 1}, 409))
raised_no_content = lambda e, c: raised(HTTPResponse(status=204))
raised_server_error = lambda e, c: raised(HTTPResponse("my own words", 500))
error_returned = lambda e, c: HTTPError(404, "not here")
error_returned_500 = lambda e, c: HTTPError(500, "not well")
error_returned_503 = lambda e, c: HTTPError(503, "not now")
error_raised = lambda e, c: raised(HTTPError(404, "not here"))
error_raised_500 = lambda e, c: raised(HTTPError(500, "not well"))
error_raised_503 = lambda e, c: raised(HTTPError(503, "not now"))
error_of_exception = lambda e, c: HTTPError(500, "not well", ValueError("secret-in-the-error"), "secret-traceback")
error_with_header = lambda e, c: raised(HTTPError(401, "who", WWW_Authenticate="Basic"))
abort = lambda e, c: bottle.abort(403, "not you")
redirect = lambda e, c: bottle.redirect("/there")
redirect_with_status = lambda e, c: bottle.redirect("https://example.com/", 307)
template = lambda e, c: bottle.template("<b>{{name}}</b>", name="<&>")
response_class = lambda e, c: bottle.Response("body", 207)
response_class_and_headers = lambda e, c: bottle.Response("body", 207, {"X-Made": "yes", "Content-Type": "text/plain"})
