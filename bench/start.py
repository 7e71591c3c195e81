"""
Seconds from the apply of a Function to its first response: `python bench/start.py [--runs 10] [--peer-runs 10]`.

Needs a real node, as tests/node does (KUBECONFIG, BUILDLESS_IMAGE_IMPORT, metacontroller on PATH), and prints tables in
Markdown. Each Function is compared with two Deployments in the same image: its own children, applied by hand, as the
lower bound; and a pod that starts as the peer's: with an install in the main container at every start, `npm start`
and a startup probe of 5 s. --probes compares probe settings on a Deployment instead. Only the ratios hold elsewhere.
"""

import argparse
import contextlib
import http.client
import json
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.cluster.stack import GROUP, Stack
from support.node.testbed import missing, running

from hooks.config import Config
from hooks.protocol import HookRequest
from hooks.sync import sync

NAMESPACE = "bench-start"
RUNTIME = {"python": "python312", "nodejs": "nodejs22"}
# Each responds with the times of its own start, in seconds since 1970, and the CPU seconds of the process until then.
SOURCE = {
    "python": """\
import os, time
ticks = int(open("/proc/1/stat").read().rpartition(")")[2].split()[19])
boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
{imports}
ABOUT = {{"version": {version}, "started": boot + ticks / os.sysconf("SC_CLK_TCK"), "loaded": time.time(),
         "cpu": time.process_time()}}

def main(event, context):
    return ABOUT
""",
    "nodejs": """\
const {{ readFileSync }} = require('fs');
const ticks = Number(readFileSync('/proc/1/stat', 'utf8').split(') ').pop().split(' ')[19]);
const boot = Date.now() / 1000 - Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
{imports}
const {{ user, system }} = process.cpuUsage();
const cpu = (user + system) / 1e6;
const about = {{ version: {version}, started: boot + ticks / 100, loaded: Date.now() / 1000, cpu }};

module.exports = {{ main: () => about }};
""",
}
PACKAGES = {"python": ("flask", "requests", "pydantic"), "nodejs": ("lodash", "axios", "dayjs")}
PEER = {
    "python": """\
set -e
printf '%s' "$FUNC_HANDLER_SOURCE" > handler.py
printf '%s' "$FUNC_HANDLER_DEPENDENCIES" > requirements.txt
export PYTHONPATH=/kubeless/.local
pip install --target=/kubeless/.local --no-cache-dir -r requirements.txt
cd ..
python server.py
""",
    "nodejs": """\
set -e
export npm_config_cache=/tmp
printf '%s' "$FUNC_HANDLER_SOURCE" > handler.js
printf '%s' "${FUNC_HANDLER_DEPENDENCIES:-{\\}}" > package.json
npm install --prefer-offline --no-audit --progress=false
cd ..
npm start
""",
}
READINESS = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1, "timeoutSeconds": 2}
PROBES: dict[str, dict[str, dict[str, Any]]] = {
    "readiness 1 s": {"readinessProbe": READINESS},
    "startup 1 s, readiness 1 s": {"startupProbe": READINESS | {"failureThreshold": 150}, "readinessProbe": READINESS},
    "startup 1 s, readiness 5 s": {
        "startupProbe": READINESS | {"failureThreshold": 150},
        "readinessProbe": READINESS | {"periodSeconds": 5},
    },
    "startup 1 s alone": {"startupProbe": READINESS | {"failureThreshold": 150}},
}
TIMEOUT = 300

Manifest = dict[str, Any]
Times = dict[str, float]


class Pods:
    """When a watch first reported each pod of the namespace, its node and its readiness, in seconds since 1970."""

    def __init__(self, url: str) -> None:
        self.seen: dict[str, Times] = defaultdict(dict)
        self.url = f"{url}/api/v1/namespaces/{NAMESPACE}/pods?watch=1"
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        # The API server ends a watch after half an hour or more; a new one starts with the existing pods.
        with contextlib.suppress(OSError):  # at the end of the benchmark
            while True:
                with urllib.request.urlopen(self.url) as stream:
                    for line in stream:
                        self._note(json.loads(line)["object"])

    def _note(self, pod: Manifest) -> None:
        times = self.seen[pod["metadata"]["name"]]
        times.setdefault("pod", time.time())
        if pod["spec"].get("nodeName"):
            times.setdefault("scheduled", time.time())
        for condition in pod["status"].get("conditions", ()):
            if (condition["type"], condition["status"]) == ("Ready", "True"):
                times.setdefault("ready", time.time())

    def of(self, name: str) -> Times:
        """Return the times of the only pod of the Deployment `name`, {} if there is none."""
        return next((times for pod, times in self.seen.items() if pod.startswith(f"{name}-")), {})


