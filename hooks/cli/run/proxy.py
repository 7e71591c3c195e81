"""
The port of a Function, which stays open while the processes behind it are replaced.

Each connection carries one request, so that a client that keeps its connections gets the new version, too.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable

WAIT_SECONDS = 10
MAX_HEAD_BYTES = 65_536
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_REQUEST = re.compile(rb"([A-Za-z]{1,20}) ([\x21-\x7e]{1,2000}+)[\x21-\x7e]* HTTP/1\.[01]\r\n")
_STATUS = re.compile(rb"HTTP/1\.[01] ([2-9][0-9][0-9]|101)[^\r\n]*+\r\n")
_CONNECTION = re.compile(rb"\r\n(?:connection|keep-alive|proxy-connection):[^\r\n]*+", re.IGNORECASE)
_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
Finished = Callable[[str, str, int, float], None]
"""Gets method, path, status (0 without a response) and milliseconds of a request."""


class Proxy:
    """
    Forwards each request to the port that `target` returns at its start, and reports it to `finished`.

    Without a port a request waits for one while `is_starting`, at most WAIT_SECONDS.
    """

    def __init__(self, target: Callable[[], int | None], is_starting: Callable[[], bool], finished: Finished) -> None:
        self.target = target
        self.is_starting = is_starting
        self.finished = finished
        self.port = 0
        self._server: asyncio.Server | None = None
        self._forwarding: set[asyncio.Task[None] | None] = set()

    @property
    def is_open(self) -> bool:
        """Whether the port accepts connections."""
        return self._server is not None

    async def open(self, port: int) -> None:
        """Listen on a port; raises OSError if it is taken."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", port, limit=MAX_HEAD_BYTES)
        self.port = port

    def close(self) -> None:
        """Accept no more connections."""
        server, self._server = self._server, None
        if server:
            server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio drops its reference to the task when the client disconnects; unreferenced tasks may be collected.
        self._forwarding.add(task := asyncio.current_task())
        try:
            with contextlib.suppress(OSError):
                await self._answer(reader, writer)
        finally:
            writer.close()
            self._forwarding.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await _head(reader)
        if not head:
            return
        started, status = time.monotonic(), 0
        if inner := await self._connected():
            status = await _exchange(reader, writer, *inner, head)
        else:
            writer.write(UNAVAILABLE)
            status = 503
        if request := _REQUEST.match(head):
            method, path = request[1].decode(), request[2].decode()
            self.finished(method, path, status, (time.monotonic() - started) * 1000)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Return a connection to the server, None if there is none for WAIT_SECONDS."""
        for _ in range(WAIT_SECONDS * 20):
            if port := self.target():
                with contextlib.suppress(ConnectionRefusedError):
                    return await asyncio.open_connection("127.0.0.1", port)
            elif not self.is_starting():
                return None
            await asyncio.sleep(0.05)
        return None


async def _head(reader: asyncio.StreamReader) -> bytes:
    """Return the head of a request that ends its connection; anything that is not such a head is left as it is."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        return await reader.readexactly(error.consumed)
    if _UPGRADE.search(head) or not _REQUEST.match(head):
        return head
    return _CONNECTION.sub(b"", head)[:-2] + b"Connection: close\r\n\r\n"


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    inner_reader: asyncio.StreamReader,
    inner_writer: asyncio.StreamWriter,
    head: bytes,
) -> int:
    """
    Copy bytes both ways until the Function closes; a client may close its sending side before that.

    Return the status of the response, 0 without one.
    """
    inner_writer.write(head)
    sending = asyncio.create_task(_copy(reader, inner_writer))
    try:
        return await _copy(inner_reader, writer)
    finally:
        sending.cancel()
        inner_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    """Copy all bytes; return the status of the response that they are, 0 if they are none."""
    status = 0
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            if not status and (found := _STATUS.search(data)):
                status = int(found[1])
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    return status
