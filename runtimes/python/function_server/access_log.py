"""A line on standard output for each call, in Apache's combined log format, with KYMA_INTERNAL_LOGGER_ENABLED."""

import time
from collections.abc import Callable
from typing import Any

from function_server.answer import Answer


def logged(app: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    """Return `app`, with a line for each answer."""

    def with_line(environ: dict[str, Any]) -> Answer:
        answer = app(environ)
        moment = time.strftime("%d/%b/%Y:%H:%M:%S %z")
        line = f"{environ['REQUEST_METHOD']} {environ['REQUEST_URI']} {environ['SERVER_PROTOCOL']}"
        size = "-" if answer.length is None else answer.length
        referer, agent = environ.get("HTTP_REFERER", "-"), environ.get("HTTP_USER_AGENT", "-")
        fields = f'"{_quoted(line)}" {answer.status[:3]} {size} "{_quoted(referer)}" "{_quoted(agent)}"'
        print(f"{environ['REMOTE_ADDR']} - - [{moment}] {fields}", flush=True)
        return answer

    return with_line


def _quoted(text: str) -> str:
    """Return a text of the caller without what could end its field or the line."""
    return "".join(each if each.isprintable() and each not in '"\\' else "?" for each in text[:2048])
