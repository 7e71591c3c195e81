"""
Run Functions on this machine, from the very pod template that the hook renders.

Secrets and ConfigMaps in the same files are used. A saved file is taken over at once: the new code answers when it is
ready, the old one finishes what it has begun. Ctrl-C ends everything.

examples:
  buildless run examples/*.yaml
  buildless run hello.yaml --port 9000
  buildless run hello.yaml --once
"""

import argparse
import asyncio
import contextlib
import signal
from pathlib import Path
from typing import NoReturn

from hooks.cli import settings
from hooks.cli.run.supervisor import Supervisor

POLL_SECONDS = 0.2


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="YAML or JSON")
    parser.add_argument("--port", type=int, default=8080, help="the first one to try (default: %(default)s)")
    parser.add_argument("--config", metavar="FILE", help="settings laid over the defaults")
    parser.add_argument("--once", action="store_true", help="ask each Function once with GET /, then end")


def run(args: argparse.Namespace) -> int:
    """Return 0 at Ctrl-C; with --once 1 if a Function was refused, did not start, or answered with 500 or more."""
    return asyncio.run(_run(args))


async def _run(args: argparse.Namespace) -> int:
    loop, current = asyncio.get_running_loop(), asyncio.current_task()
    assert current is not None  # noqa: S101 - a coroutine that runs is a task
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, current.cancel)
    supervisor = Supervisor(args.files, settings.read(args.config), args.port)
    try:
        await supervisor.load()
        if args.once:
            return 0 if await supervisor.ask_all() and not supervisor.refused else 1
        await _watch(supervisor, args.files)
    except asyncio.CancelledError:
        return 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, lambda: None)
        await supervisor.stop()


async def _watch(supervisor: Supervisor, files: list[str]) -> NoReturn:
    """Load the files again whenever one of them has changed; this ends only by being cancelled."""
    seen = _stamps(files)
    while True:
        await asyncio.sleep(POLL_SECONDS)
        if (now := _stamps(files)) != seen:
            seen = now
            await supervisor.load()


def _stamps(files: list[str]) -> list[tuple[int, int]]:
    stamps = []
    for file in files:
        # An editor may replace a file: for a moment there is none.
        with contextlib.suppress(OSError):
            stat = Path(file).stat()
            stamps.append((stat.st_mtime_ns, stat.st_size))
    return stamps
