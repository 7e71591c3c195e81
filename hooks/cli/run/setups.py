"""The set-up of each runtime on this machine, in a process that can be ended at any moment (runtime_cache.py)."""

import asyncio
import contextlib
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hooks.cli.installers import Unavailable
from hooks.cli.run import processes
from hooks.cli.run.lines import lines
from hooks.cli.run.output import Output


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """
    What one runtime has on this machine.

    `interpreter` is its name and version, `programs` the directory to put first on PATH, `packages` the directories to
    link next to the server, by their names there. `debugger` is the directory of debugpy, if it is needed.
    """

    interpreter: str
    programs: Path | None
    packages: Mapping[str, Path]
    debugger: Path | None = None


class Setups:
    """One set-up for each runtime; all Functions that wait for it have its result, and a failed one is tried again."""

    def __init__(self, output: Output, *, debug: bool = False) -> None:
        self.output = output
        self.debug = debug
        self.under_way: dict[str, float] = {}
        self._tasks: dict[tuple[str, str], asyncio.Task[Prepared]] = {}

    async def get(self, family: str, runtime: str) -> Prepared:
        """Return the result of a set-up; raises Unavailable, after the reason has been printed once."""
        task = self._tasks.get((family, runtime))
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._tasks[family, runtime] = asyncio.create_task(self._prepare(family, runtime))
        return await asyncio.shield(task)

    async def stop(self) -> None:
        """End every set-up."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _prepare(self, family: str, runtime: str) -> Prepared:
        self.under_way[runtime] = started = time.monotonic()
        command = [sys.executable, "-m", "hooks.cli.runtime_cache", family, runtime]
        command += ["debug"] if self.debug else []
        process = await processes.spawn(command, stdout=PIPE, stderr=PIPE)
        try:
            found, is_new = await asyncio.gather(_result(process), self._forward(process, runtime))
        finally:
            self.under_way.pop(runtime, None)
            await processes.kill(process)
        if is_new and found:
            self.output.event("setup", f"set up {runtime} in {time.monotonic() - started:.1f} s")
        if not found:
            raise Unavailable(f"not started: {runtime} could not be set up")
        if "nearest" in found["interpreter"]:
            self.output.event("interpreter", f"{runtime} runs with {found['interpreter']}")
        return _prepared(found)

    async def _forward(self, process: Process, runtime: str) -> bool:
        """Print what the process prints; return whether it printed anything."""
        printed = False
        if process.stderr:
            async for line in lines(process.stderr):
                self.output.event("setup", line, runtime)
                printed = True
        return printed


def _prepared(found: Mapping[str, Any]) -> Prepared:
    return Prepared(
        interpreter=found["interpreter"],
        programs=Path(found["programs"]) if found["programs"] else None,
        packages={name: Path(path) for name, path in found["packages"].items()},
        debugger=Path(found["debugger"]) if found["debugger"] else None,
    )


async def _result(process: Process) -> dict[str, Any] | None:
    """Return what the process printed as JSON, None if it failed."""
    text = await process.stdout.read() if process.stdout else b""
    code = await process.wait()
    with contextlib.suppress(ValueError):
        found: dict[str, Any] | None = json.loads(text) if code == 0 else None
        return found
    return None