class Bench:
    """A cluster on which Functions and Deployments are started and measured."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.plane = stack.plane
        self.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        self.pods = Pods(self.plane.url)
        self.number = 0

    def post(self, path: str, body: Manifest) -> Manifest:
        code, answer = self.plane.call("POST", path, body)
        if code not in (201, 409):
            sys.exit(f"POST {path}: {answer}")
        return answer

    def start(self, create: Callable[[str], None]) -> tuple[str, Times]:
        """Call `create` with a new name and wait for the first response; return the seconds until each step."""
        self.number += 1
        name = f"f{self.number}"
        begun = time.time()
        create(name)
        answer = self.answer(name, 1)
        answered = time.time()
        while "ready" not in self.pods.of(name):
            if time.time() > answered + TIMEOUT:
                sys.exit(f"{name} responds, but its pod has not become Ready")
            time.sleep(0.01)
        times = self.pods.of(name) | {"started": answer["started"], "loaded": answer["loaded"], "answer": answered}
        return name, {step: at - begun for step, at in times.items()} | {"cpu": answer["cpu"]}

    def answer(self, name: str, version: int) -> Manifest:
        """Send requests to the Service until the code of `version` responds."""
        address, deadline = "", time.time() + TIMEOUT
        while time.time() < deadline:
            if not address and (service := self.stack.get("services", NAMESPACE, name)):
                address = service["spec"]["clusterIP"]
            if address and (answer := response_of(address)) and answer["version"] == version:
                return answer
            time.sleep(0.02)
        sys.exit(
            f"{name} did not respond within {TIMEOUT} s:\n{self.plane.kubectl('describe', 'pods', '-n', NAMESPACE)}"
        )

    def edit(self, name: str, spec: Manifest) -> Times:
        begun = time.time()
        self.stack.patch("functions", NAMESPACE, name, {"spec": {"source": spec["source"]}})
        self.answer(name, 2)
        return {"edit": time.time() - begun}

    def clean(self) -> None:
        """Delete everything at once and wait until no pod is left."""
        for path in (f"{GROUP}/namespaces/{NAMESPACE}/functions", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"):
            self.plane.call("DELETE", path)
        while pods := self.stack.list("pods", NAMESPACE):
            for pod in pods:
                path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod['metadata']['name']}"
                self.plane.call("DELETE", path, {"gracePeriodSeconds": 1})
            time.sleep(0.3)
        for service in self.stack.list("services", NAMESPACE):
            self.plane.call("DELETE", f"/api/v1/namespaces/{NAMESPACE}/services/{service['metadata']['name']}")

    def function(self, spec: Manifest) -> Callable[[str], None]:
        """Return a function that applies a Function with this spec."""
        body = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "spec": spec}
        path = f"{GROUP}/namespaces/{NAMESPACE}/functions"
        return lambda name: ignore(self.post(path, body | {"metadata": {"name": name}}))

    def children_by_hand(self, spec: Manifest, change: Callable[[Manifest], None]) -> Callable[[str], None]:
        """Return a function that applies the children of a Function, after `change` has edited the pod spec."""

        def create(name: str) -> None:
            for child in children(name, spec):
                if child["kind"] == "Deployment":
                    change(child["spec"]["template"]["spec"])
                prefix = "/apis/apps/v1" if child["kind"] == "Deployment" else "/api/v1"
                self.post(f"{prefix}/namespaces/{NAMESPACE}/{child['kind'].lower()}s", child)

        return create


def response_of(address: str) -> Manifest | None:
    connection = http.client.HTTPConnection(address, 80, timeout=1)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return json.loads(body) if answer.status == 200 else None


def children(name: str, spec: Manifest) -> list[Manifest]:
    metadata = {"name": name, "namespace": NAMESPACE, "uid": f"by-hand-{name}", "generation": 1}
    parent = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function"}
    body = {"parent": parent | {"metadata": metadata, "spec": spec}, "children": {}, "finalizing": False, "related": {}}
    return deepcopy(sync(HookRequest.parse(body), Config(), now=datetime.now(UTC)).children)


def spec_of(language: str, size: str, packages: bool, version: int = 1) -> Manifest:
    names = PACKAGES[language] if packages else ()
    if language == "python":
        imports, dependencies = "\n".join(f"import {name}" for name in names), "".join(f"{name}\n" for name in names)
    else:
        imports = "\n".join(f"require('{name}');" for name in names)
        dependencies = json.dumps({"dependencies": dict.fromkeys(names, "*")}) if names else ""
    inline = {"source": SOURCE[language].format(version=version, imports=imports), "dependencies": dependencies}
    resources = {"function": {"profile": size}}
    return {
        "runtime": RUNTIME[language],
        "source": {"inline": inline},
        "resourceConfiguration": resources,
        "replicas": 1,
    }


def as_the_peer(language: str) -> Callable[[Manifest], None]:
    """Return a function that changes a pod spec so that the pod starts as the peer's does."""

    def change(pod: Manifest) -> None:
        (main,) = pod["containers"]
        for step in pod.pop("initContainers", ()):
            main["env"] += [entry for entry in step["env"] if entry["name"] not in {e["name"] for e in main["env"]}]
        main["command"] = ["sh", "-c", PEER[language]]
        probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5}
        main["startupProbe"] = probe | {"failureThreshold": 60}
        main["readinessProbe"] = probe | {"timeoutSeconds": 2, "failureThreshold": 1}
        main["livenessProbe"] = probe | {"timeoutSeconds": 4}
        del main["lifecycle"]

    return change


