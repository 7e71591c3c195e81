"""
A WSGI layer before Flask that answers the hooks' plain requests, at half of Flask's cost.

It decides nothing that Flask decides too: a request that is not exactly as Metacontroller sends it, or whose answer
raises an exception, goes to Flask unchanged, which answers it or returns the error.
"""

from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Answer = Callable[[Any], Any]
"""Takes the decoded JSON of a request and returns that of the response; raises an exception if it has none."""


class PlainRequests:
    """
    A WSGI application around `flask`. `answers` has the paths of the hooks.

    A plain request is a POST of JSON to one of them, with a Content-Length of at most `max_bytes`, and without query
    or with one of `queries`.
    """

    def __init__(
        self, flask: "WSGIApplication", answers: Mapping[str, Answer], *, max_bytes: int, queries: Iterable[str]
    ) -> None:
        self.flask, self.answers, self.max_bytes = flask, answers, max_bytes
        self.queries = frozenset(("", *queries))

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Return the response; that of a plain request is never an error."""
        answer = self.answers.get(environ["PATH_INFO"])
        if answer is None or not self._is_plain(environ):
            return self.flask(environ, start_response)
        data = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        is_complete = len(data) == int(environ["CONTENT_LENGTH"])
        if not is_complete or (body := _body(answer, data)) is None:
            return self.flask(environ | {"wsgi.input": BytesIO(data)}, start_response)
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def _is_plain(self, environ: "WSGIEnvironment") -> bool:
        length = environ.get("CONTENT_LENGTH", "")
        return (
            environ["REQUEST_METHOD"] == "POST"
            and environ.get("CONTENT_TYPE") == "application/json"
            and "HTTP_TRANSFER_ENCODING" not in environ
            and environ.get("QUERY_STRING", "") in self.queries
            and length.isascii()
            and length.isdigit()
            and len(length) < 10
            and int(length) <= self.max_bytes
        )


def _body(answer: Answer, data: bytes) -> bytes | None:
    """Return the JSON of an answer, None if there is none."""
    try:
        return orjson.dumps(answer(orjson.loads(data)))
    except Exception:  # noqa: BLE001 - Flask gets the same request, logs the error and returns it
        return None
