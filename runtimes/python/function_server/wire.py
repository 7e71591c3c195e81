"""Answers as bytes, and how they are sent on sockets that do not block."""

import select
import socket
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from function_server.answer import Answer, Stream
from function_server.time_limit import Call

SILENCE_SECONDS = 60
"""How long a client may take nothing of a stream."""
_BODYLESS = ("1", "204", "304")
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_date = (0, "")


class Broken(OSError):
    """The client has gone, or takes nothing."""


def plain(status: int, message: str) -> bytes:
    """Return a whole answer of one line of text, the last one of its connection."""
    return (
        f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\nContent-Type: text/plain\r\n"
        f"Content-Length: {len(message)}\r\nConnection: close\r\n\r\n{message}"
    ).encode("latin-1")


def head(answer: Answer, environ: dict[str, Any], *, keep: bool) -> tuple[bytes, bool]:
    """Return the status line and the headers, and whether the body has to be sent in chunks."""
    lines = [f"HTTP/1.1 {answer.status}\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in answer.headers]
    is_chunked = False
    if answer.length is not None:
        lines.append(f"Content-Length: {answer.length}\r\n")
    elif not answer.status.startswith(_BODYLESS) and environ["SERVER_PROTOCOL"] == "HTTP/1.1":
        is_chunked = True
        lines.append("Transfer-Encoding: chunked\r\n")
    if not keep:
        lines.append("Connection: close\r\n")
    elif environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        lines.append("Connection: keep-alive\r\n")
    lines.append(_dated())
    return "".join(lines).encode("latin-1"), is_chunked


def _dated() -> str:
    global _date  # noqa: PLW0603
    now = int(time.time())
    if _date[0] != now:
        _date = (now, f"Date: {formatdate(now, usegmt=True)}\r\n\r\n")
    return _date[1]


def send_now(sock: socket.socket, data: bytes) -> bytes:
    """Send what the socket takes at once and return the rest."""
    try:
        sent = sock.send(data)
    except BlockingIOError:
        return data
    return data[sent:] if sent < len(data) else b""


def send_stream(call: Call, first: bytes, stream: Stream, *, is_chunked: bool) -> None:
    """Send each piece as it comes; raises Broken if the client has gone or takes nothing, and closes the stream."""
    try:
        pending = first
        if call.request.environ["REQUEST_METHOD"] != "HEAD":
            for piece in stream:
                _send(call, pending + _framed(piece, is_chunked))
                pending = b""
            pending += b"0\r\n\r\n" if is_chunked else b""
        _send(call, pending)
    finally:
        stream.close()


def _framed(piece: bytes, is_chunked: bool) -> bytes:
    if not is_chunked or not piece:
        return piece
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def _send(call: Call, data: bytes) -> None:
    sock = call.connection.sock
    while data:
        call.progress()
        data = send_now(sock, data)
        if data and not _writable(sock):
            raise Broken


def _writable(sock: socket.socket) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    return bool(poll.poll(SILENCE_SECONDS * 1000))
