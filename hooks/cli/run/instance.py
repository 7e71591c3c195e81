"""One pod as processes: install, start, health check, drain."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hooks.cli.run.pod import Pod, Step

HEALTH_SECONDS = 150
STOP_SECONDS = 25
Log = Callable[[str], None]


class StartFailed(Exception):
    """The pod did not start; the message names the step."""


class Instance:
    """`port` is the one on which the server listens; `log` receives each line that the processes print."""

    def __init__(self, pod: Pod, log: Log) -> None:
        self.pod = pod
        self.log = log
        self.root = Path(tempfile.mkdtemp(prefix="buildless-"))
        self.port = _free_port()
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, previous: "Instance | None") -> None:
        """Return when the server is healthy; raises StartFailed, MissingObject or runtime_cache.Unavailable."""
        await asyncio.to_thread(self.pod.lay_out, self.root)
        install, main = await asyncio.to_thread(self.pod.steps, self.root, self.port)
        if install:
            await self._install(install, main.directory, previous)
        process = await self._spawn(main)
        deadline = time.monotonic() + HEALTH_SECONDS
        while not await self._healthy():
            if process.returncode is not None:
                raise StartFailed(f"the handler could not be started (exit code {process.returncode})")
            if time.monotonic() > deadline:
                raise StartFailed(f"not healthy after {HEALTH_SECONDS} s")
            await asyncio.sleep(0.03)

    async def ended(self) -> int:
        """Wait until the server exits and return its exit code."""
        return await self.process.wait() if self.process else 0

    async def stop(self) -> None:
        """Let the server finish its requests, then remove all files."""
        if self.process and self.process.returncode is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        self._signal(signal.SIGKILL)
        if self.process:
            await self.process.wait()
        await asyncio.to_thread(shutil.rmtree, self.root, ignore_errors=True)

    async def _install(self, step: Step, work: Path, previous: "Instance | None") -> None:
        if previous and previous.pod.dependencies == self.pod.dependencies:
            old = previous.pod.inside(previous.root, f"/{work.relative_to(self.root)}")
            await asyncio.to_thread(shutil.copytree, old, work, symlinks=True, dirs_exist_ok=True)
            return
        self.log("installing dependencies ...")
        started = time.monotonic()
        process = await self._spawn(step)
        if code := await process.wait():
            raise StartFailed(f"the dependencies could not be installed (exit code {code})")
        self.log(f"dependencies installed in {time.monotonic() - started:.1f} s")

    async def _spawn(self, step: Step) -> asyncio.subprocess.Process:
        """Start a script in its own process group, which does not get the terminal's Ctrl-C."""
        self.process = await asyncio.create_subprocess_exec(
            "sh", "-c", step.script, cwd=step.directory, env=dict(step.env), start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            limit=1024 * 1024,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read(self.process))
        return self.process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout:
            with contextlib.suppress(ValueError):  # a line longer than the limit
                async for line in process.stdout:
                    self.log(line.decode(errors="replace").rstrip())

    async def _healthy(self) -> bool:
        """Wait at most a second: a server that is loading the handler accepts connections but does not respond."""
        with contextlib.suppress(OSError):
            async with asyncio.timeout(1):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                with contextlib.closing(writer):
                    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    return b" 200 " in await reader.readline()
        return False

    def _signal(self, number: int) -> None:
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
