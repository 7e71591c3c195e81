"""Functions that the cluster scales: by CPU with metrics-server, and to zero and back with KEDA (docs/scaling.md)."""

import contextlib
import itertools
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.pages import manifest
from support.cluster.processes import Processes
from support.cluster.stack import Stack
from support.node.api_services import node_address
from support.node.keda import running_keda
from support.node.load import steady
from support.node.metrics_server import running_metrics_server
from support.node.testbed import Functions

BUSY, QUIET = 0.02, 0.4
"""Seconds that each of the callers pauses: some 300 requests per second, and 20."""
PAGE = "scaling.md"
QUICKLY: Manifest = {"spec": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 15}}}}
SCALE = "/apis/serverless.kyma-project.io/v1alpha2/namespaces/{}/functions/{}/scale"


@pytest.fixture(scope="module")
def measured(stack: Stack) -> Iterator[None]:
    """The cluster with metrics-server."""
    with running_metrics_server(stack):
        yield


@pytest.fixture(scope="module")
def keda(stack: Stack) -> Iterator[None]:
    """The cluster with KEDA."""
    with running_keda(stack):
        yield


class Queue:
    """A server on this machine that answers with the number of waiting jobs."""

    def __init__(self, host: str) -> None:
        queue, self.waiting = self, 0

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({"waiting": queue.waiting}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer((host, 0), Handler)
        self.url = f"http://{host}:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def queue(stack: Stack) -> Iterator[Queue]:
    made = Queue(node_address(stack.plane))
    yield made
    made.server.shutdown()
    made.server.server_close()


def apply(functions: Functions, object_: Manifest) -> None:
    functions.plane.kubectl("apply", "-n", functions.namespace, "-f", "-", stdin=object_)


def get(functions: Functions, resource: str, name: str) -> Manifest:
    return functions.stack.get(resource, functions.namespace, name) or {}


def running(functions: Functions, name: str) -> int:
    """Return the number of pods that are ready and not being deleted."""
    pods = [pod for pod in functions.pods(name) if "deletionTimestamp" not in pod["metadata"]]
    ready = [each for pod in pods for each in pod["status"].get("conditions", ()) if each["type"] == "Ready"]
    return sum(each["status"] == "True" for each in ready)


@contextlib.contextmanager
def observed_replicas(functions: Functions, name: str) -> Iterator[list[int]]:
    """Yield a list that has, after the block, every number of replicas that the Deployment had, in their order."""
    processes, seen = Processes(functions.plane.directory), list[int]()
    command = [str(functions.plane.assets / "kubectl"), f"--kubeconfig={functions.plane.kubeconfig('admin')}", "get"]
    command += ["deployment", name, "-n", functions.namespace, "--watch", "-o", "jsonpath={.spec.replicas} "]
    processes.start(f"watch-{functions.namespace}", command)
    try:
        yield seen
    finally:
        processes.stop_all()
        every = processes.log(f"watch-{functions.namespace}").split()
        seen.extend(int(number) for number, _ in itertools.groupby(every))


def rescales(functions: Functions) -> int:
    """Return how often an autoscaler has set a number of pods in the namespace."""
    found = functions.plane.call("GET", f"/api/v1/namespaces/{functions.namespace}/events")[1]["items"]
    return sum(each.get("count") or 1 for each in found if each["reason"] == "SuccessfulRescale")


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("target", ["Deployment", "Function"])
def test_one_pod_becomes_three_and_one_again(functions: Functions, target: str) -> None:
    """No request fails meanwhile; only the autoscaler changes the Deployment's replicas, and nothing the autoscaler."""
    function = manifest(PAGE, "By CPU or memory")
    if target == "Function":
        del function["spec"]["scaleConfig"]
    apply(functions, function)
    functions.wait_until_ready("shop")
    if target == "Function":
        flags = ("--min=1", "--max=3", "--cpu=60%", "-n", functions.namespace)
        functions.plane.kubectl("autoscale", "function", "shop", *flags)
    functions.stack.patch("horizontalpodautoscalers", functions.namespace, "shop", QUICKLY)
    autoscaler = get(functions, "horizontalpodautoscalers", "shop")["spec"]
    assert autoscaler["scaleTargetRef"]["kind"] == target
    with observed_replicas(functions, "shop") as seen, steady(functions.node_port("shop"), BUSY) as load:
        wait_until(lambda: running(functions, "shop") == 3, "three pods", 300, interval=1)
        busy, load.pause = load.requests, QUIET
        wait_until(lambda: len(functions.pods("shop")) == 1, "one pod", 600, interval=1)
    assert load.errors == []
    assert set(load.answers) == {"sold"}
    assert (seen[0], max(seen), seen[-1]) == (1, 3, 1)
    assert len(seen) == rescales(functions) + 1
    assert get(functions, "horizontalpodautoscalers", "shop")["spec"] == autoscaler
    functions.wait_until_ready("shop")
    print(f"{target}: {load.requests} requests, {busy} of them while busy; replicas {seen}")


@pytest.mark.usefixtures("keda")
def test_keda_scales_to_zero_and_back(functions: Functions, queue: Queue) -> None:
    """No pod without work, one with some, none again; at zero the Function is Ready and refuses requests."""
    functions.create("worker", "def main(event, context):\n    return 'done'\n")
    functions.wait_until_ready("worker")
    scaler = manifest(PAGE, "With KEDA")
    scaler["spec"]["triggers"][0]["metadata"]["url"] = queue.url
    scaler["spec"]["cooldownPeriod"] = 5
    apply(functions, scaler)
    for jobs, pods in ((0, 0), (5, 1), (0, 0)):
        queue.waiting = jobs
        wait_until(partial(is_scaled, functions, "worker", pods), f"{pods} pods", 400)
        functions.wait_until_ready("worker")
        reason = functions.condition("worker")["reason"]
        assert reason == ("DeploymentReady" if pods else "ScaledToZero")
        if pods:
            assert functions.get("worker") == (200, "done")
        else:
            with pytest.raises(ConnectionRefusedError):
                functions.get("worker", timeout=5)


def is_scaled(functions: Functions, name: str, number: int) -> bool:
    """Return whether the Function's scale wants and has this number of pods."""
    scale = functions.plane.call("GET", SCALE.format(functions.namespace, name))[1]
    counts = (scale["spec"].get("replicas", 0), scale["status"].get("replicas", 0), running(functions, name))
    return counts == (number, number, number) and len(functions.pods(name)) == number
