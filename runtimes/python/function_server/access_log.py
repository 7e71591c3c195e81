"""A line on standard output for each call, in Apache's combined log format, with KYMA_INTERNAL_LOGGER_ENABLED."""

import time
from typing import Any

from function_server.answer import Answer


def line(environ: dict[str, Any], answer: Answer) -> None:
    """Print the line of a call."""
    moment = time.strftime("%d/%b/%Y:%H:%M:%S %z")
    request = f"{environ['REQUEST_METHOD']} {environ['REQUEST_URI']} {environ['SERVER_PROTOCOL']}"
    size = "-" if answer.length is None else answer.length
    referer, agent = environ.get("HTTP_REFERER", "-"), environ.get("HTTP_USER_AGENT", "-")
    fields = f'"{_quoted(request)}" {answer.status[:3]} {size} "{_quoted(referer)}" "{_quoted(agent)}"'
    print(f"{environ['REMOTE_ADDR']} - - [{moment}] {fields}", flush=True)


def _quoted(text: str) -> str:
    """Return a text of the caller without what could end its field or the line."""
    return "".join(each if each.isprintable() and each not in '"\\' else "?" for each in text[:2048])
