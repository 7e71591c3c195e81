"""Starts, replaces and stops Functions when their files change."""

import asyncio
import http.client
import re

from hooks.children import deployment
from hooks.cli.data_objects import Objects, objects_in
from hooks.cli.render import NO_ARTIFACT
from hooks.cli.run import LAST_PORT, debugging
from hooks.cli.run.local_function import LocalFunction
from hooks.cli.run.pod import SERVICE, Pod
from hooks.cli.run.session import Session
from hooks.cli.run.sources import Sources, Wanted
from hooks.config import Config
from hooks.manifest import Manifest
from hooks.references import references
from hooks.resolve import resolve
from hooks.resolved import ResolvedFunction

GRACE_SECONDS = 1
SETTLE_SECONDS = 0.05


class Supervisor:
    """`running` has all Functions by name; `has_problems` is whether the files had any when they were read last."""

    def __init__(self, sources: Sources, config: Config, session: Session, port: int) -> None:
        self.sources = sources
        self.config = config
        self.session = session
        self.running: dict[str, LocalFunction] = {}
        self.has_problems = False
        self._next_port = port
        self._ports: dict[str, int] = {}
        self._debug_ports: dict[str, int] = {}

    async def load(self) -> None:
        """Read the files and begin to start, replace and stop Functions; never waits for a Function."""
        wanted = self.sources.load()
        self.session.output.problems(wanted.problems)
        self.has_problems = bool(wanted.problems)
        for name in set(self.running) - set(wanted.functions) - wanted.invalid:
            self.running[name].log("stopped: it is no longer in the files", "stopped")
            await self.running.pop(name).stop()
        resolved = {
            name: resolve(function, self.config, artifact=NO_ARTIFACT) for name, function in wanted.functions.items()
        }
        for name, function in resolved.items():
            local = self.running.setdefault(name, LocalFunction(name, self.session))
            if function.scaling.replicas and not local.proxy.is_open:
                await self._open(local)
        objects, _ = objects_in(wanted.others)
        for name, function in resolved.items():
            self.running[name].document = wanted.documents[name]
            pod = self._pod(wanted, function, objects)
            self._deploy(self.running[name], pod, is_off=not function.scaling.replicas)

    def has_settled(self) -> bool:
        """Return whether no Function is starting."""
        return all(local.state != "starting" for local in self.running.values())

    async def settle(self) -> None:
        """Wait until no Function is starting."""
        while not self.has_settled():
            await asyncio.sleep(SETTLE_SECONDS)

    async def request_all(self) -> bool:
        """Send GET / to every running Function, print the responses, and return whether none failed."""
        ready = [local for local in self.running.values() if local.state == "ready"]
        return all(await asyncio.gather(*(asyncio.to_thread(_request, local) for local in ready)))

    async def stop(self) -> None:
        """Stop every Function: what still runs after GRACE_SECONDS is killed."""
        await asyncio.gather(self.session.setups.stop(), *(local.stop() for local in self.running.values()))
        asyncio.get_running_loop().call_later(GRACE_SECONDS, self.kill)
        while self.session.instances:
            await asyncio.gather(*(instance.stop() for instance in self.session.instances))
        await self.session.repositories.stop()

    def kill(self) -> None:
        """Kill everything that is stopping."""
        for instance in list(self.session.instances):
            instance.kill()

    async def _open(self, local: LocalFunction) -> None:
        """Open the port that the Function had before, else the next one that is free."""
        first = wanted = self._ports.get(local.name, self._next_port)
        for port in range(first, LAST_PORT + 1):
            try:
                await local.proxy.open(port)
            except OSError:
                continue
            if port != wanted:
                local.log(f"port {wanted} is taken, using {port}", "port", port=port)
            self._ports[local.name] = port
            self._next_port = max(self._next_port, port + 1)
            return
        raise OSError(f"no free port from {first} to {LAST_PORT}")

    def _deploy(self, local: LocalFunction, pod: Pod, *, is_off: bool) -> None:
        if is_off:
            local.turn_off()
            return
        for path in pod.mounts_in_source() if local.pod is None else ():
            local.log(f"{path} is not on this machine: read the path from a variable of env, which is replaced here")
        local.want(pod)

    def _pod(self, wanted: Wanted, function: ResolvedFunction, objects: Objects) -> Pod:
        """Return the pod with only the objects and ports that it uses: no other change restarts it."""
        (made,) = deployment.build(function)
        fetch = function.source.fetch
        name = function.identity.name
        used = {(each.kind, each.name) for each in references(wanted.functions[name].spec)}
        return Pod(
            family=function.source.runtime.name,
            runtime=function.source.runtime_name,
            dependencies=function.install.dependencies if function.install else "",
            template=made["spec"]["template"],
            metadata={"name": f"{name}-local", "namespace": function.identity.namespace},
            objects={key: contents for key, contents in objects.items() if key in used},
            ports={each: self._ports[each] for each in _called(function.pod.env, objects) if each in self._ports},
            variables=wanted.variables[name],
            origin=wanted.origins.get(name),
            max_bytes=fetch.max_bytes if fetch else 0,
            debug_port=self._debug_port(name, function.source.runtime.name) if self.session.setups.debug else 0,
        )

    def _debug_port(self, name: str, family: str) -> int:
        if name not in self._debug_ports:
            self._debug_ports[name] = debugging.free_port(family, self._debug_ports.values())
        return self._debug_ports[name]


def _called(env: tuple[Manifest, ...], objects: Objects) -> set[str]:
    """Return the names of the Services that variables may name; values of Secrets and ConfigMaps count as well."""
    values = [str(entry.get("value", "")) for entry in env]
    values += [value.decode(errors="replace") for contents in objects.values() for value in contents.values()]
    return {found[1] for value in values if (found := re.match(SERVICE, value))}


def _request(local: LocalFunction) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", local.proxy.port, timeout=60)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        first = response.read().decode(errors="replace").partition("\n")[0]
        local.log(f"GET / answered {response.status}: {first}", "answer", status=response.status)
    except (OSError, http.client.HTTPException) as error:
        local.log(f"GET / failed: {error}", "answer", status=0)
        return False
    else:
        return response.status < 500
    finally:
        connection.close()
