"""One Function on this machine: a stable port, and the instance behind it, which is replaced and restarted."""

import asyncio
import time
from dataclasses import replace
from itertools import chain, repeat
from typing import Literal

from hooks.cli.document import Document
from hooks.cli.git import GitFailed, without_user
from hooks.cli.installers import Unavailable
from hooks.cli.problem import printable
from hooks.cli.run.instance import InstallFailed, Instance, StartFailed
from hooks.cli.run.pod import Pod
from hooks.cli.run.pod_environment import MissingObject
from hooks.cli.run.proxy import Proxy
from hooks.cli.run.session import Session
from hooks.cli.run.tracebacks import with_own_files, with_repository_files

BACK_OFF_SECONDS = (1, 2, 4, 8, 15, 30)


class LocalFunction:
    """
    `document` has the source, `pod` is the last one that was wanted, `instance` the one that answers.

    `state` is "starting" until the wanted pod answers ("ready") or has failed; `reason` is why it failed.
    `is_worth_another_try` is whether the same pod may start at the next save, since the machine was at fault.
    """

    def __init__(self, name: str, session: Session) -> None:
        self.name = name
        self.session = session
        self.document: Document | None = None
        self.pod: Pod | None = None
        self.instance: Instance | None = None
        self.state: Literal["starting", "ready", "failed", "off"] = "starting"
        self.reason = ""
        self.is_worth_another_try = False
        self.proxy = Proxy(
            lambda: self.instance.port if self.instance else None, lambda: self.state == "starting", self._request
        )
        self._about = ""
        self._task: asyncio.Task[None] | None = None
        self._starting: Instance | None = None

    @property
    def step(self) -> str:
        """What the start of the wanted pod does, "" for nothing that takes time."""
        return self._starting.step if self._starting and self.state == "starting" else ""

    @property
    def url(self) -> str:
        """Where the Function answers."""
        return f"http://127.0.0.1:{self.proxy.port}"

    def log(self, line: str, kind: str = "output", **fields: object) -> None:
        """Print one line after the Function's name."""
        self.session.output.event(kind, line, self.name, **fields)

    def want(self, pod: Pod) -> None:
        """Let `pod` replace the present one once it is healthy; the start of an older pod is cancelled."""
        if pod == self.pod and not (self.state == "failed" and self.is_worth_another_try):
            return
        self.pod, self.state = pod, "starting"
        self._cancel()
        self._task = asyncio.create_task(self._serve(pod))

    def fail(self, error: Exception) -> None:
        """Report that the Function cannot start; what runs goes on. Setups has printed why something is unavailable."""
        self.state, self.reason = "failed", str(error)
        self.is_worth_another_try = isinstance(error, InstallFailed | Unavailable | OSError)
        text = self.reason + ("; the previous version keeps running" if self.instance else "")
        output = self.session.output
        (output.record if isinstance(error, Unavailable) else output.event)("failed", text, self.name)

    def turn_off(self) -> None:
        """Stop the instance of a Function with `replicas: 0`, and close its port."""
        if self.state != "off":
            self.log("off (replicas: 0)", "off")
        self.pod, self.state = None, "off"
        self._cancel()
        self._stop_instance()
        self.proxy.close()

    async def stop(self) -> None:
        """Close the port and begin to stop all instances; `session.instances` holds them until they are gone."""
        self.proxy.close()
        self._cancel()
        if self._task:
            await asyncio.wait([self._task])
        self._stop_instance()

    def _cancel(self) -> None:
        if self._task:
            self._task.cancel()

    def _stop_instance(self) -> None:
        instance, self.instance = self.instance, None
        if instance:
            instance.stop()

    async def _end_instances(self, debug_port: int) -> None:
        """Stop all instances before the next one starts: they have the debugger's port and directory."""
        self.instance = None
        for each in [each for each in self.session.instances if each.pod.debug_port == debug_port]:
            each.kill()
            await asyncio.shield(each.stop())  # a newer save cancels this task, but not that one

    async def _serve(self, pod: Pod) -> None:
        """Deploy a pod; then start the instance again, with increasing delays, whenever its server has exited."""
        await self._deploy(pod)
        while instance := self.instance:
            code = await instance.ended()
            for seconds in chain(BACK_OFF_SECONDS, repeat(BACK_OFF_SECONDS[-1])):
                self.log(f"exited with code {code}; restarting in {seconds} s", "exited", code=code)
                await asyncio.sleep(seconds)
                if await self._deploy(instance.pod):
                    break

    async def _deploy(self, pod: Pod) -> bool:
        """Replace the instance once the new one is healthy; return False and keep the old one if it does not start."""
        try:
            pod = await self._fetched(pod)
        except (GitFailed, OSError) as error:
            self.fail(StartFailed(printable(f"not fetched: {error}")))
            self.is_worth_another_try = True
            return False
        if self.instance and self.instance.runs(pod):
            self.state, self.reason = "ready", ""
            return True
        return await self._replace(pod)

    async def _replace(self, pod: Pod) -> bool:
        if pod.debug_port:
            await self._end_instances(pod.debug_port)
        started, old = time.monotonic(), self.instance
        new = Instance(pod, lambda line: self.log(self._with_own_files(line, new)), self.session.instances)
        self._starting = new
        try:
            prepared = await self.session.setups.get(pod.family, pod.runtime)
            await new.start(prepared, old)
            self.instance = new
        except (StartFailed, MissingObject, Unavailable, OSError, ValueError) as error:
            self.fail(error)
            return False
        finally:
            if self.instance is not new:
                new.stop()
        self._ready(time.monotonic() - started)
        if old:
            old.stop()
        return True

    async def _fetched(self, pod: Pod) -> Pod:
        """Return a pod with the present files of its source from Git; raises GitFailed or OSError."""
        origin = pod.origin
        if origin is None or pod.tree:
            return pod
        tree = await self.session.repositories.get(origin)
        text = f"fetched commit {tree.commit[:12]} of {without_user(origin.place)}" if tree.commit else origin.about
        # Once for a working tree, which is read at each save.
        if tree.commit or text != self._about:
            self.log(printable(text), "source", commit=tree.commit)
        self._about = text
        return replace(pod, origin=replace(origin, saved=0), tree=tree)

    def _with_own_files(self, line: str, instance: Instance) -> str:
        if origin := instance.pod.origin:
            return with_repository_files(line, instance.handler.parent, origin)
        return with_own_files(line, instance.handler, self.document) if self.document else line

    def _ready(self, seconds: float) -> None:
        self.state, self.reason = "ready", ""
        self.log(f"{self.url}  ready in {seconds:.1f} s", "ready", url=self.url, seconds=round(seconds, 3))
        if self.pod and self.pod.debug_port and self.instance:
            address, root = f"127.0.0.1:{self.pod.debug_port}", self.instance.handler.parent
            self.log(f"attach a debugger to {address}, remote root {root}", "debug", address=address, root=str(root))

    def _request(self, method: str, path: str, status: int, milliseconds: float) -> None:
        text = f"{method} {path} {status or 'no response'} {milliseconds:.0f} ms"
        fields = {"method": method, "path": path, "status": status, "milliseconds": round(milliseconds, 1)}
        self.log(text, "request", **fields)
