"""Work with running Functions that ends at Ctrl-C, and leaves no process and no file."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

from hooks.cli.run.supervisor import Supervisor

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def supervised(supervisor: Supervisor, work: Coroutine[Any, Any, int], interrupted: int = 130) -> int:
    """Return the result of `work`, or `interrupted` at the first signal; a second signal kills what is stopping."""
    working = asyncio.create_task(work)

    def interrupt() -> None:
        if working.done():
            supervisor.kill()
        working.cancel()

    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, interrupt)
    try:
        return await working
    except asyncio.CancelledError:
        return interrupted
    finally:
        await supervisor.stop()
