"""What is sent on a connection, and when it ends."""

import socket
import time

from function_server.answer import Answer, Stream
from function_server.app import App
from function_server.connection import LINGER_SECONDS, Connection, Refused
from function_server.request import Request
from function_server.time_limit import Call
from function_server.wire import Broken, head, plain, send_now, send_stream


class Sender:
    """Sends the answers of `app`; `draining` closes each connection after its next answer."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.draining = False

    def send(self, connection: Connection, request: Request, answer: Answer, call: Call | None, *, keep: bool) -> None:
        """Send an answer; what the client does not take at once is left to the epoll, unless it is a stream."""
        keep = keep and not self.draining
        environ = request.environ
        first, is_chunked = head(answer, environ, keep=keep)
        if isinstance(answer.body, bytes):
            body = b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body
            connection.outbox = send_now(connection.sock, first + body)
            if call:
                call.responded = True
        elif call:
            self._stream(call, first, answer.body, is_chunked=is_chunked)
        if not keep or (not is_chunked and answer.length is None):
            _finish(connection)

    def _stream(self, call: Call, first: bytes, stream: Stream, *, is_chunked: bool) -> None:
        """Send a stream; one that fails midway is cut, so that the client sees that it is not whole."""
        try:
            send_stream(call, first, stream, is_chunked=is_chunked)
        except OSError as error:
            raise Broken from error
        except Exception as error:
            self.app.fail_midway(call.request.environ, error)
            raise Broken from error

    def end_or_continue(self, connection: Connection) -> None:
        """Send a refusal, or the 100 that a client waits for, and close what has sent its last answer."""
        if connection.refusal and not connection.outbox and not connection.lingering:
            connection.outbox = send_now(connection.sock, plain(connection.refusal.status, connection.refusal.message))
            _finish(connection)
        elif connection.wants_continue:
            connection.wants_continue = False
            connection.outbox = send_now(connection.sock, b"HTTP/1.1 100 Continue\r\n\r\n")
        if connection.lingering and not connection.outbox:
            connection.sock.shutdown(socket.SHUT_WR)


def _finish(connection: Connection) -> None:
    """Close after the last answer; what is still to be sent is sent first."""
    connection.ready.clear()
    connection.lingering = True
    connection.refusal = connection.refusal or Refused(400, "")
    connection.deadline = time.monotonic() + LINGER_SECONDS
