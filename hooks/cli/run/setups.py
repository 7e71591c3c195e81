"""The set-up of each runtime on this machine, in a process that can be ended at any moment (runtime_cache.py)."""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hooks.cli import runtime_cache
from hooks.cli.installers import Unavailable
from hooks.cli.run import processes
from hooks.cli.run.lines import lines
from hooks.cli.run.output import Output
from hooks.runtimes import FAMILIES


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """
    What one interpreter has on this machine.

    `programs` is the directory to put first on PATH, `packages` the directories to link next to the server, by their
    names there. `debugger` is the directory of debugpy, if it is needed.
    """

    programs: Path | None
    packages: Mapping[str, Path]
    debugger: Path | None = None


class Setups:
    """One set-up for each interpreter; all Functions that wait for it have its result, a failed one is tried again."""

    def __init__(self, output: Output, *, debug: bool = False) -> None:
        self.output = output
        self.debug = debug
        self.under_way: dict[str, float] = {}
        self._tasks: dict[str, asyncio.Task[Prepared]] = {}
        self._printed: set[str] = set()
        self._is_offline = False

    async def get(self, family: str, runtime: str) -> Prepared:
        """Return the result of a set-up; raises Unavailable, after the reason has been printed once."""
        known = FAMILIES[family].interpreter
        if missing := await asyncio.to_thread(runtime_cache.missing_programs, family):
            reason = f"{', '.join(missing)} not found on PATH"
            self._once(f"Functions for {known.title} cannot run: {reason}")
            raise Unavailable(f"not started: {reason}")
        wanted = known.version_of(runtime)
        version = await asyncio.to_thread(runtime_cache.LOCAL[family].version, wanted)
        title = f"{known.title} {version}"
        task = self._tasks.get(title)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._tasks[title] = asyncio.create_task(self._prepare(family, wanted, title))
        if "nearest" in (interpreter := runtime_cache.interpreter(family, runtime)):
            self._once(f"{runtime} runs with {interpreter}")
        return await asyncio.shield(task)

    async def stop(self) -> None:
        """End every set-up."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _once(self, line: str) -> None:
        if line not in self._printed:
            self._printed.add(line)
            self.output.event("interpreter", line)

    async def _prepare(self, family: str, wanted: str, title: str) -> Prepared:
        self.under_way[title] = started = time.monotonic()
        command = [sys.executable, "-m", "hooks.cli.runtime_cache", family, wanted, *(["debug"] if self.debug else [])]
        # An installer that is killed leaves its temporary files.
        with tempfile.TemporaryDirectory(prefix="buildless-", ignore_cleanup_errors=True) as temporary:
            env = os.environ | {"TMPDIR": temporary}
            process = await processes.spawn(command, stdout=PIPE, stderr=PIPE, env=env)
            try:
                found, is_new = await asyncio.gather(_result(process), self._forward(process))
            finally:
                self.under_way.pop(title, None)
                await processes.kill(process)
        if "failed" in found:
            self._report(title, found)
            raise Unavailable(f"not started: {title} could not be set up")
        if is_new:
            self.output.event("setup", f"{title} is set up, {time.monotonic() - started:.1f} s")
        return _prepared(found)

    def _report(self, title: str, found: Mapping[str, Any]) -> None:
        """Print why a set-up has failed: at length only for the first that could not reach a registry."""
        first, *more = found["failed"].splitlines() or ["it ended without a reason"]
        if self._is_offline and found["is_network"]:
            first, more = "no package registry can be reached", []
        self._is_offline |= found["is_network"]
        for line in (f"{title} could not be set up: {first}", *(f"  {each}" for each in more)):
            self.output.event("setup", line)

    async def _forward(self, process: Process) -> bool:
        """Print what the process prints; return whether it printed anything."""
        printed = False
        if process.stderr:
            async for line in lines(process.stderr):
                self.output.event("setup", line)
                printed = True
        return printed


def _prepared(found: Mapping[str, Any]) -> Prepared:
    return Prepared(
        programs=Path(found["programs"]) if found["programs"] else None,
        packages={name: Path(path) for name, path in found["packages"].items()},
        debugger=Path(found["debugger"]) if found["debugger"] else None,
    )


async def _result(process: Process) -> Mapping[str, Any]:
    """Return what the process printed as JSON, with the key "failed" if it has failed."""
    text = await process.stdout.read() if process.stdout else b""
    await process.wait()
    with contextlib.suppress(ValueError):
        found: Mapping[str, Any] = json.loads(text)
        return found
    return {"failed": "", "is_network": False}
