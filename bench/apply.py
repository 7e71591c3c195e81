"""
Time and API requests from an apply to a Ready Function: `python bench/apply.py [--functions 50]`.

Starts the stack of tests/cluster (KUBEBUILDER_ASSETS, metacontroller on PATH) and creates Functions one after the other
through the API. Times depend on the machine; numbers of requests and bytes do not.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.cases import CASES, Case
from support.cluster.control_plane import WRITES, ControlPlane, find_assets, wait_until
from support.cluster.stack import GROUP, Stack

NAMESPACE = "default"
SPECS: dict[str, dict[str, Any]] = {
    "3 kinds": {},
    "4 kinds": {"scaleConfig": {"minReplicas": 1, "maxReplicas": 3}},
}


def main() -> None:
    """Measure both kinds of Functions and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--functions", type=int, default=50, help="number of Functions of each kind (default: %(default)s)"
    )
    count = parser.parse_args().functions
    assets = find_assets()
    if assets is None:
        sys.exit("KUBEBUILDER_ASSETS does not name a directory with etcd, kube-apiserver ...")
    with tempfile.TemporaryDirectory() as directory:
        plane = ControlPlane(assets, Path(directory))
        stack = Stack(plane)
        try:
            plane.start()
            stack.install()
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
    """Create `count` Functions one after the other, wait until all are Ready, and print times from the audit log."""
    mark, names = stack.plane.mark(), [f"f{shape.replace(' ', '-')}-{number}" for number in range(count)]
    for name in names:
        create(stack, name, spec)
        wait_until(partial(stack.get, "deployments", NAMESPACE, name), f"the Deployment of {name}", interval=0.3)
    deadline = time.monotonic() + 120
    while not all(stack.is_ready(NAMESPACE, name) for name in names):
        if time.monotonic() > deadline:
            sys.exit("not every Function became Ready within 120 s")
    time.sleep(8)
    requested = {
        what: received(event) for event, what in stack.plane.events(mark, "admin") if event["verb"] == "create"
    }
    events = stack.plane.events(mark)
    made = {
        what: done(event) for event, what in events if event["verb"] == "create" and what.startswith("deployments ")
    }
    waits = [
        1000 * (made[f"deployments {NAMESPACE}/{name}"] - requested[f"functions {NAMESPACE}/{name}"]).total_seconds()
        for name in names
    ]
    verbs = Counter(event["verb"] for event, _ in events if event["verb"] not in ("list", "watch"))
    writes = sum(number for verb, number in verbs.items() if verb in WRITES)
    print(
        f"{shape}: apply to Deployment p50 {statistics.median(waits):.0f} ms, "
        f"p95 {statistics.quantiles(waits, n=20)[18]:.0f} ms of {count}; "
        f"until Ready {sum(verbs.values()) / count:.1f} requests, {writes / count:.1f} of them writes, a Function"
    )


def create(stack: Stack, name: str, spec: dict[str, Any]) -> None:
    source = {"inline": {"source": "module.exports = {main: () => 'hi'}\n"}}
    body = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": {"name": name}}
    body["spec"] = {"runtime": "nodejs22", "source": source} | spec
    code, response = stack.plane.call("POST", f"{GROUP}/namespaces/{NAMESPACE}/functions", body)
    if code != 201:
        sys.exit(f"the API server rejected the Function: {response}")


def received(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["requestReceivedTimestamp"])


def done(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["stageTimestamp"])


def print_sizes() -> None:
    """Print the size of some responses of the hook."""
    for case in ("minimal-nodejs", "scale-new", "dependencies-nodejs"):
        response = Case.load(CASES / case).answer()
        print(f"response of case {case}: {len(json.dumps(response, separators=(',', ':')))} bytes")


if __name__ == "__main__":
    main()
