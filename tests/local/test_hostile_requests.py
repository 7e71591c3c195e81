"""
Thousands of mixed requests, the same ones in each run: every answer is one that its request may have, and the server
neither ends nor grows. With BUILDLESS_ALL=1 they are 100,000.
"""

import contextlib
import re
import socket
import struct
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.hostile_requests import BODY_LIMIT, CALLS, Exchange, exchange
from support.left_out import RUN_ALL
from support.runtime_servers import EACH_FAMILY, Server, get, started

REQUESTS = 100_000 if RUN_ALL else 1_000
CALLERS = 4
PARTS = 20
WARM = 4
"""After so many parts the server has grown to the size that it has to keep."""
GROWTH = 1.10 if RUN_ALL else 1.5
SETTLE_SECONDS = 20
STATUS = re.compile(rb"HTTP/1\.1 (\d{3})[^\r\n]*\r\n")


def status_lines(received: bytes) -> list[int]:
    """Return the status of each answer; no body that a handler of the test sends contains a status line."""
    return [int(found[1]) for found in STATUS.finditer(received) if found[1] != b"100"]


def received_from(server: Server, made: Exchange) -> bytes:
    """Send, and return what comes until the server closes the connection, or the caller leaves it."""
    received = b""
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port), timeout=30)) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(made.sent)
            if not isinstance(made.answers, list) and made.leaves is None:
                sock.shutdown(socket.SHUT_WR)
            while made.leaves is None or len(received) < made.leaves:
                piece = sock.recv(65536)
                if not piece:
                    return received
                received += piece
        if made.leaves is not None and len(made.sent) % 2:  # with a reset
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return received


def fault(server: Server, made: Exchange) -> str:
    """Return what is wrong with the answer to an exchange, "" for nothing."""
    try:
        found = status_lines(received_from(server, made))
    except TimeoutError:
        return f"no end of the answer to {made.sent[:300]!r}"
    is_right = found == made.answers if isinstance(made.answers, list) else set(found) <= made.answers
    return "" if is_right or (made.leaves is not None and not found) else f"{found} for {made.sent[:300]!r}"


def faults(server: Server, seed: int, number: int) -> list[str]:
    """Send as one caller; return what is wrong with the answers."""
    chosen = Random(seed)
    found: Iterable[str] = (fault(server, exchange(chosen)) for _ in range(number))
    return [each for each in found if each]


def size(server: Server) -> tuple[int, int, int]:
    """Return resident KiB, threads and descriptors."""
    process = Path(f"/proc/{server.process.pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]), int(status["Threads"]), len(list((process / "fd").iterdir()))


def settled(server: Server, descriptors: int) -> tuple[int, int, int]:
    """Return the size once the connections are closed."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (found := size(server))[2] > descriptors and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_no_request_harms_the_server(family: str) -> None:
    """
    No answer above 500, no failure that is not the handler's own, and after the first fifth no growth.

    Large bodies that come at once enlarge the heap for a while, so that the smallest of several sizes counts.
    """
    limits: dict[str, Any] = {
        "FUNC_MEMFILE_MAX": str(BODY_LIMIT),
        "REQ_MB_LIMIT": str(BODY_LIMIT / 1_000_000),
        "FUNC_TIMEOUT": "20",
        # As in a small pod: by the memory of a whole machine, Node.js 24 lets its heap grow for 60,000 requests.
        "NODE_OPTIONS": "--max-old-space-size=128 --max-semi-space-size=4",
    }
    with started(family, **limits) as server, ThreadPoolExecutor(CALLERS) as callers:
        for path in ("/metrics", *CALLS):
            get(server, path)
        descriptors = size(server)[2]
        sizes = []
        for part in range(PARTS):
            seeds = range(part * CALLERS, (part + 1) * CALLERS)
            each = REQUESTS // PARTS // CALLERS
            for found in callers.map(lambda seed: faults(server, seed, each), seeds):  # noqa: B023 - used at once
                assert not found, f"{len(found)}: {found[:5]}"
            sizes.append(settled(server, descriptors))
        assert get(server, "/text")[2] == b"text"
    print(sizes)
    earlier, later = sizes[WARM : PARTS // 2], sizes[PARTS // 2 :]
    memory, threads, _ = map(min, *earlier)
    memory_later, threads_later, descriptors_later = map(min, *later)
    assert memory_later < GROWTH * memory
    assert threads_later <= threads + CALLERS
    assert descriptors_later <= descriptors
