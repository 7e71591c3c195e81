"""
The cost of pods as related objects in Metacontroller: `python bench/related.py [--functions 100 300 1000]`.

For each number of Functions, with two pods each, starts the stack of tests/cluster (KUBEBUILDER_ASSETS, metacontroller
on PATH) once with the customize hook and once without, changes every pod once and waits until no hook is called.
Prints a table in Markdown: Metacontroller's CPU time per change, its memory, and the number of hook calls.
"""

import argparse
import os
import re
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.cluster.control_plane import WRITES, ControlPlane, find_assets
from support.cluster.stack import GROUP, Stack

NAMESPACE = "default"
SOURCE = "module.exports = {main: () => 'hi'}\n"
READY = {
    "phase": "Running",
    "conditions": [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "ContainersReady")],
}
TIMEOUT = 1200
CALLERS = 4


class Metacontroller:
    """The running process: CPU and memory from /proc, hook calls from its metrics."""

    def __init__(self, stack: Stack) -> None:
        self.pid = stack.processes.running["metacontroller"].pid
        (address,) = (f.partition("=")[2] for f in stack.metacontroller_flags if f.startswith("--metrics-address"))
        self.url = f"http://{address}/metrics"

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> float:
        (kilobytes,) = re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        return int(kilobytes) / 1024

    def hook_calls(self) -> dict[str, int]:
        """Return the number of calls of each hook so far."""
        with urllib.request.urlopen(self.url) as response:
            page = response.read().decode()
        found: dict[str, int] = {}
        for kind, value in re.findall(r"^metacontroller_(\w+)_requests_total\{.*\} (\S+)$", page, re.MULTILINE):
            found[kind] = found.get(kind, 0) + int(float(value))
        return found


def main() -> None:
    """Measure each size without and with pods, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", type=int, nargs="+", default=[100, 300, 1000], help="(default: %(default)s)")
    sizes = parser.parse_args().functions
    assets = find_assets()
    if assets is None:
        sys.exit("KUBEBUILDER_ASSETS does not name a directory with etcd, kube-apiserver ...")
    print("| Functions | related pods | CPU ms per pod change | memory MB | syncs | customize calls | writes |")
    print("|---|---|---|---|---|---|---|")
    for size in sizes:
        for with_pods in (False, True):
            with tempfile.TemporaryDirectory() as directory:
                print(
                    f"| {size} | {'yes' if with_pods else 'no'} | {row(Path(directory), size, with_pods)} |", flush=True
                )


def row(directory: Path, size: int, with_pods: bool) -> str:
    """Return the measured columns of one row."""
    assets = find_assets()
    assert assets is not None
    plane = ControlPlane(assets, directory)
    stack = Stack(plane)
    try:
        plane.start()
        stack.install(without_hooks=() if with_pods else ("customize",))
        stack.start_hook()
        stack.start_metacontroller()
        with ThreadPoolExecutor(CALLERS) as callers:
            return figures(stack, size, callers)
    finally:
        stack.processes.stop_all()
        plane.stop()


def figures(stack: Stack, size: int, callers: ThreadPoolExecutor) -> str:
    list(callers.map(lambda number: create(stack, f"f{number}"), range(size)))
    pods = until_ready(stack, size, callers)
    metacontroller = Metacontroller(stack)
    until_idle(metacontroller)
    mark, cpu, before = stack.plane.mark(), metacontroller.cpu_seconds(), metacontroller.hook_calls()
    list(callers.map(lambda pod: count_restart(stack, pod), pods))
    until_idle(metacontroller)
    calls = {kind: number - before.get(kind, 0) for kind, number in metacontroller.hook_calls().items()}
    writes = sum(event["verb"] in WRITES for event, _ in stack.plane.events(mark))
    milliseconds = 1000 * (metacontroller.cpu_seconds() - cpu) / len(pods)
    columns = [f"{milliseconds:.1f}", f"{metacontroller.megabytes():.0f}", calls.get("sync", 0)]
    return " | ".join(map(str, [*columns, calls.get("customize", 0), writes]))


def create(stack: Stack, name: str) -> None:
    body: dict[str, Any] = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function"}
    spec = {"runtime": "nodejs22", "replicas": 2, "source": {"inline": {"source": SOURCE}}}
    body |= {"metadata": {"name": name}, "spec": spec}
    code, response = stack.plane.call("POST", f"{GROUP}/namespaces/{NAMESPACE}/functions", body)
    if code != 201:
        sys.exit(f"the API server rejected the Function: {response}")


def until_ready(stack: Stack, size: int, callers: ThreadPoolExecutor) -> list[str]:
    """Set each pod Ready, as a kubelet would, until every Function is Ready; return the names of the pods."""
    deadline, done = time.monotonic() + TIMEOUT, set[str]()
    while time.monotonic() < deadline:
        new = [pod["metadata"]["name"] for pod in stack.list("pods", NAMESPACE)]
        list(callers.map(lambda pod: set_status(stack, pod, READY), [pod for pod in new if pod not in done]))
        done |= set(new)
        if len(done) == 2 * size and all(is_ready(function) for function in stack.list("functions", NAMESPACE)):
            return sorted(done)
        time.sleep(1)
    sys.exit(f"not every Function became Ready within {TIMEOUT} s")


def is_ready(function: dict[str, Any]) -> bool:
    conditions = function.get("status", {}).get("conditions", ())
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


def count_restart(stack: Stack, pod: str) -> None:
    status = {"name": "function", "image": "", "imageID": "", "ready": True, "restartCount": 1}
    set_status(stack, pod, {"containerStatuses": [status]})


def set_status(stack: Stack, pod: str, status: dict[str, Any]) -> None:
    stack.patch("pods", NAMESPACE, pod, {"status": status}, status=True)


def until_idle(metacontroller: Metacontroller) -> None:
    """Wait until no hook has been called for five seconds."""
    last, since = metacontroller.hook_calls(), time.monotonic()
    while time.monotonic() - since < 5:
        time.sleep(0.5)
        if (now := metacontroller.hook_calls()) != last:
            last, since = now, time.monotonic()


if __name__ == "__main__":
    main()
