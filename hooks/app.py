"""
The HTTP layer: JSON, status codes, the clock and the log.

After a 200, Metacontroller deletes every observed child that the response omits. After any other code it changes
neither children nor status and retries. The body of that response becomes an event on the Function, so it is one line
without values from the request.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import orjson
from flask import Flask, Response, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from hooks.config import Config, load, revision
from hooks.conversion_review import NotAReview, review
from hooks.function import Function
from hooks.manifest import Manifest
from hooks.plain_requests import Answer, PlainRequests
from hooks.protocol import HookRequest, SyncResponse, Unreadable
from hooks.sync import customize, finalize, sync
from hooks.trace import traceback

MAX_BODY_BYTES = 32 * 1024 * 1024
"""Maximum size of a request body. A Function and its children take less than 3 MiB; the rest is for failed pods."""
LINE_CHARACTERS = 1024
"""Maximum length of an error message in a response and in the log."""
JSON = "application/json"
CONVERT = "/v1/convert"
"""Path of the conversion webhook."""
RETRY_SECONDS = 1
"""Retry-After of a 429; Metacontroller accepts whole seconds only."""

log = logging.getLogger("hooks")


def create_app(config: Config | None = None) -> Flask:
    """
    Return the hook service as a WSGI application.

    Without `config`, config.load() reads the file that BUILDLESS_CONFIG names; its errors pass through.
    """
    settings = load() if config is None else config
    app = Flask("hooks", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.register_error_handler(Exception, _error_response)
    if own := revision():
        app.before_request(_reject_other_revisions(own))

    answers = _answers(settings)
    for path, answer in answers.items():
        app.add_url_rule(path, path, partial(_post, answer), methods=["POST"])
    for path in ("/healthz", "/readyz"):
        app.add_url_rule(path, path, _get_health)
    queries = [_query(own)] if own else []
    app.wsgi_app = PlainRequests(app.wsgi_app, answers, max_bytes=MAX_BODY_BYTES, queries=queries)  # type: ignore[method-assign]
    return app


def _answers(config: Config) -> dict[str, Answer]:
    """Return the answer of each route to decoded JSON."""

    def post_sync(raw: Any) -> Any:
        """Return the children and status of one Function."""
        hook_request = HookRequest.parse(raw)
        return _logged("sync", hook_request, sync(hook_request, config, now=datetime.now(UTC)))

    def post_finalize(raw: Any) -> Any:
        """Return the children to keep at this step of a deletion."""
        hook_request = HookRequest.parse(raw)
        return _logged("finalize", hook_request, finalize(hook_request, config, now=datetime.now(UTC)))

    def post_customize(raw: Any) -> Any:
        """Return the rules that select the related objects of a sync."""
        return {"relatedResources": _related_resources(raw, config)}

    return {
        "/v1/sync": post_sync,
        "/v1/finalize": post_finalize,
        "/v1/customize": post_customize,
        CONVERT: review,
    }


def _post(answer: Answer) -> Response:
    return _json(200, answer(_body()))


def _get_health() -> Response:
    """Return 200: a process serves only after it has read a valid config."""
    return Response("ok\n", 200, content_type="text/plain")


def _related_resources(raw: Any, config: Config) -> list[Manifest]:
    """Return the rules for a Function, none for an invalid one: the next sync reports its errors."""
    if not isinstance(raw, dict) or not isinstance(raw.get("parent"), dict):
        raise Unreadable("parent: expected an object")
    try:
        return customize(Function.model_validate(raw["parent"]), config)
    except ValidationError:
        return []


def _reject_other_revisions(own: str) -> Callable[[], None]:
    """
    Return a check that rejects requests for another revision, so that old and new pods do not alternate.

    Every revision converts alike, and the query of a conversion is the API server's own: it adds a timeout.
    """
    query = _query(own).encode()

    def check() -> None:
        if request.query_string not in (b"", query) and request.path != CONVERT:
            request.get_data(cache=False)  # closing a connection with unread data resets it
            raise _RequestError(429, f"this pod has revision {own}; the request is for another one")

    return check


def _query(own: str) -> str:
    return f"revision={own}"


def _logged(hook: str, hook_request: HookRequest, response: SyncResponse) -> dict[str, Any]:
    metadata = hook_request.metadata
    if response.dropped:
        _log_dropped(response.dropped)
    log.debug("%s %s/%s: %d children", hook, metadata.namespace, metadata.name, len(response.children))
    return response.to_json()


@cache
def _log_dropped(place: str) -> None:
    """Log where an explanation failed, once for each place in the code: thousands of pods may cause the same error."""
    log.error("explanation dropped: %s", place)


def _body() -> Any:
    """Return the decoded JSON body; raises _RequestError if there is none."""
    if request.content_length is None:
        raise _RequestError(411, "a Content-Length is required")
    if request.mimetype != JSON:
        raise _RequestError(415, f"expected Content-Type {JSON}")
    data = request.get_data(cache=False)
    if len(data) != request.content_length:
        raise _RequestError(400, f"expected {request.content_length} bytes, received {len(data)}")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _RequestError(400, f"not JSON: {error.msg} at byte {error.pos}") from None


class _RequestError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def _error_response(error: Exception) -> Response:
    """Return an error as one line of JSON; an internal error has its details in the log only, without values."""
    match error:
        case _RequestError():
            code, message = error.code, _line(str(error))
        case HTTPException():
            code, message = error.code or 500, error.name
        case Unreadable() | NotAReview():
            code, message = 422, _line(str(error))
        case _:
            log.error("internal error: %s", traceback(error))
            return _json(500, {"error": "internal error"})
    response = _json(code, {"error": message})
    if code == 429:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    level = logging.DEBUG if code == 429 else logging.WARNING
    log.log(level, "%s %s: %d %s", request.method, _line(request.path), code, message)
    return response


def _line(text: str) -> str:
    """Return a text as one printable line of bounded length: URLs and map keys may contain any character."""
    return "".join(each if each.isprintable() else "?" for each in text[:LINE_CHARACTERS])


def _json(code: int, value: Any) -> Response:
    return Response(orjson.dumps(value), code, content_type=JSON)
