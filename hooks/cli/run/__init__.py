"""
Run Functions on this machine, from the pod template that the hook renders.

Secrets and ConfigMaps in the same files are used. When a file is saved, the new version starts; once it is ready it
gets all new requests, and the old version finishes its own. Ctrl-C stops everything.

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
    parser.add_argument("--port", type=int, default=8080, help="first port to try (default: %(default)s)")
    parser.add_argument("--config", metavar="FILE", help="settings that override the defaults")
    parser.add_argument("--once", action="store_true", help="send GET / to each Function once, then exit")


def run(args: argparse.Namespace) -> int:
    """Return 0 at Ctrl-C; with --once 1 if a Function is invalid, did not start, or responded with 500 or more."""
    return asyncio.run(_run(args))


async def _run(args: argparse.Namespace) -> int:
    loop, current = asyncio.get_running_loop(), asyncio.current_task()
    assert current is not None  # noqa: S101 - a running coroutine belongs to a task
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, current.cancel)
    supervisor = Supervisor(args.files, settings.read(args.config), args.port)
    try:
        await supervisor.load()
        if args.once:
            return 0 if await supervisor.request_all() and not supervisor.failed else 1
        await _watch(supervisor, args.files)
    except asyncio.CancelledError:
        return 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, lambda: None)
        await supervisor.stop()


async def _watch(supervisor: Supervisor, files: list[str]) -> NoReturn:
    """Load the files again whenever one of them has changed, until this is cancelled."""
    seen = _stamps(files)
    while True:
        await asyncio.sleep(POLL_SECONDS)
        if (now := _stamps(files)) != seen:
            seen = now
            await supervisor.load()


def _stamps(files: list[str]) -> list[tuple[int, int]]:
    stamps = []
    for file in files:
        # An editor may replace a file by first removing it.
        with contextlib.suppress(OSError):
            stat = Path(file).stat()
            stamps.append((stat.st_mtime_ns, stat.st_size))
    return stamps
