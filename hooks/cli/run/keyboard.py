"""The Enter key on the terminal of `buildless run`."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator

MAX_BYTES = 4096


@contextlib.contextmanager
def on_enter(call: Callable[[], None]) -> Iterator[None]:
    """Call `call` for each line that is typed; nothing is read if standard input is no terminal."""
    if not sys.stdin or not sys.stdin.isatty():
        yield
        return
    loop, terminal = asyncio.get_running_loop(), sys.stdin.fileno()

    def read() -> None:
        # A process in the background would be stopped if it read.
        if os.tcgetpgrp(terminal) != os.getpgrp():
            return
        if not os.read(terminal, MAX_BYTES):
            loop.remove_reader(terminal)
            return
        call()

    loop.add_reader(terminal, read)
    try:
        yield
    finally:
        loop.remove_reader(terminal)
