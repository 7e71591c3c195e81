"""The port of a Function, which stays open while the processes behind it are replaced."""

import asyncio
import contextlib
from collections.abc import Callable

WAIT_SECONDS = 10
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Proxy:
    """Forwards each new connection to the port that `target` returns; open connections are not moved."""

    def __init__(self, target: Callable[[], int | None]) -> None:
        self.target = target
        self.port = 0
        self._forwarding: set[asyncio.Task[None] | None] = set()

    async def open(self, first: int) -> None:
        """Listen on the first free port from `first` on; raises OSError if there is none."""
        for port in range(first, 65536):
            with contextlib.suppress(OSError):
                self._server = await asyncio.start_server(self._forward, "127.0.0.1", port)
                self.port = port
                return
        raise OSError(f"no free port from {first} to 65535")

    def close(self) -> None:
        """Accept no more connections."""
        self._server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio drops its reference to the task when the client disconnects; unreferenced tasks may be collected.
        self._forwarding.add(task := asyncio.current_task())
        try:
            await self._connect(reader, writer)
        finally:
            self._forwarding.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(WAIT_SECONDS * 20):
            if port := self.target():
                with contextlib.suppress(ConnectionRefusedError):
                    inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
                    await _exchange(reader, writer, inner_reader, inner_writer)
                    return
            await asyncio.sleep(0.05)
        writer.write(UNAVAILABLE)
        writer.close()


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    inner_reader: asyncio.StreamReader,
    inner_writer: asyncio.StreamWriter,
) -> None:
    """Copy bytes both ways until the Function closes; a client may close its sending side before that."""
    sending = asyncio.create_task(_copy(reader, inner_writer))
    try:
        await _copy(inner_reader, writer)
    finally:
        sending.cancel()
        for end in (inner_writer, writer):
            end.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
