"""The public port of a Function: it stays while the processes behind it come and go."""

import asyncio
import contextlib
from collections.abc import Callable

WAIT_SECONDS = 10
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Proxy:
    """Forwards each new connection to the port that `target` names then; connections stay where they are."""

    def __init__(self, target: Callable[[], int | None]) -> None:
        self.target = target
        self.port = 0
        self._forwarding: set[asyncio.Task[None] | None] = set()

    async def open(self, first: int) -> None:
        """Listen on the first free port of this machine from `first` on."""
        for port in range(first, 65536):
            with contextlib.suppress(OSError):
                self._server = await asyncio.start_server(self._forward, "127.0.0.1", port)
                self.port = port
                return
        raise OSError(f"no free port from {first} on")

    def close(self) -> None:
        """Take no new connection."""
        self._server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio lets go of the task when the caller has gone, and it would be collected half-way.
        self._forwarding.add(task := asyncio.current_task())
        try:
            await self._answer(reader, writer)
        finally:
            self._forwarding.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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
    """Carry bytes both ways until the Function closes; a caller that has said all may still be answered."""
    asking = asyncio.create_task(_pump(reader, inner_writer))
    try:
        await _pump(inner_reader, writer)
    finally:
        asking.cancel()
        for end in (inner_writer, writer):
            end.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
