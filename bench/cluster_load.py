"""Functions that bench/cluster.py creates, edits and deletes, and how long the controller takes for each."""

import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from support.cluster.admission import Caller
from support.cluster.functions import is_true
from support.cluster.stack import GROUP, PREFIX

from bench.cluster_audit import Event
from bench.cluster_systems import System

PER_NAMESPACE = 100
CALLERS = 4
POLL_SECONDS = 0.02
QUIET_SECONDS = 4.0
LATE_SECONDS = 120.0
"""After this time a change counts as never followed."""
DEPENDENCIES = json.dumps({"dependencies": {"lodash": "4.17.21"}})


def body(name: str) -> dict[str, Any]:
    """Return a Function with a dependency."""
    inline = {"source": "module.exports = {main: () => 'hi'}\n", "dependencies": DEPENDENCIES}
    spec = {"runtime": "nodejs22", "source": {"inline": inline}}
    spec |= {"resourceConfiguration": {"function": {"profile": "XS"}}}
    head = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": {"name": name}}
    return head | {"spec": spec}


class Load:
    """Changes Functions and measures how long a controller takes to follow."""

    def __init__(self, system: System) -> None:
        self.system, self.plane, self.audit = system, system.plane, system.audit
        self.namespaces: list[str] = []

    def namespaces_for(self, prefix: str, count: int) -> list[str]:
        """Create namespaces for so many Functions; return the namespace of each Function."""
        names = [f"{prefix}-{number}" for number in range(-(-count // PER_NAMESPACE))]
        for name in names:
            self.plane.kubectl("create", "namespace", name)
        self.namespaces += names
        return [names[number // PER_NAMESPACE] for number in range(count)]

    def create_all(self, prefix: str, count: int) -> list[str]:
        """Create Functions as fast as CALLERS threads can; return them as namespace/name."""
        names = [f"{space}/{prefix}{number}" for number, space in enumerate(self.namespaces_for(prefix, count))]
        with Caller(self.plane) as caller, ThreadPoolExecutor(CALLERS) as threads:
            for code, answer in threads.map(lambda name: caller.post(*creation(name)), names):
                assert code == 201, answer
        return names

    def one_by_one(self, names: Iterable[str], change: Callable[[str], None], verbs: set[str]) -> list[float]:
        """Change each Function after the last one was followed; return the seconds to its Deployment's write."""
        found = []
        for number, name in enumerate(names):
            found.append(self.followed(name, change, verbs))
            time.sleep(0.05 + 0.01 * (number % 5))
        return found

    def followed(self, name: str, change: Callable[[str], None], verbs: set[str]) -> float:
        """Change a Function; return the seconds until the controller has written its Deployment."""
        start = self.audit.read()
        change(name)
        written = self.wait(lambda: self.deployment_write(name, start, verbs), LATE_SECONDS)
        return written - self.changed(name, start)

    def create(self, name: str) -> None:
        with Caller(self.plane) as caller:
            code, answer = caller.post(*creation(name))
        assert code == 201, answer

    def edit(self, name: str) -> None:
        """Give a Function another source."""
        space, _, short = name.partition("/")
        source = f"module.exports = {{main: () => '{time.monotonic_ns()}'}}\n"
        patch = {"spec": {"source": {"inline": {"source": source}}}}
        self.system.stack.patch("functions", space, short, patch)

    def deployment_write(self, name: str, start: int, verbs: set[str]) -> float | None:
        """Return when the controller has first written the Function's Deployment, None if it has not."""
        for event in self.audit.since(start, self.system.user):
            if event.resource == "deployments" and event.verb in verbs and is_of(event, name):
                return event.done
        return None

    def changed(self, name: str, start: int) -> float:
        """Return when the API server received the admin's change of the Function."""
        return next(
            event.received
            for event in self.audit.since(start, "admin")
            if event.resource == "functions" and event.is_write and event.namespace == name.partition("/")[0]
        )

    def wait(self, condition: Callable[[], float | None], seconds: float) -> float:
        """Return the first value of the condition, infinity if there is none in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if (value := condition()) is not None:
                return value
            time.sleep(POLL_SECONDS)
        return float("inf")

    def until_quiet(self, seconds: float, at_least: float = 0.0, *, requests: bool = False) -> bool:
        """Return whether the controller stopped writing, or stopped all requests, within this time."""
        begin = time.monotonic()
        last, since = -1, begin
        while time.monotonic() - begin < seconds:
            count = (self.audit.requests if requests else self.audit.writes)(0, self.system.user)
            if count != last:
                last, since = count, time.monotonic()
            elif time.monotonic() - since > QUIET_SECONDS and time.monotonic() - begin > at_least:
                return True
            time.sleep(0.5)
        return False

    def count(self, resource: str) -> int:
        """Return how many objects of this kind the namespaces of the Functions have."""
        found = 0
        for space in self.namespaces:
            _, page = self.plane.call("GET", f"{PREFIX[resource]}/namespaces/{space}/{resource}?limit=1")
            found += len(page["items"]) + page["metadata"].get("remainingItemCount", 0)
        return found

    def running(self) -> int:
        """Return how many Functions run, by the condition that both controllers write."""
        functions = (function for space in self.namespaces for function in self.system.stack.list("functions", space))
        return sum(is_true(function, "Running") for function in functions)

    def until_running(self, count: int, seconds: float) -> bool:
        """Return whether so many Functions ran in time; lists Functions only when the controller is quiet."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.until_quiet(deadline - time.monotonic())
            if self.running() >= count:
                return True
        return False

    def delete_all(self) -> None:
        for space in self.namespaces:
            self.plane.call("DELETE", f"{GROUP}/namespaces/{space}/functions")


def is_of(event: Event, name: str) -> bool:
    """Return whether an event on a Deployment is about the Function's; Kyma generates the end of its name."""
    space, _, short = name.partition("/")
    return event.namespace == space and (event.name in ("", short) or event.name.rpartition("-")[0] == short)


def creation(name: str) -> tuple[str, dict[str, Any]]:
    """Return path and body of the request that creates a Function."""
    space, _, short = name.partition("/")
    return f"{GROUP}/namespaces/{space}/functions", body(short)


def quantiles(seconds: list[float]) -> str:
    """Return p50 and p95 in milliseconds."""
    ordered = sorted(seconds)
    return f"{1000 * statistics.median(ordered):.0f} / {1000 * ordered[int(0.95 * (len(ordered) - 1))]:.0f}"


def spread(names: list[str], count: int) -> Iterator[str]:
    """Yield so many names at equal distances."""
    return (names[number * len(names) // count] for number in range(min(count, len(names))))
