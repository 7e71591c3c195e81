"""The lines that a process prints, of any length."""

import asyncio
from collections.abc import AsyncIterator, Callable

MAX_LINE_BYTES = 65_536


async def lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield each line; one of more than MAX_LINE_BYTES is cut, and ends with the number of bytes that are missing."""
    kept, length = b"", 0
    while data := await stream.read(MAX_LINE_BYTES):
        *ends, rest = data.split(b"\n")
        for end in ends:
            yield _text(kept + end, length + len(end))
            kept, length = b"", 0
        kept, length = (kept + rest)[:MAX_LINE_BYTES], length + len(rest)
    if kept:
        yield _text(kept, length)


async def forward(stream: asyncio.StreamReader | None, log: Callable[[str], None]) -> None:
    """Give each line to `log`."""
    if stream:
        async for line in lines(stream):
            log(line.rstrip())


def _text(kept: bytes, length: int) -> str:
    text = kept[:MAX_LINE_BYTES].decode(errors="replace").rstrip("\r")
    return text if length <= MAX_LINE_BYTES else f"{text} ... ({length - MAX_LINE_BYTES} more bytes)"
