"""
How fast Functions from Git follow their repository, and what that costs: `python bench/git.py [--functions 200]`.

Starts the stack of tests/cluster with source-controller (KUBEBUILDER_ASSETS, metacontroller on PATH, Go) and a remote
on loopback. No node is needed: a time ends when the Deployment requests the commit, as the audit log has it; what
follows is an ordinary start (bench/start.py). Times depend on the machine; numbers of requests do not.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
os.environ["BUILDLESS_ALL"] = "1"  # builds source-controller if it is not in the cache

from support.cluster.control_plane import WRITES, find_assets, wait_until
from support.cluster.functions import create_function
from support.cluster.git_functions import INTERVAL, GitStack, git_stack
from support.cluster.git_repository import Repository
from support.cluster.stack import GROUP, PREFIX

NAMESPACE = "bench-git"
KYMA = "5 to 10 minutes"
"""Kyma's documented interval between two looks at a repository."""
MINUTE = 60


class Bench:
    """A repository in a namespace, and the Functions that follow it."""

    def __init__(self, git: GitStack) -> None:
        self.git, self.plane, self.number = git, git.plane, 0
        self.plane.kubectl("create", "namespace", NAMESPACE)
        self.code = git.repository("bench")
        self.url = f"{git.http.url}/{self.code.bare.name}"

    def apply(self) -> float:
        """Return the seconds from the creation of a Function to that of its Deployment."""
        self.number += 1
        name, mark = f"apply-{self.number}", self.plane.mark()
        self.git.create(NAMESPACE, name, self.url)
        self.git.until_runs(NAMESPACE, name, self.code.commits()[-1])
        time.sleep(0.5)
        asked = self.event(mark, "admin", f"functions {NAMESPACE}/{name}", "requestReceivedTimestamp")
        return self.event(mark, "metacontroller", f"deployments {NAMESPACE}/{name}", "stageTimestamp") - asked

    def push(self, *, trigger: bool) -> float:
        """Return the seconds from a push to the new commit in the Deployment of the Function `apply-1`."""
        name, mark = "apply-1", self.plane.mark()
        # At another point of the interval each time.
        time.sleep(self.number * 0.37 * INTERVAL % INTERVAL)
        self.number += 1
        commit, pushed = self.code.push({"handler.py": f"push {self.number}"}), time.time()
        if trigger:
            self.git.fetch(NAMESPACE, name, str(self.number))
        self.git.until_runs(NAMESPACE, name, commit, 6 * INTERVAL)
        time.sleep(0.5)
        return self.event(mark, "metacontroller", f"deployments {NAMESPACE}/{name}", "stageTimestamp") - pushed

    def event(self, mark: int, user: str, target: str, stamp: str) -> float:
        """Return when the user wrote this object first since then, in seconds since 1970."""
        for event, what in self.plane.events(mark, user):
            if what == target and event["verb"] in WRITES and event["responseStatus"]["code"] < 400:
                return datetime.fromisoformat(event[stamp]).timestamp()
        raise AssertionError(f"{user} has not written {target}")

    def many(self, count: int, source: Callable[[], Any]) -> list[str]:
        """Follow one repository with `count` Functions; return a row of the table for a minute at rest and a push."""
        names = [f"f{number}" for number in range(count)]
        begun = time.monotonic()
        for name in names:
            create_function(self.git.stack, NAMESPACE, name, source=source(), replicas=0)
        self.all_run(names, self.code)
        applied = time.monotonic() - begun
        time.sleep(2 * INTERVAL)
        requests, cpu = self.git.http.requests.total(), self.cpu()
        time.sleep(MINUTE)
        at_rest = [self.git.http.requests.total() - requests, self.cpu() - cpu]
        self.code.push({"handler.py": f"many {time.time()}"})
        requests, cpu, begun = self.git.http.requests.total(), self.cpu(), time.monotonic()
        self.all_run(names, self.code)
        pushed = [time.monotonic() - begun, self.git.http.requests.total() - requests, self.cpu() - cpu]
        row = [f"{applied:.1f}", f"{at_rest[0]}", f"{at_rest[1]:.1f}", f"{pushed[0]:.1f}", f"{pushed[1]}"]
        row += [f"{pushed[2]:.1f}", f"{self.memory():.0f}"]
        self.clean()
        return row

    def all_run(self, names: list[str], code: Repository) -> None:
        commit = code.commits()[-1]
        wait_until(lambda: all(self.git.runs(NAMESPACE, name) == commit for name in names), "the commit", 600, 0.5)

    def clean(self) -> None:
        """Delete every Function, and wait until none is left: their GitRepositories go before them."""
        self.plane.call("DELETE", f"{GROUP}/namespaces/{NAMESPACE}/functions")
        wait_until(lambda: not self.git.stack.list("functions", NAMESPACE), "the deletion", 300)

    def cpu(self) -> float:
        """Return the CPU seconds of source-controller."""
        ticks = Path(f"/proc/{self.pid()}/stat").read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Return the resident memory of source-controller, in MiB."""
        lines = Path(f"/proc/{self.pid()}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def pid(self) -> int:
        return self.git.sources.processes.running["source-controller"].pid

    def shared(self) -> None:
        """Create the GitRepository to which all Functions may refer."""
        spec = {"url": self.url, "interval": f"{INTERVAL}s", "ref": {"branch": "main"}}
        body = {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository"}
        path = f"{PREFIX['gitrepositories']}/namespaces/{NAMESPACE}/gitrepositories"
        self.plane.call("POST", path, body | {"metadata": {"name": "shared"}, "spec": spec})


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10, help="Functions and pushes of each kind (default: %(default)s)")
    parser.add_argument("--functions", type=int, default=200, help="on one repository (default: %(default)s)")
    args = parser.parse_args()
    if find_assets() is None:
        sys.exit("KUBEBUILDER_ASSETS does not name a directory with etcd, kube-apiserver ...")
    with tempfile.TemporaryDirectory() as directory, git_stack(Path(directory)) as git:
        bench = Bench(git)
        print_times(bench, args.runs)
        bench.clean()
        print_costs(bench, args.functions)


def print_times(bench: Bench, runs: int) -> None:
    bench.apply()  # not measured: the first sync of a hook is slow
    print(f"Seconds until the Deployment requests the commit, of {runs} each; interval {INTERVAL} s.\n")
    print("| from | p50 | max | Kyma's poller |\n|---|---|---|---|")
    rows: dict[str, tuple[Callable[[], float], str]] = {
        "apply of the Function": (bench.apply, "-"),
        "push": (lambda: bench.push(trigger=False), KYMA),
        "push, fetch requested": (lambda: bench.push(trigger=True), "not possible"),
    }
    for name, (measure, peer) in rows.items():
        times = [measure() for _ in range(runs)]
        print(f"| {name} | {statistics.median(times):.2f} | {max(times):.2f} | {peer} |", flush=True)


def print_costs(bench: Bench, count: int) -> None:
    print(f"\n{count} Functions on one repository; interval {INTERVAL} s. CPU and memory: source-controller.\n")
    print("| source | apply to commit, all, s | at rest: requests to Git / min | CPU s / min", end=" ")
    print("| push to commit, all, s | requests | CPU s | MiB |\n|---|---|---|---|---|---|---|---|")
    own = {"gitRepository": {"url": bench.url, "baseDir": "/", "reference": "main"}}
    print("| gitRepository, one each |", " | ".join(bench.many(count, lambda: own)), "|", flush=True)
    bench.shared()
    reference = {"sourceRef": {"kind": "GitRepository", "name": "shared"}}
    print("| sourceRef, one for all |", " | ".join(bench.many(count, lambda: reference)), "|", flush=True)


if __name__ == "__main__":
    main()
