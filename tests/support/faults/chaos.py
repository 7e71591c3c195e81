"""All components, with a proxy on each side of Metacontroller, and the check that every fault ends with."""

import contextlib
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from support.cluster.control_plane import wait_until
from support.cluster.stack import ROOT, Stack, own_stack
from support.faults.api_proxy import ApiProxy, unchanged
from support.faults.hook_proxy import HookProxy, passed
from support.faults.mixed_functions import MixedFunctions, differences

_numbers = itertools.count(1)
SILENT_SECONDS = 2


class Chaos:
    """
    A control plane, the hook and Metacontroller, which reaches both through proxies.

    `wanted` is the state after a run without a fault.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack, self.plane, self.processes = stack, stack.plane, stack.processes
        self.hook = HookProxy(stack.hook_port)
        self.api = ApiProxy(stack.plane.url, stack.plane.directory)
        stack.webhook_port = self.hook.port
        config = json.loads(stack.plane.kubeconfig("metacontroller").read_text())
        config["clusters"][0]["cluster"]["server"] = self.api.url
        stack.plane.kubeconfig("proxied").write_text(json.dumps(config))
        stack.metacontroller_flags[0] = f"--kubeconfig={stack.plane.kubeconfig('proxied')}"
        self.wanted: dict[str, Any] = {}

    def start(self) -> None:
        """Start everything, and record the state of a run without a fault."""
        self.stack.install()
        self.stack.start_hook()
        self.stack.start_metacontroller()
        self.wanted = self.run(lambda mixed: mixed.change())

    def close(self) -> None:
        self.hook.close()
        self.api.close()
        self.api.close_watches()  # else the API server waits for them when it stops

    def restart_hook(self, *wrapper: str, app: str = "", **environment: str) -> None:
        """Start the hook again, as an argument of a wrapper if one is given, or with another WSGI app."""
        if "hook" in self.processes.running:
            self.processes.stop("hook")
        bind = f"--bind=127.0.0.1:{self.stack.hook_port}"
        serve = ["-m", "hooks.cli", "serve", bind]
        gunicorn = ["-m", "gunicorn", "-c", str(ROOT / "hooks" / "gunicorn.conf.py"), bind, app]
        command = [*wrapper, sys.executable, *(gunicorn if app else serve)]
        self.processes.start("hook", command, PYTHONPATH=f"{ROOT}:{ROOT / 'tests'}", **environment)
        self.stack.wait_until_hook_is_ready()

    def install_controller(self, query: str = "") -> None:
        """
        Apply the CompositeController with this query in the hook's URLs; start Metacontroller again if that ends it.

        Metacontroller 4.17.2 crashes if its CompositeController changes while the answer to a read of a Function is
        under way: it goes on without the Function (pkg/controller/composite/controller.go, makeSelector). In a cluster
        the kubelet starts it again.
        """
        self.stack.install_controller(query=query)
        time.sleep(2)
        if self.processes.running["metacontroller"].poll() is not None:
            self.processes.start_again("metacontroller")

    def workers(self) -> list[int]:
        """Return the process ids of the hook's workers."""
        pid = self.processes.running["hook"].pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def no_faults(self) -> None:
        """Let both proxies pass everything."""
        self.hook.rule, self.api.events, self.api.observe = passed, unchanged, lambda _: None

    def run(self, change: Callable[[MixedFunctions], None]) -> dict[str, Any]:
        """Make the Functions of a new namespace, change them, and return the state once all is settled."""
        mixed = self.prepared()
        change(mixed)
        mixed.settle()
        self.check_silence(mixed)
        state = mixed.state()
        self.clean(mixed)
        return state

    def prepared(self) -> MixedFunctions:
        """Return the settled Functions of a new namespace."""
        mixed = MixedFunctions(self.stack, f"chaos-{next(_numbers)}")
        mixed.prepare()
        return mixed

    def check(self, mixed: MixedFunctions, seconds: float = 180, wanted: dict[str, Any] | None = None) -> None:
        """
        Fail unless, within so many seconds after a fault, all is as without it.

        Functions, statuses and children are the same but for times; there is no further pod, pod template or change of
        a Deployment;
        every object that exists without the fault exists, and no other; no pod of an untouched Function was replaced;
        and nothing is written at rest, even if every Function is synced again. `wanted` is another state to expect.
        """
        expected = wanted or self.wanted
        with contextlib.suppress(AssertionError):
            wait_until(lambda: self._is(mixed, expected), "the state of a run without the fault", seconds, 0.5)
        assert differences(mixed.state(), expected) == {}
        assert mixed.pods <= mixed.pods_of(mixed.untouched), "a pod that needed no restart was replaced"
        wait_until(mixed.is_quiet, "Metacontroller to write nothing", 120)
        self.check_silence(mixed)
        assert differences(mixed.state(), expected) == {}
        self.clean(mixed)

    def _is(self, mixed: MixedFunctions, expected: dict[str, Any]) -> bool:
        self.stack.make_pods_ready(mixed.namespace)
        return differences(mixed.state(), expected) == {}

    def check_silence(self, mixed: MixedFunctions) -> None:
        """Fail if a sync of every Function leads to a write; a sync ends with a read of the Function."""
        mark = self.plane.mark()
        mixed.resync()
        names = {f"functions {mixed.namespace}/{each['metadata']['name']}" for each in mixed.functions()}
        wait_until(lambda: names <= self._read_since(mark), "Metacontroller to sync every Function", 120)
        time.sleep(SILENT_SECONDS)
        assert mixed.writes(mark) == {}

    def _read_since(self, mark: int) -> set[str]:
        return {what for event, what in self.plane.events(mark) if event["verb"] == "get"}

    def clean(self, mixed: MixedFunctions) -> None:
        self.plane.kubectl("delete", "functions", "--all", "-n", mixed.namespace, "--wait=false")
        self.plane.kubectl("delete", "namespace", mixed.namespace, "--wait=false")


@contextlib.contextmanager
def running_chaos(directory: Path) -> Iterator[Chaos]:
    """Start all components; they end with the block."""
    with own_stack(directory) as stack:
        chaos = Chaos(stack)
        try:
            chaos.start()
            yield chaos
        finally:
            stack.processes.stop_all()
            chaos.close()
