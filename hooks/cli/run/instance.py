"""One pod as processes: install, start, health check, drain."""

import asyncio
import contextlib
import re
import shutil
import signal
import socket
import tempfile
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections import deque
from collections.abc import Callable
from pathlib import Path

from hooks.cli import git
from hooks.cli.run import processes
from hooks.cli.run.lines import forward
from hooks.cli.run.package_lists import LISTS, state
from hooks.cli.run.pod import Pod, Step
from hooks.cli.run.repositories import Tree
from hooks.cli.run.setups import Prepared
from hooks.cli.runtime_cache import cache_directory

HEALTH_SECONDS = 150
STOP_SECONDS = 25
LAST_LINES_SECONDS = 1
MAX_INSTALLER_LINES = 200
_REASON = re.compile(r"The (?:handler|server) could not be (?:loaded|started)")
Log = Callable[[str], None]


class StartFailed(Exception):
    """The pod did not start; the message names the step."""


class InstallFailed(StartFailed):
    """The install step failed, which may be the network's fault."""


class Instance:
    """
    The server listens on `port`. `log` gets its lines, and those of an installer that fails; `step` is its last one.

    `instances` holds it until its processes and its files are gone. `packages` is equal for instances whose install
    step has the same result, "" without packages.
    """

    def __init__(self, pod: Pod, log: Log, instances: "set[Instance]") -> None:
        self.pod = pod
        self.log = log
        self.instances = instances
        self.root = _root(pod)
        self.port = _free_port()
        self.packages = pod.dependencies
        self.process: Process | None = None
        self.step = ""
        self._reason = ""
        self._is_healthy = False
        self._reading: asyncio.Task[None] | None = None
        self._laying_out: asyncio.Future[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._killed = asyncio.Event()
        instances.add(self)

    async def start(self, prepared: Prepared, previous: "Instance | None") -> None:
        """Return when the server is healthy; raises StartFailed, MissingObject, OSError or ValueError."""
        if self.pod.tree:
            await self._unpack(self.pod.tree)
        self._laying_out = asyncio.ensure_future(asyncio.to_thread(self.pod.lay_out, self.root, prepared))
        await asyncio.shield(self._laying_out)
        install, main = self.pod.steps(self.root, self.port, prepared)
        if install and self.packages:
            await self._install(install, main.directory, previous)
        process = await self._spawn("sh", "-c", main.script, step=main, log=self._loads)
        deadline = time.monotonic() + HEALTH_SECONDS
        while not await self._healthy():
            if process.returncode is not None:
                await self._last_lines()
                raise StartFailed(self._reason or f"the server ended with exit code {process.returncode}")
            if time.monotonic() > deadline:
                raise StartFailed(f"not healthy after {HEALTH_SECONDS} s")
            await asyncio.sleep(0.03)
        self._is_healthy = True

    async def ended(self) -> int:
        """Wait until the server exits and return its exit code."""
        return await self.process.wait() if self.process else 0

    def runs(self, pod: Pod) -> bool:
        """Return whether the server runs, from that very pod."""
        return pod == self.pod and self.process is not None and self.process.returncode is None

    @property
    def handler(self) -> Path:
        """The path of the handler's file, without its extension."""
        return self.pod.work_directory(self.root) / "handler"

    def stop(self) -> "asyncio.Task[None]":
        """Begin to stop: the server finishes its requests within STOP_SECONDS, then all files are removed."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())
        return self._stopping

    def kill(self) -> None:
        """Stop without waiting for requests."""
        self._killed.set()
        self.stop()

    async def _stop(self) -> None:
        if self.process:
            if self.process.returncode is None:
                processes.send(self.process, signal.SIGTERM)
            waiting = [asyncio.ensure_future(self.process.wait()), asyncio.ensure_future(self._killed.wait())]
            await asyncio.wait(waiting, timeout=STOP_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            waiting[1].cancel()
            await processes.kill(self.process)
        if self._laying_out:
            await asyncio.wait([self._laying_out])
        await asyncio.to_thread(shutil.rmtree, self.root, ignore_errors=True)
        self.instances.discard(self)

    async def _unpack(self, tree: Tree) -> None:
        """Fill the working directory from Git, with the checks of the pod's init container."""
        work = self.pod.work_directory(self.root)
        work.mkdir(parents=True)
        step = Step(script="", directory=self.root, env=git.environment())
        process = await self._spawn(*self.pod.unpacking(self.root, tree), step=step)
        if await process.wait():
            await self._last_lines()
            raise StartFailed("the source could not be unpacked")
        self.packages = await asyncio.to_thread(state, work, self.pod.family, tree.id)

    async def _install(self, step: Step, work: Path, previous: "Instance | None") -> None:
        if previous and (previous.pod.runtime, previous.packages) == (self.pod.runtime, self.packages):
            old = previous.pod.work_directory(previous.root)
            # A fetched source has all files but the packages.
            copied = f"{old}/{LISTS[self.pod.family].result}" if self.pod.tree else f"{old}/."
            copy = await self._spawn("cp", "-R", "-P", copied, str(work), step=step)
            if not await copy.wait():
                return
        printed: deque[str] = deque(maxlen=MAX_INSTALLER_LINES)
        started = time.monotonic()
        self.step = "installing packages"
        process = await self._spawn("sh", "-c", step.script, step=step, log=lambda line: self._installs(line, printed))
        if code := await process.wait():
            await self._last_lines()
            for line in printed:
                self.log(line)
            raise InstallFailed(f"the dependencies could not be installed (exit code {code})")
        self.step = ""
        self.log(f"dependencies installed in {time.monotonic() - started:.1f} s")

    def _loads(self, line: str) -> None:
        """Keep the server's last line, which repeats the error, as the reason; print all others."""
        if not self._is_healthy and _REASON.match(line):
            self._reason = line
        else:
            self.log(line)

    def _installs(self, line: str, printed: deque[str]) -> None:
        if line.strip():
            printed.append(line)
            self.step = line.strip()

    async def _spawn(self, *command: str, step: Step, log: Log | None = None) -> Process:
        self.process = await processes.spawn(command, stdout=PIPE, stderr=STDOUT, env=step.env, cwd=step.directory)
        self._reading = asyncio.create_task(forward(self.process.stdout, log or self.log))
        return self.process

    async def _last_lines(self) -> None:
        """Wait for what an exited process has printed, but not for its children, which may keep the pipe open."""
        if self._reading:
            await asyncio.wait([self._reading], timeout=LAST_LINES_SECONDS)

    async def _healthy(self) -> bool:
        """Wait at most a second: a server that is loading the handler accepts connections but does not respond."""
        with contextlib.suppress(OSError):
            async with asyncio.timeout(1):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                with contextlib.closing(writer):
                    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    return b" 200 " in await reader.readline()
        return False


def _root(pod: Pod) -> Path:
    """Make an empty directory: with a debugger always the same one, since an editor has to know its path."""
    if not pod.debug_port:
        return Path(tempfile.mkdtemp(prefix="buildless-")).resolve()
    root = cache_directory() / "debug" / str(pod.metadata["name"])
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    return root.resolve()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
