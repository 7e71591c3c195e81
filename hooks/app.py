"""
The door: JSON, HTTP codes, the clock, the log.

A 200 is a promise: observed children that it leaves out are deleted. Any other code leaves children and status
alone and is retried; its body then stands in an event on the Function, so it holds one line and nothing secret.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from flask import Flask, Response, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from hooks.config import Config, load, revision
from hooks.function import Function
from hooks.protocol import HookRequest, SyncResponse, Unreadable
from hooks.sync import customize, finalize, sync
from hooks.trace import traceback

MAX_BODY_BYTES = 32 * 1024 * 1024
"""A Function's own objects take less than 3 MiB; the rest is for pods that nobody has cleaned away."""
LINE_CHARACTERS = 1024
"""How long an error is, in an answer and in the log."""
JSON = "application/json"
RETRY_SECONDS = 1
"""When to ask again while the hook is being replaced: Metacontroller takes no 429 without a whole number of seconds."""

log = logging.getLogger("hooks")


def create_app(config: Config | None = None) -> Flask:
    """
    Return the hook service as a WSGI application.

    Without `config` the one named by the environment is read, once. Raises what config.load() raises.
    """
    settings = load() if config is None else config
    app = Flask("hooks", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.register_error_handler(Exception, _refused)
    if ours := revision():
        app.before_request(_only(ours))

    @app.post("/v1/sync")
    def post_sync() -> Response:
        """Answer one sync."""
        asked = HookRequest.parse(_body())
        return _answered(asked, sync(asked, settings, now=datetime.now(UTC)))

    @app.post("/v1/finalize")
    def post_finalize() -> Response:
        """Answer one step of a deletion."""
        asked = HookRequest.parse(_body())
        return _answered(asked, finalize(asked, settings, now=datetime.now(UTC)))

    @app.post("/v1/customize")
    def post_customize() -> Response:
        """Answer which other objects a sync needs; what cannot be read is told by the sync that follows."""
        raw = _body()
        if not isinstance(raw, dict) or not isinstance(raw.get("parent"), dict):
            raise Unreadable("parent: expected an object")
        try:
            function = Function.model_validate(raw["parent"])
        except ValidationError:
            return _json(200, {"relatedResources": []})
        return _json(200, {"relatedResources": customize(function, settings)})

    @app.get("/healthz")
    @app.get("/readyz")
    def get_health() -> Response:
        """Say that this process answers; its configuration was read before it could."""
        return Response("ok\n", 200, content_type="text/plain")

    return app


def _only(revision: str) -> Callable[[], None]:
    """Return what leaves a question to the pods that it is for: old and new ones would answer back and forth."""
    ours = f"revision={revision}".encode()

    def refuse_another_revision() -> None:
        if request.query_string not in (b"", ours):
            request.get_data(cache=False)  # closed with a body unread, the connection would be reset
            raise _Refusal(429, f"this is revision {revision}, and another one is being put in its place")

    return refuse_another_revision


def _answered(asked: HookRequest, answer: SyncResponse) -> Response:
    metadata = asked.metadata
    if answer.dropped:
        _log_dropped(answer.dropped)
    log.debug("%s %s/%s: %d children", request.path, metadata.namespace, metadata.name, len(answer.children))
    return _json(200, answer.to_json())


@cache
def _log_dropped(what: str) -> None:
    """Log what an explanation failed with, once for each place in the code: pods that cause it come by the thousand."""
    log.error("explanation dropped: %s", what)


def _body() -> Any:
    """Return the decoded body, or raise what the caller is to be told."""
    if request.content_length is None:
        raise _Refusal(411, "a Content-Length is required")
    if request.mimetype != JSON:
        raise _Refusal(415, f"expected Content-Type {JSON}")
    data = request.get_data(cache=False)
    if len(data) != request.content_length:
        raise _Refusal(400, f"expected {request.content_length} bytes, received {len(data)}")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _Refusal(400, f"not JSON: {error.msg} at byte {error.pos}") from None


class _Refusal(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def _refused(error: Exception) -> Response:
    """Answer an error with one line of JSON; what was not foreseen reaches the log only, and no value with it."""
    match error:
        case _Refusal():
            code, message = error.code, _line(str(error))
        case HTTPException():
            code, message = error.code or 500, error.name
        case Unreadable():
            code, message = 422, _line(str(error))
        case _:
            log.error("internal error: %s", traceback(error))
            return _json(500, {"error": "internal error"})
    is_busy = code == 429
    level = logging.DEBUG if is_busy else logging.WARNING
    log.log(level, "%s %s: %d %s", request.method, _line(request.path), code, message)
    answer = _json(code, {"error": message})
    if is_busy:
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _line(text: str) -> str:
    """Return a text as one line of bounded length: keys of a map and paths of a URL may hold anything."""
    return "".join(each if each.isprintable() else "?" for each in text[:LINE_CHARACTERS])


def _json(code: int, value: Any) -> Response:
    return Response(orjson.dumps(value), code, content_type=JSON)
