"""
How long an apply takes, and what it costs: `python bench/apply.py [--functions 50]`.

Starts the stack of tests/cluster (KUBEBUILDER_ASSETS, metacontroller on PATH), creates Functions one after the other
through the API, and prints a table. Times are of this machine; requests and bytes travel.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "cluster")]

import yaml
from cases import CASES
from control_plane import WRITES, ControlPlane, find_assets, wait_until
from stack import GROUP, Stack

NAMESPACE = "default"
SPECS: dict[str, dict[str, Any]] = {
    "3 kinds": {},
    "4 kinds": {"scaleConfig": {"minReplicas": 1, "maxReplicas": 3}},
}


def main() -> None:
    """Measure both shapes of Function and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", type=int, default=50, help="how many of each shape (default: %(default)s)")
    count = parser.parse_args().functions
    assets = find_assets()
    if assets is None:
        sys.exit("KUBEBUILDER_ASSETS does not name a directory with etcd, kube-apiserver ...")
    with tempfile.TemporaryDirectory() as directory:
        plane = ControlPlane(assets, Path(directory))
        stack = Stack(plane)
        try:
            plane.start()
            stack.install(resync_seconds=None)
            stack.start_hook()
            stack.start_metacontroller()
            time.sleep(3)
            for shape, spec in SPECS.items():
                measure(stack, shape, spec, count)
        finally:
            stack.processes.stop_all()
            plane.stop()
    print_sizes()


def measure(stack: Stack, shape: str, spec: dict[str, Any], count: int) -> None:
    """Create `count` Functions, one after the other, and wait until all are Ready."""
    mark, name = stack.plane.mark(), shape.replace(" ", "-")
    waits = [1000 * until_deployment(stack, f"f{name}-{number}", spec) for number in range(count)]
    deadline = time.monotonic() + 120
    while not all(stack.is_ready(NAMESPACE, f"f{name}-{number}") for number in range(count)):
        if time.monotonic() > deadline:
            sys.exit("not every Function became Ready within 120 s")
    time.sleep(8)
    verbs = Counter(event["verb"] for event, _ in stack.plane.events(mark) if event["verb"] not in ("list", "watch"))
    writes = sum(number for verb, number in verbs.items() if verb in WRITES)
    cut = statistics.quantiles(waits, n=20)
    print(
        f"{shape}: apply to Deployment p50 {statistics.median(waits):.0f} ms, p95 {cut[18]:.0f} ms of {count}; "
        f"until Ready {sum(verbs.values()) / count:.1f} requests, {writes / count:.1f} of them writes, a Function"
    )


def until_deployment(stack: Stack, name: str, spec: dict[str, Any]) -> float:
    """Return the seconds from a Function's creation until its Deployment exists."""
    source = {"inline": {"source": "module.exports = {main: () => 'hi'}\n"}}
    body = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": {"name": name}}
    body["spec"] = {"runtime": "nodejs22", "source": source} | spec
    start = time.perf_counter()
    code, answer = stack.plane.call("POST", f"{GROUP}/namespaces/{NAMESPACE}/functions", body)
    if code != 201:
        sys.exit(f"the Function was refused: {answer}")
    wait_until(lambda: stack.get("deployments", NAMESPACE, name), f"the Deployment of {name}", interval=0.002)
    return time.perf_counter() - start


def print_sizes() -> None:
    """Print the bytes of some answers."""
    for case in ("minimal-nodejs", "scale-new", "dependencies-nodejs"):
        answer = yaml.safe_load((CASES / case / "response.yaml").read_text(encoding="utf-8"))
        print(f"answer of case {case}: {len(json.dumps(answer, separators=(',', ':')))} bytes")


if __name__ == "__main__":
    main()
