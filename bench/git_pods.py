"""
Seconds until the code of a commit answers on a real node: `python bench/git_pods.py [--runs 10]`.

Needs a node as tests/node does (KUBECONFIG, BUILDLESS_IMAGE_IMPORT, metacontroller on PATH), and Go for
source-controller. Functions of profile XS without packages follow a repository on this machine at an interval of 10 s.
bench/git.py measures the part before the pod, and costs; only the ratios hold on other machines.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
os.environ["BUILDLESS_ALL"] = "1"  # builds source-controller if it is not in the cache

from support.cluster.control_plane import wait_until
from support.cluster.functions import create_function
from support.cluster.git_http import HttpRemote
from support.cluster.git_repository import Repository
from support.cluster.stack import Stack
from support.node.git import running_with_git
from support.node.testbed import Functions, missing, running

NAMESPACE = "bench-git-pods"
INTERVAL = 10
HANDLERS = {
    "python312": ("handler.py", "def main(event, context):\n    return {!r}\n"),
    "nodejs22": ("handler.js", "exports.main = () => {!r};\n"),
}
STEPS = ("apply", "push", "push, fetch requested")


class Bench:
    """One repository of a runtime, and the Functions that follow it."""

    def __init__(self, stack: Stack, remote: HttpRemote, runtime: str) -> None:
        self.functions, self.runtime, self.number = Functions(stack, NAMESPACE), runtime, 0
        self.repository = Repository(remote.folder / f"{runtime}.git")
        git = {"url": f"{remote.url}/{runtime}.git", "baseDir": "/", "reference": "main"}
        self.source = {"gitRepository": git}

    def warm_up(self) -> None:
        """Start a Function: Metacontroller has to discover new kinds, and the first container reads the image."""
        self.push()
        self.create(name := f"{self.runtime}-first")
        self.functions.wait_until_ready(name)
        self.delete(name)

    def create(self, name: str) -> None:
        create_function(self.functions.stack, NAMESPACE, name, runtime=self.runtime, source=self.source, replicas=1)

    def run(self) -> list[float]:
        """Return the seconds of each of STEPS, for a new Function."""
        self.number += 1
        name, version = f"{self.runtime}-{self.number}", self.push()
        begun = time.monotonic()
        self.create(name)
        seconds = [self.until_served(name, version) - begun]
        for trigger in (False, True):
            self.functions.wait_until_ready(name)
            # At another point of the interval each time.
            time.sleep(2 + self.number * 0.37 * INTERVAL % INTERVAL)
            version, begun = self.push(), time.monotonic()
            if trigger:
                annotations = {"reconcile.fluxcd.io/requestedAt": version}
                self.functions.stack.patch("functions", NAMESPACE, name, {"metadata": {"annotations": annotations}})
            seconds.append(self.until_served(name, version) - begun)
        self.delete(name)
        return seconds

    def push(self) -> str:
        """Push code that returns a new text; return the text."""
        file, text = HANDLERS[self.runtime]
        version = f"version-{time.time_ns()}"
        self.repository.push({file: text.format(version)})
        return version

    def until_served(self, name: str, version: str) -> float:
        """Return the time of the first response of a version."""

        def served() -> float | None:
            response = self.functions.response_if_reachable(name)
            return time.monotonic() if response == (200, version) else None

        return float(wait_until(served, f"{name} to return {version}", 180, 0.05))

    def delete(self, name: str) -> None:
        self.functions.plane.kubectl("delete", "function", name, "-n", NAMESPACE)
        wait_until(lambda: not self.functions.pods(name), "the pods to be deleted", 120)


def main() -> None:
    """Measure in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10, help="Functions of each runtime (default: %(default)s)")
    args = parser.parse_args()
    if reason := missing():
        sys.exit(reason)
    with tempfile.TemporaryDirectory() as directory, running(Path(directory)) as stack, running_with_git(stack):
        stack.plane.kubectl("create", "namespace", NAMESPACE)
        (folder := Path(directory) / "remotes").mkdir()
        remote = HttpRemote(folder)
        try:
            print_table(measure([Bench(stack, remote, runtime) for runtime in HANDLERS], args.runs))
        finally:
            remote.close()
            stack.plane.kubectl("delete", "functions", "--all", "-n", NAMESPACE, "--timeout=120s")
            stack.plane.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def measure(benches: list[Bench], runs: int) -> dict[str, list[list[float]]]:
    times = defaultdict(list)
    for bench in benches:
        bench.warm_up()
    for _ in range(runs):
        for bench in benches:
            times[bench.runtime].append(bench.run())
            print(bench.runtime, *(f"{each:.2f}" for each in times[bench.runtime][-1]), file=sys.stderr, flush=True)
    return times


def print_table(times: dict[str, list[list[float]]]) -> None:
    print(f"Seconds to the first response of the code, p50 / max; interval {INTERVAL} s.\n")
    print("| runtime | runs | " + " | ".join(STEPS) + " |\n|---" + "|---" * (len(STEPS) + 1) + "|")
    for runtime, rows in times.items():
        cells = [f"{statistics.median(each):.2f} / {max(each):.2f}" for each in zip(*rows, strict=True)]
        print(f"| {runtime} | {len(rows)} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
