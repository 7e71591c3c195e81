"""Starts, replaces and stops Functions when their files change."""

import asyncio
import http.client
import sys

from hooks.children import deployment
from hooks.cli import runtime_cache
from hooks.cli.files import Document, Unusable, objects
from hooks.cli.render import validated
from hooks.cli.run.local_function import LocalFunction
from hooks.cli.run.pod import Pod
from hooks.cli.run.pod_environment import objects_in
from hooks.config import Config
from hooks.function import Function
from hooks.manifest import Manifest
from hooks.resolve import resolve
from hooks.resolved import ResolvedFunction

COLOURS = (36, 33, 35, 32, 34, 31)


class Supervisor:
    """`failed` holds the names of Functions that are invalid or did not start, and of files that cannot be read."""

    def __init__(self, files: list[str], config: Config, port: int) -> None:
        self.files = files
        self.config = config
        self.next_port = port
        self.running: dict[str, LocalFunction] = {}
        self.failed: set[str] = set()

    async def load(self) -> None:
        """Read the files and start, replace and stop Functions; if one file cannot be read, nothing changes."""
        found, others, problems = objects(self.files)
        if problems:
            print(*problems, sep="\n", file=sys.stderr, flush=True)
            self.failed.update(problem.file for problem in problems)
            return
        named = {str(document.value.get("metadata", {}).get("name")): document for document in found}
        await asyncio.gather(*(self.running.pop(name).stop() for name in set(self.running) - set(named)))
        valid = {name: function for name, document in named.items() if (function := self._valid(name, document))}
        for name in valid:
            if name not in self.running:
                local = self.running[name] = LocalFunction(name, COLOURS[len(self.running) % len(COLOURS)])
                await local.proxy.open(self.next_port)
                self.next_port = local.proxy.port + 1
        await asyncio.gather(*(self._deploy(name, function, others) for name, function in valid.items()))

    async def request_all(self) -> bool:
        """Send GET / to every running Function, print the responses, and return whether none failed."""
        running = [local for local in self.running.values() if local.instance]
        return all(await asyncio.gather(*(asyncio.to_thread(_request, local) for local in running)))

    async def stop(self) -> None:
        """Stop every Function."""
        await asyncio.gather(*(local.stop() for local in self.running.values()))

    def _valid(self, name: str, document: Document) -> Function | None:
        try:
            return validated(document, self.config)
        except Unusable as error:
            print(error, file=sys.stderr, flush=True)
            self.failed.add(name)
            return None

    async def _deploy(self, name: str, written: Function, others: list[Manifest]) -> None:
        local, function = self.running[name], resolve(written, self.config)
        if not function.scaling.replicas:
            local.log("is off (replicas: 0)")
            return
        pod = self._pod(function, others)
        if pod == local.pod:
            return
        if missing := runtime_cache.missing_programs(pod.family):
            local.log(f"left out: not on PATH: {', '.join(missing)}")
            return
        for path in pod.mounts() if local.pod is None else ():
            local.log(f"{path} exists in the pod only: read the path from an env variable, which is translated here")
        if not await local.deploy(pod) and not local.instance:
            self.failed.add(name)

    def _pod(self, function: ResolvedFunction, others: list[Manifest]) -> Pod:
        (made,) = deployment.build(function)
        return Pod(
            family=function.source.runtime.name,
            runtime=function.source.runtime_name,
            dependencies=function.install.dependencies if function.install else "",
            template=made["spec"]["template"],
            metadata={"name": f"{function.identity.name}-local", "namespace": function.identity.namespace},
            objects=objects_in(others),
            ports={name: local.proxy.port for name, local in self.running.items()},
        )


def _request(local: LocalFunction) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", local.proxy.port, timeout=60)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        first = response.read().decode(errors="replace").partition("\n")[0]
        local.log(f"GET / answered {response.status}: {first}")
    except OSError as error:
        local.log(f"GET / failed: {error}")
        return False
    else:
        return response.status < 500
    finally:
        connection.close()
