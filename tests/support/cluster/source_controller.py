"""Flux' source-controller as a process beside the control plane of the tests."""

import shutil
import urllib.request

from support import go_tools
from support.cluster import flux
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.processes import Processes
from support.cluster.stack import Stack
from support.ports import free_port

from hooks.flux import RESOURCES

NAME, GROUP = "source-controller", "source.toolkit.fluxcd.io"
KINDS = (*RESOURCES.values(), "helmrepositories", "helmcharts")


class SourceController:
    """
    source-controller with the flags of docs/git.md; its storage is a folder that survives a restart.

    It serves the artifacts at `host`, an address of this machine.
    """

    def __init__(self, stack: Stack, host: str = "127.0.0.1") -> None:
        self.stack, self.storage = stack, stack.plane.directory / "artifacts"
        self.processes = Processes(stack.plane.directory)
        self.address, self.health = f"{host}:{free_port()}", f"127.0.0.1:{free_port()}"

    def install(self) -> None:
        """Apply the CRDs of source-controller."""
        self.stack.plane.kubectl("apply", "--server-side", "-f", str(flux.crds()))
        for kind in KINDS:
            self.stack.wait_until_established(f"{kind}.{GROUP}")

    def start(self) -> None:
        """Start the program and return once it is ready; the test is skipped if it cannot be built."""
        self.storage.mkdir(exist_ok=True)
        command = [str(go_tools.program(NAME)), "--watch-all-namespaces", f"--storage-path={self.storage}"]
        command += [f"--storage-addr={self.address}", f"--storage-adv-addr={self.address}"]
        command += ["--artifact-retention-records=10", "--artifact-retention-ttl=24h", "--interval-jitter-percentage=0"]
        command += [f"--metrics-addr=127.0.0.1:{free_port()}", f"--health-addr={self.health}", "--concurrent=4"]
        kubeconfig = self.stack.plane.kubeconfig(NAME)
        self.processes.start(NAME, command, KUBECONFIG=str(kubeconfig), RUNTIME_NAMESPACE="default")
        wait_until(lambda: _is_ready(f"http://{self.health}/readyz"), "source-controller to be ready", 60)

    def stop(self) -> None:
        self.processes.stop_all()

    def forget(self) -> None:
        """Delete every artifact, as a new pod with an emptyDir does."""
        shutil.rmtree(self.storage)

    def artifact(self, namespace: str, name: str, kind: str = "gitrepositories") -> Manifest:
        """Return status.artifact of a source, {} if it has none."""
        found = self.stack.get(kind, namespace, name) or {}
        return dict(found.get("status", {}).get("artifact") or {})


def _is_ready(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=2) as response:
        return bool(response.status == 200)
