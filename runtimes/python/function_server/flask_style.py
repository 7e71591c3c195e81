"""
Handlers without parameters, as of Kyma's python314: they use flask.request, and return what a Flask view may return.
"""

from collections.abc import Callable, Iterable
from typing import Any

import flask

from function_server import async_calls
from function_server.answer import Answer, Stream, framed

METHODS = ("GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH")


class View:
    """Returns the Answer of Flask for a WSGI environ; raises what the handler raises, HTTP errors of Flask apart."""

    def __init__(self, handler: Callable[[], Any], body_limit: int) -> None:
        self.app = flask.Flask("function", static_folder=None)
        self.app.config |= {"MAX_CONTENT_LENGTH": body_limit, "PROPAGATE_EXCEPTIONS": True}
        view = _awaiting(handler)
        for rule in ("/", "/<path:path>"):
            self.app.add_url_rule(rule, "function", view, methods=METHODS, provide_automatic_options=False)

    def __call__(self, environ: dict[str, Any]) -> Answer:
        started: list[Any] = []

        def start_response(*arguments: Any) -> Any:
            started[:] = arguments

        pieces = self.app.wsgi_app(environ, start_response)
        status, headers = started[:2]
        return framed(status, headers, _body(pieces, headers))


def _awaiting(handler: Callable[[], Any]) -> Callable[..., Any]:
    def view(**_: str) -> Any:
        result = handler()
        return async_calls.awaited(result) if hasattr(result, "__await__") else result

    return view


def _body(pieces: Iterable[bytes], headers: list[tuple[str, str]]) -> Any:
    """Return a body of known length as bytes, another one as a stream."""
    if not any(name.lower() == "content-length" for name, _ in headers):
        return Stream(iter(pieces), pieces)
    try:
        return b"".join(pieces)
    finally:
        if close := getattr(pieces, "close", None):
            close()
