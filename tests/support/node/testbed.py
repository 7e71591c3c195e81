"""
Functions on a real node: the cluster of KUBECONFIG, with the hook and Metacontroller on this machine.

BUILDLESS_IMAGE_IMPORT is the command that gives the node an image archive, for example
`ctr -n k8s.io images import`; without it the runtime images have to be there already. Services are called at their
ClusterIP, so this machine has to reach those: it is the node, or routes to it.
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
from support.cluster.stack import GROUP, Stack
from support.node import images

from hooks.config import Config

RUNTIMES = ("python312", "nodejs22", "nodejs24")
SECONDS = 120


def missing() -> str | None:
    """Return what these tests need and is not here, None if nothing is missing."""
    if not os.environ.get("KUBECONFIG"):
        return "KUBECONFIG does not name a cluster with a node"
    if shutil.which("metacontroller") is None:
        return "there is no metacontroller on PATH"
    return images.missing() if os.environ.get("BUILDLESS_IMAGE_IMPORT") else None


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Stack]:
    """Bring images, CRDs, hook and Metacontroller to the cluster; logs go to `directory`."""
    plane = ExistingCluster(directory)
    try:
        plane.start()
        load_images()
        stack = Stack(plane)
        stack.install()
        try:
            # A node of two cores has no room for many Functions of the usual size.
            (directory / "config.yaml").write_text("defaultProfile: XS\n")
            stack.start_hook("--config", str(directory / "config.yaml"))
            stack.start_metacontroller()
            yield stack
        finally:
            stack.processes.stop_all()
    finally:
        plane.stop()


def load_images() -> None:
    """Give the node the runtime images, made from runtimes/ as they are now."""
    config = Config()
    if os.environ.get("BUILDLESS_IMAGE_IMPORT"):
        for runtime in RUNTIMES:
            import_image(images.archive(runtime, config.image(config.runtimes[runtime])))


def import_image(archive: Path) -> None:
    """Give the node an image, by the command of BUILDLESS_IMAGE_IMPORT."""
    command = shlex.split(os.environ["BUILDLESS_IMAGE_IMPORT"])
    subprocess.run([*command, archive], check=True, capture_output=True)


class Functions:
    """The Functions of one namespace, and how they answer."""

    def __init__(self, stack: Stack, namespace: str) -> None:
        self.stack = stack
        self.plane = stack.plane
        self.namespace = namespace

    def apply(self, name: str, source: str, runtime: str = "python312", dependencies: str = "", **spec: Any) -> None:
        """Create a Function."""
        inline = {"source": source, "dependencies": dependencies}
        body = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": {"name": name}}
        body |= {"spec": {"runtime": runtime, "source": {"inline": inline}} | spec}
        code, answer = self.plane.call("POST", f"{GROUP}/namespaces/{self.namespace}/functions", body)
        assert code == 201, answer

    def edit(self, name: str, source: str) -> None:
        """Give a Function another source."""
        self.stack.patch("functions", self.namespace, name, {"spec": {"source": {"inline": {"source": source}}}})

    def wait_until_ready(self, name: str, seconds: float = SECONDS) -> None:
        wait_until(lambda: self.condition(name).get("status") == "True", f"{name} to be Ready", seconds)

    def condition(self, name: str, kind: str = "Ready") -> Manifest:
        return self.stack.condition(self.namespace, name, kind)

    def pods(self, name: str) -> list[Manifest]:
        """Return the pods of a Function, those that are ending too."""
        label = "serverless.kyma-project.io/function-name"
        return [pod for pod in self.stack.list("pods", self.namespace) if pod["metadata"]["labels"].get(label) == name]

    def address(self, name: str) -> str:
        """Return the ClusterIP of a Function's Service."""
        service = wait_until(lambda: self.stack.get("services", self.namespace, name), f"the Service of {name}")
        return str(service["spec"]["clusterIP"])

    def get(self, name: str, path: str = "/", timeout: float = 30) -> tuple[int, str]:
        """Send GET to a Function's Service; return the status and the body."""
        connection = http.client.HTTPConnection(self.address(name), 80, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def written(self) -> dict[str, object]:
        """Return what changes with each write of ours: of a Deployment its generation, as others write there."""
        kinds = {"functions": "resourceVersion", "deployments": "generation", "services": "resourceVersion"}
        return {
            f"{kind} {each['metadata']['name']}": each["metadata"][field]
            for kind, field in kinds.items()
            for each in self.stack.list(kind, self.namespace)
        }

    def restarts(self, name: str) -> int:
        """Return how often the main containers of a Function's pods were started again."""
        return sum(status(pod).get("restartCount", 0) for pod in self.pods(name))


def status(pod: Manifest, container: str = "function") -> Manifest:
    """Return the status of a container, an empty map where there is none yet."""
    every = [*pod["status"].get("containerStatuses", ()), *pod["status"].get("initContainerStatuses", ())]
    return next((found for found in every if found["name"] == container), {})
