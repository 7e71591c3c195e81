"""Which Functions run, behind which port, and what happens when a file or a process says otherwise."""

import asyncio
import http.client
import os
import sys
import time
from itertools import chain, repeat
from typing import Any

from hooks.cli import runtime_cache
from hooks.cli.files import Document, Unusable, objects
from hooks.cli.render import children, validated
from hooks.cli.run import kubelet
from hooks.cli.run.instance import Failed, Instance
from hooks.cli.run.pod import Pod
from hooks.cli.run.proxy import Proxy
from hooks.config import Config
from hooks.function import Function
from hooks.manifest import Manifest

COLOURS = (36, 33, 35, 32, 34, 31)
BACK_OFF_SECONDS = (1, 2, 4, 8, 15, 30)
Unstartable = (Failed, kubelet.Missing, runtime_cache.Unavailable)


class Served:
    """One Function: its port, and the instance that answers there now."""

    def __init__(self, name: str, colour: int) -> None:
        self.name = name
        self.colour = colour
        self.interpreter = ""
        self.pod: Pod | None = None
        self.instance: Instance | None = None
        self.proxy = Proxy(lambda: self.instance.port if self.instance else None)
        self.background: set[asyncio.Task[None]] = set()

    def say(self, line: str) -> None:
        """Print one line under the Function's name, in its colour where there are colours."""
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        prefix = f"\x1b[{self.colour}m{self.name}\x1b[0m" if coloured else self.name
        # One write, so that lines of several threads do not mix.
        sys.stdout.write(f"{prefix} | {line}\n")
        sys.stdout.flush()

    async def deploy(self, pod: Pod) -> bool:
        """Put a new instance in the place of the old one once it is healthy; return whether it came to that."""
        self.pod, started = pod, time.monotonic()
        instance, old = Instance(pod, self.say), self.instance
        try:
            await instance.start(old)
        except Unstartable as error:
            await instance.stop()
            self.say(f"{error}" + ("; what ran before goes on" if old else ""))
            return False
        except BaseException:
            await instance.stop()
            raise
        self.instance = instance
        self.say(
            f"http://127.0.0.1:{self.proxy.port}  ready in {time.monotonic() - started:.1f} s ({self.interpreter})"
        )
        self._in_background(self._keep(instance))
        if old:
            self._in_background(old.stop())
        return True

    async def stop(self) -> None:
        """Close the port and end what runs behind it."""
        self.proxy.close()
        instance, self.instance = self.instance, None
        stopping = [task for task in self.background if task.get_name() != "keep"]
        await asyncio.gather(*stopping, *([instance.stop()] if instance else []))

    async def _keep(self, instance: Instance) -> None:
        """Start the pod anew when its server has ended by itself, ever more patiently."""
        code = await instance.ended()
        for seconds in chain(BACK_OFF_SECONDS, repeat(BACK_OFF_SECONDS[-1])):
            if self.instance is not instance:
                return
            self.say(f"ended with exit code {code}; starting again in {seconds} s")
            await asyncio.sleep(seconds)
            if self.instance is instance and await self.deploy(instance.pod):
                return

    def _in_background(self, work: Any) -> None:
        task = asyncio.create_task(work, name="keep" if work.__name__ == "_keep" else "stop")
        self.background.add(task)
        task.add_done_callback(self.background.discard)


class Supervisor:
    """Runs what the files say; `refused` names the Functions that could not be run."""

    def __init__(self, files: list[str], config: Config, port: int) -> None:
        self.files = files
        self.config = config
        self.next_port = port
        self.served: dict[str, Served] = {}
        self.refused: set[str] = set()

    async def load(self) -> None:
        """Read the files and bring what runs in line with them; a file that cannot be read changes nothing."""
        found, others, problems = objects(self.files)
        if problems:
            print(*problems, sep="\n", file=sys.stderr, flush=True)
            self.refused.update(problem.file for problem in problems)
            return
        named = {str(document.value.get("metadata", {}).get("name")): document for document in found}
        await asyncio.gather(*(self.served.pop(name).stop() for name in set(self.served) - set(named)))
        sound = {name: function for name, document in named.items() if (function := self._sound(name, document))}
        for name in sound:
            if name not in self.served:
                served = self.served[name] = Served(name, COLOURS[len(self.served) % len(COLOURS)])
                await served.proxy.open(self.next_port)
                self.next_port = served.proxy.port + 1
        await asyncio.gather(*(self._deploy(name, function, others) for name, function in sound.items()))

    async def ask_all(self) -> bool:
        """Send GET / to every Function, print what it answers, and return whether none failed."""
        running = [served for served in self.served.values() if served.instance]
        return all(await asyncio.gather(*(asyncio.to_thread(_ask, served) for served in running)))

    async def stop(self) -> None:
        """End everything."""
        await asyncio.gather(*(served.stop() for served in self.served.values()))

    def _sound(self, name: str, document: Document) -> Function | None:
        try:
            return validated(document, self.config)
        except Unusable as error:
            print(error, file=sys.stderr, flush=True)
            self.refused.add(name)
            return None

    async def _deploy(self, name: str, function: Function, others: list[Manifest]) -> None:
        served, namespace = self.served[name], function.metadata.namespace
        deployment = next(child for child in children(function, self.config) if child["kind"] == "Deployment")
        pod = Pod(
            template=deployment["spec"]["template"],
            metadata={"name": f"{name}-local", "namespace": namespace},
            objects=kubelet.contents_of(others),
            ports={other: one.proxy.port for other, one in self.served.items()},
        )
        if not deployment["spec"]["replicas"]:
            served.say("is off (replicas: 0)")
            return
        if pod == served.pod:
            return
        if pod.family == "nodejs" and runtime_cache.node_version() is None:
            served.say("left out: node and npm are not on PATH")
            return
        for path in pod.mounts() if served.pod is None else ():
            served.say(f"{path} is in the pod only: take the path from an env variable, which is translated here")
        served.interpreter = _interpreter(pod, function.spec.runtime)
        if not await served.deploy(pod) and not served.instance:
            self.refused.add(name)


def _interpreter(pod: Pod, runtime: str) -> str:
    """Name the interpreter that is used, and that it is another than the runtime's if so."""
    if pod.family == "python":
        version, wanted, used = runtime_cache.python_version(), runtime_cache.WANTED_PYTHON, "Python"
    else:
        version, wanted, used = runtime_cache.node_version() or "", runtime.removeprefix("nodejs"), "Node.js"
    return f"{used} {version}" + ("" if version.startswith(f"{wanted}.") else f", the nearest to {runtime} here")


def _ask(served: Served) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", served.proxy.port, timeout=60)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        first = answer.read().decode(errors="replace").partition("\n")[0]
        served.say(f"GET / answered {answer.status}: {first}")
    except OSError as error:
        served.say(f"GET / was not answered: {error}")
        return False
    else:
        return answer.status < 500
    finally:
        connection.close()