def with_probes(probes: dict[str, Manifest]) -> Callable[[Manifest], None]:
    def change(pod: Manifest) -> None:
        (main,) = pod["containers"]
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            main.pop(kind, None)
        main.update(deepcopy(probes))

    return change


def ignore(_: Any) -> None:
    """Ignore a result."""


def main() -> None:
    """Measure in turn and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10, help="runs of each kind of Function (default: %(default)s)")
    parser.add_argument(
        "--peer-runs", type=int, default=10, help="runs of the peer's start, which is slow (default: %(default)s)"
    )
    parser.add_argument("--sizes", default="XS,M,L", help="profiles (default: %(default)s)")
    parser.add_argument("--probes", action="store_true", help="compare probe settings instead")
    args = parser.parse_args()
    if reason := missing():
        sys.exit(reason)
    # After SIGTERM it still prints the results so far and deletes its objects.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped before the last run"))
    with tempfile.TemporaryDirectory() as directory, running(Path(directory)) as stack:
        bench = Bench(stack)
        try:
            if args.probes:
                compare_probes(bench, args.runs)
            else:
                compare(bench, args)
        finally:
            bench.clean()
            stack.plane.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def compare_probes(bench: Bench, runs: int) -> None:
    measured: dict[tuple[str, str], list[Times]] = defaultdict(list)
    for _ in range(runs):
        for language in RUNTIME:
            for name, probes in PROBES.items():
                spec = spec_of(language, "XS", packages=False)
                measured[language, name].append(bench.start(bench.children_by_hand(spec, with_probes(probes)))[1])
                bench.clean()
                # The kubelet lists containers once a second: start at another point of that second each time.
                time.sleep((bench.number * 0.37) % 1)
    print("| language | probes | loaded | Ready p50 | p95 | first 200 p50 | p95 |\n|---|---|---|---|---|---|---|")
    for (language, name), times in measured.items():
        cells = [p50(times, "loaded"), *p50_and_p95(times, "ready"), *p50_and_p95(times, "answer")]
        print(f"| {language} | {name} | " + " | ".join(cells) + " |")


def compare(bench: Bench, args: argparse.Namespace) -> None:
    kinds = [
        (size, language, packages)
        for size in args.sizes.split(",")
        for language in RUNTIME
        for packages in (False, True)
    ]
    ours, floor, peer = (defaultdict[Any, list[Times]](list) for _ in range(3))
    try:
        measure(bench, args, kinds, ours, floor, peer)
    finally:
        print_tables([kind for kind in kinds if ours[kind]], ours, floor, peer)


def measure(bench: Bench, args: argparse.Namespace, kinds: list[Any], ours: Any, floor: Any, peer: Any) -> None:
    """Add the times of each start to its list; every run measures each kind once."""
    for language in RUNTIME:
        # Not measured: the first container of an image reads it from disk, and the first sync of a hook is slow.
        bench.start(bench.function(spec_of(language, "L", packages=True)))
    bench.clean()
    for run in range(max(args.runs, args.peer_runs)):
        for kind in kinds:
            size, language, packages = kind
            spec = spec_of(language, size, packages)
            by_hand = bench.children_by_hand(spec, with_probes({"readinessProbe": READINESS}))
            # Alternate the order: the second of a pair has warm caches.
            for way in ("by hand", "Function") if run % 2 else ("Function", "by hand"):
                if run < args.runs and way == "by hand":
                    floor[kind].append(bench.start(by_hand)[1])
                elif run < args.runs:
                    name, times = bench.start(bench.function(spec))
                    ours[kind].append(times | bench.edit(name, spec_of(language, size, packages, version=2)))
            if run < args.peer_runs:
                peer[kind].append(bench.start(bench.children_by_hand(spec, as_the_peer(language)))[1])
            bench.clean()
            print(f"run {run + 1} {kind}", *(f"{x[kind][-1]['answer']:.2f}" for x in (ours, floor, peer) if x[kind]),
                  file=sys.stderr, flush=True)  # fmt: skip


def print_tables(kinds: list[Any], ours: Any, floor: Any, peer: Any) -> None:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    print(f"{datetime.now(UTC):%Y-%m-%d}, one node with {os.cpu_count()} cores and {memory:.0f} GiB.")
    print("Seconds from apply to the first 200, p50 / p95.\n")
    print(
        "| size | language | packages | runs | without hook | Function | Function / without hook | Ready | edit"
        " | Kyma's method (runs) | Function / Kyma's method |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for kind in kinds:
        size, language, packages = kind
        columns = [size, language, "three" if packages else "none", str(len(ours[kind]))]
        columns += [
            p50_slash_p95(floor[kind], "answer"),
            p50_slash_p95(ours[kind], "answer"),
            ratio(ours[kind], floor[kind]),
        ]
        columns += [p50_slash_p95(ours[kind], "ready"), p50_slash_p95(ours[kind], "edit")]
        columns += [f"{p50_slash_p95(peer[kind], 'answer')} ({len(peer[kind])})", ratio(ours[kind], peer[kind])]
        print("| " + " | ".join(columns) + " |")
    print("\nWhere the time goes, medians: until the pod is made (hook, API), scheduled, its main process started")
    print(
        "(sandbox, volumes, install), the handler loaded (CPU seconds of that), Ready (probe), answered (endpoints).\n"
    )
    print("| size | language | packages | pod | scheduled | started | loaded | CPU s | Ready | answered |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for kind in kinds:
        size, language, packages = kind
        steps = ["pod", "scheduled", "started", "loaded", "cpu", "ready", "answer"]
        cells = [size, language, "three" if packages else "none", *(p50(ours[kind], step) for step in steps)]
        print("| " + " | ".join(cells) + " |")


def p50(times: list[Times], step: str) -> str:
    return f"{statistics.median(each[step] for each in times):.2f}" if times else "-"


def p50_and_p95(times: list[Times], step: str) -> tuple[str, str]:
    every = sorted(each[step] for each in times)
    high = statistics.quantiles(every, n=20, method="inclusive")[18] if len(every) > 1 else every[-1] if every else 0
    return p50(times, step), f"{high:.2f}"


def p50_slash_p95(times: list[Times], step: str) -> str:
    return " / ".join(p50_and_p95(times, step))


def ratio(ours: list[Times], others: list[Times]) -> str:
    if not ours or not others:
        return "-"
    return f"{statistics.median(t['answer'] for t in ours) / statistics.median(t['answer'] for t in others):.2f}"


if __name__ == "__main__":
    main()
