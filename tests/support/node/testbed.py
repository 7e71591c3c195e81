"""
Functions on a real node: the cluster of KUBECONFIG, with the hook and Metacontroller on this machine.

BUILDLESS_IMAGE_IMPORT is the command that imports an image archive on the node, for example
`ctr -n k8s.io images import`; without it the node must have the runtime images. Services are called at their ClusterIP,
so this machine must be the node or have a route to it.
"""

import contextlib
import http.client
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.cluster.control_plane import Manifest, wait_until
from support.cluster.existing import ExistingCluster
from support.cluster.functions import create_function, edit_function
from support.cluster.stack import Stack
from support.node import images

from hooks.config import Config

RUNTIMES = ("python312", "python314", "nodejs22", "nodejs24", "nodejs26")
SECONDS = 120


def missing() -> str | None:
    """Return what these tests lack, None if they can run."""
    if not os.environ.get("KUBECONFIG"):
        return "KUBECONFIG does not name a cluster with a node"
    if shutil.which("metacontroller") is None:
        return "metacontroller is not on PATH"
    return images.missing() if os.environ.get("BUILDLESS_IMAGE_IMPORT") else None


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Stack]:
    """Install images and CRDs, and run the hook and Metacontroller; their logs are in `directory`."""
    plane = ExistingCluster(directory)
    try:
        plane.start()
        load_images()
        stack = Stack(plane)
        stack.install()
        try:
            # Few Functions of the default profile fit on a node of two cores.
            (directory / "config.yaml").write_text("defaultProfile: XS\n")
            stack.start_hook("--config", str(directory / "config.yaml"))
            stack.start_metacontroller()
            yield stack
        finally:
            stack.processes.stop_all()
    finally:
        plane.stop()


def load_images() -> None:
    """Build the runtime images from runtimes/ and import them on the node."""
    config = Config()
    if os.environ.get("BUILDLESS_IMAGE_IMPORT"):
        for runtime in RUNTIMES:
            import_image(images.archive(runtime, config.image(config.runtimes[runtime])))


def import_image(archive: Path) -> None:
    """Import an archive on the node with the command of BUILDLESS_IMAGE_IMPORT."""
    command = shlex.split(os.environ["BUILDLESS_IMAGE_IMPORT"])
    subprocess.run([*command, archive], check=True, capture_output=True)


class Functions:
    """The Functions of one namespace, and HTTP requests to them."""

    def __init__(self, stack: Stack, namespace: str) -> None:
        self.stack = stack
        self.plane = stack.plane
        self.namespace = namespace

    def create(self, name: str, source: str, runtime: str = "python312", dependencies: str = "", **spec: Any) -> None:
        """Create a Function."""
        inline = {"source": source, "dependencies": dependencies}
        create_function(self.stack, self.namespace, name, runtime=runtime, source={"inline": inline}, **spec)

    def edit(self, name: str, source: str) -> None:
        """Replace the source of a Function."""
        edit_function(self.stack, self.namespace, name, source={"inline": {"source": source}})

    def wait_until_ready(self, name: str, seconds: float = SECONDS) -> None:
        """Return once a Function is Ready and, unless it is scaled to zero, its Service forwards requests."""
        ready = wait_until(lambda: self._if_ready(name), f"{name} to be Ready", seconds)
        if ready["reason"] != "ScaledToZero":
            wait_until(
                lambda: self.response_if_reachable(name, "/healthz"), f"the Service of {name} to forward requests"
            )

    def _if_ready(self, name: str) -> Manifest:
        found = self.condition(name)
        return found if found.get("status") == "True" else {}

    def condition(self, name: str, kind: str = "Ready") -> Manifest:
        return self.stack.condition(self.namespace, name, kind)

    def pods(self, name: str) -> list[Manifest]:
        """Return the pods of a Function, including those that are being deleted."""
        label = "serverless.kyma-project.io/function-name"
        return [pod for pod in self.stack.list("pods", self.namespace) if pod["metadata"]["labels"].get(label) == name]

    def address(self, name: str) -> str:
        """Return the ClusterIP of a Function's Service."""
        service = wait_until(lambda: self.stack.get("services", self.namespace, name), f"the Service of {name}")
        return str(service["spec"]["clusterIP"])

    def get(self, name: str, path: str = "/", timeout: float = 30) -> tuple[int, str]:
        """Send GET to a Function's Service; return the HTTP status and the body."""
        connection = http.client.HTTPConnection(self.address(name), 80, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def response_if_reachable(self, name: str, path: str = "/") -> tuple[int, str] | None:
        """
        Return the response of a Function, None while its Service has no endpoints.

        Between two rules of kube-proxy a request may leave the node, and something else may respond to it.
        """
        with contextlib.suppress(OSError, http.client.HTTPException):
            response = self.get(name, path)
            return response if response[0] == 200 else None
        return None

    def node_port(self, name: str) -> int:
        """Return a port of this machine that has the endpoints of a Function's Service, once it answers."""
        service = self.stack.get("services", self.namespace, name) or {}
        ports = [{"port": 80, "targetPort": 8080}]
        spec = {"type": "NodePort", "selector": service["spec"]["selector"], "ports": ports}
        body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "node-port"}, "spec": spec}
        code, created = self.plane.call("POST", f"/api/v1/namespaces/{self.namespace}/services", body)
        assert code == 201, created
        port = int(created["spec"]["ports"][0]["nodePort"])
        wait_until(lambda: http_status(port) == 200, "the node port")
        return port

    def write_counters(self) -> dict[str, object]:
        """Return numbers that change with our writes; a Deployment's generation, since controllers write its status."""
        kinds = {"functions": "resourceVersion", "deployments": "generation", "services": "resourceVersion"}
        return {
            f"{kind} {each['metadata']['name']}": each["metadata"][field]
            for kind, field in kinds.items()
            for each in self.stack.list(kind, self.namespace)
        }

    def restarts(self, name: str) -> int:
        """Return the number of restarts of the main containers of a Function's pods."""
        return sum(container_status(pod).get("restartCount", 0) for pod in self.pods(name))


def http_status(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().status


def container_status(pod: Manifest, container: str = "function") -> Manifest:
    """Return the status of a container, {} before it has one."""
    every = [*pod["status"].get("containerStatuses", ()), *pod["status"].get("initContainerStatuses", ())]
    return next((found for found in every if found["name"] == container), {})
