"""Processes in groups of their own, which do not get the terminal's Ctrl-C and can be ended as a whole."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence
from pathlib import Path


async def spawn(
    command: Sequence[str], *, stdout: int, stderr: int, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Process:
    """Start a process; if this is cancelled meanwhile, the process is ended. Raises OSError and ValueError."""
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=stdout, stderr=stderr, env=env, cwd=cwd, start_new_session=True
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError, ValueError):
            await kill(await starting)
        raise


def send(process: Process, number: signal.Signals) -> None:
    """Send a signal to a process and all in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


async def kill(process: Process) -> None:
    """End a process and all in its group at once."""
    send(process, signal.SIGKILL)
    await process.wait()
