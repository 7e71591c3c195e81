"""The phases of bench/cluster.py: each changes something and adds rows to the table."""

import time
from collections.abc import Callable, Iterable

from bench.cluster_audit import Event
from bench.cluster_load import Load, quantiles, spread
from bench.cluster_systems import System
from bench.processes import cpu_seconds, peak_mib, tree

SAMPLES = 50
LONGEST = 1800.0
"""Seconds that a phase may take; a row without a number says that it took longer."""
DEPLOYMENT_WRITES = {"create"}
UPDATES = {"update", "patch"}
PHASES = ("one-by-one", "burst", "rest", "storm", "restarts", "away", "deletion")


class Run:
    """One controller with one number of Functions; `rows` has what was measured so far."""

    def __init__(self, system: System, size: int, rest_seconds: float, away_seconds: float) -> None:
        self.system, self.size = system, size
        self.rest_seconds, self.away_seconds = rest_seconds, away_seconds
        self.load, self.audit = Load(system), system.audit
        self.rows: dict[str, str] = {}
        self.functions: list[str] = []

    def run(self, phases: Iterable[str], show: Callable[[str], None]) -> dict[str, str]:
        """Run the phases; `show` is called with the name of each."""
        for phase in phases:
            show(f"{self.size} Functions, {self.system.name}: {phase}")
            getattr(self, phase.replace("-", "_"))()
        return self.rows

    def one_by_one(self) -> None:
        """Latency of single changes."""
        names = [f"{space}/one{number}" for number, space in enumerate(self.load.namespaces_for("one", SAMPLES))]
        created = self.load.one_by_one(names, self.load.create, {"create"})
        self.load.until_running(SAMPLES, 120)
        edited = self.load.one_by_one(names, self.load.edit, UPDATES)
        self.load.until_running(SAMPLES, 120)
        self.functions += names
        self.rows["apply to Deployment p50 / p95 ms"] = quantiles(created)
        self.rows["edit to Deployment p50 / p95 ms"] = quantiles(edited)

    def burst(self) -> None:
        """All Functions at once."""
        start, cpu = self.audit.read(), self.cpu()
        self.functions += self.load.create_all("many", self.size)
        complete = self.load.until_running(len(self.functions), LONGEST)
        begin = next(event.received for event in self.audit.since(start, "admin") if event.resource == "functions")
        for what, resource, verbs in (
            ("Deployments", "deployments", {"create"}),
            ("Services", "services", {"create"}),
            ("Functions Running", "functions/status", UPDATES),
        ):
            done = [event.done for event in self.own(start) if event.resource == resource and event.verb in verbs]
            self.rows[f"all {what} s"] = f"{max(done) - begin:.1f}" if complete else f"more than {LONGEST:.0f}"
        self.rows["requests (writes + events) per Function until Running"] = self.per_function(start)
        self.rows["of these"] = self.kinds(start)
        self.note_cpu("CPU s of the burst", cpu)

    def rest(self) -> None:
        """Nothing changes."""
        self.load.until_quiet(60, requests=True)
        start, cpu = self.audit.read(), self.cpu()
        time.sleep(self.rest_seconds)
        self.rows[f"{self.rest_seconds:.0f} s at rest: requests (writes)"] = self.traffic(start)
        self.note_cpu(f"CPU s of {self.rest_seconds:.0f} s at rest", cpu)

    def storm(self) -> None:
        """Every Function is synced while some are edited."""
        start, begin = self.audit.read(), time.monotonic()
        if not self.system.sync_all():  # then a restart is what causes a sync of all
            self.system.restart(self.system.controllers[0])
        edits = self.load.one_by_one(spread(self.functions, 20), self.load.edit, UPDATES)
        self.load.until_quiet(LONGEST, requests=True)
        self.rows["edits during a sync of all p50 / p95 ms"] = quantiles(edits)
        self.rows["sync of all: s, requests"] = (
            f"{time.monotonic() - begin:.0f}, {self.audit.requests(start, self.system.user)}"
        )

    def restarts(self) -> None:
        """Each program is stopped and started once."""
        for program in self.system.restarts:
            self.load.until_quiet(120, requests=True)
            start = self.audit.read()
            self.system.restart(program)
            self.load.until_quiet(300, at_least=20, requests=True)
            self.rows[f"restart of {self.role(program)}: requests (writes)"] = self.traffic(start)

    def away(self) -> None:
        """The controller, or the hook, is away while Functions are edited and created."""
        program = self.system.controllers[-1]
        command, start = self.system.pause(program), self.audit.read()
        edited = list(spread(self.functions, 20))
        for name in edited:
            self.load.edit(name)
        created = self.load.create_all("away", 20)
        time.sleep(self.away_seconds)
        self.system.resume(program, command)
        back, changes = time.time(), len(edited) + len(created)

        def last_change() -> float | None:
            done = [event.done for event in self.own(start) if event.resource == "deployments" and event.is_write]
            return max(done) - back if len(done) >= changes else None

        late = self.load.wait(last_change, 300)
        self.load.until_running(len(self.functions) + len(created), 120)
        self.functions += created
        self.rows[f"away for {self.away_seconds:.0f} s: {changes} changes done after s"] = f"{late:.1f}"

    def deletion(self) -> None:
        """All Functions are deleted."""
        start, begin = self.audit.read(), time.monotonic()
        self.load.delete_all()
        gone = self.load.wait(lambda: self.none_left(begin), LONGEST)
        self.rows["deletion of all: s, requests (writes)"] = f"{gone:.1f}, {self.traffic(start)}"
        self.memory()

    def memory(self) -> None:
        self.rows["peak memory MiB"] = ", ".join(
            f"{self.role(name)} {sum(map(peak_mib, tree(pid))):.0f}"
            for name, pid in self.system.running().items()
            if name in (*self.system.controllers, "kube-apiserver", "etcd")
        )

    def none_left(self, begin: float) -> float | None:
        time.sleep(0.5)
        left = any(self.load.count(resource) for resource in ("functions", "deployments", "services"))
        return None if left else time.monotonic() - begin

    def own(self, start: int) -> list[Event]:
        """Return the controller's successful requests."""
        return [event for event in self.audit.since(start, self.system.user) if event.code < 400]

    def per_function(self, start: int) -> str:
        user = self.system.user
        events = sum(event.resource == "events" for event in self.audit.since(start, user))
        requests, writes = self.audit.requests(start, user), self.audit.writes(start, user)
        return f"{requests / self.size:.1f} ({writes / self.size:.1f} + {events / self.size:.1f})"

    def kinds(self, start: int) -> str:
        found = self.audit.kinds(start, self.system.user)
        return ", ".join(
            f"{what} {count / self.size:.2f}" for what, count in sorted(found.items()) if count > self.size / 50
        )

    def traffic(self, start: int) -> str:
        return f"{self.audit.requests(start, self.system.user)} ({self.audit.writes(start, self.system.user)})"

    def role(self, program: str) -> str:
        return "controller" if program in ("metacontroller", "kyma") else program

    def cpu(self) -> dict[str, float]:
        return {name: sum(map(cpu_seconds, tree(pid))) for name, pid in self.system.running().items()}

    def note_cpu(self, row: str, before: dict[str, float]) -> None:
        found = {self.role(name): now - before.get(name, 0) for name, now in self.cpu().items()}
        parts = [f"{name} {seconds:.1f}" for name, seconds in found.items() if seconds >= 0.05]
        self.rows[row] = f"{sum(found.values()):.1f}: {', '.join(parts)}"
