"""One Function on this machine: a port that stays, and the instance behind it, which is replaced and restarted."""

import asyncio
import os
import sys
import time
from collections.abc import Coroutine
from itertools import chain, repeat
from typing import Any

from hooks.cli import runtime_cache
from hooks.cli.run.instance import Instance, StartFailed
from hooks.cli.run.pod import Pod
from hooks.cli.run.pod_environment import MissingObject
from hooks.cli.run.proxy import Proxy

BACK_OFF_SECONDS = (1, 2, 4, 8, 15, 30)


class LocalFunction:
    """`pod` is the last one that was deployed, `instance` the one that answers; `colour` is an ANSI code."""

    def __init__(self, name: str, colour: int) -> None:
        self.name = name
        self.colour = colour
        self.pod: Pod | None = None
        self.instance: Instance | None = None
        self.proxy = Proxy(lambda: self.instance.port if self.instance else None)
        self.restarts: set[asyncio.Task[None]] = set()
        self.stops: set[asyncio.Task[None]] = set()

    def log(self, line: str) -> None:
        """Print one line after the Function's name, coloured on a terminal."""
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        prefix = f"\x1b[{self.colour}m{self.name}\x1b[0m" if coloured else self.name
        # One write, so that lines of several threads do not mix.
        sys.stdout.write(f"{prefix} | {line}\n")
        sys.stdout.flush()

    async def deploy(self, pod: Pod) -> bool:
        """Replace the instance once the new one is healthy; return False and keep the old one if it does not start."""
        self.pod, started = pod, time.monotonic()
        instance, old = Instance(pod, self.log), self.instance
        try:
            await instance.start(old)
        except (StartFailed, MissingObject, runtime_cache.Unavailable) as error:
            await instance.stop()
            self.log(f"{error}" + ("; the previous version keeps running" if old else ""))
            return False
        except BaseException:
            await instance.stop()
            raise
        self.instance = instance
        address, seconds = f"http://127.0.0.1:{self.proxy.port}", time.monotonic() - started
        self.log(f"{address}  ready in {seconds:.1f} s ({runtime_cache.interpreter(pod.family, pod.runtime)})")
        _in_background(self._restart(instance), self.restarts)
        if old:
            _in_background(old.stop(), self.stops)
        return True

    async def stop(self) -> None:
        """Close the port and stop all instances."""
        self.proxy.close()
        instance, self.instance = self.instance, None
        await asyncio.gather(*self.stops, *([instance.stop()] if instance else []))

    async def _restart(self, instance: Instance) -> None:
        """Deploy the pod again when its server has exited, with increasing delays."""
        code = await instance.ended()
        for seconds in chain(BACK_OFF_SECONDS, repeat(BACK_OFF_SECONDS[-1])):
            if self.instance is not instance:
                return
            self.log(f"ended with exit code {code}; starting again in {seconds} s")
            await asyncio.sleep(seconds)
            if self.instance is instance and await self.deploy(instance.pod):
                return


def _in_background(work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
    """Start a task and keep it in `tasks` until it ends: the event loop itself holds only a weak reference."""
    tasks.add(task := asyncio.create_task(work))
    task.add_done_callback(tasks.discard)
