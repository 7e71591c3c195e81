"""The cluster of KUBECONFIG, reached through `kubectl proxy`."""

import os
import re
import shutil
from collections import Counter
from pathlib import Path

from support.cluster.control_plane import ControlPlane, wait_until
from support.cluster.processes import Processes


class ExistingCluster(ControlPlane):
    """An existing cluster: only `kubectl proxy` is started and stopped, and there is no audit log."""

    def __init__(self, directory: Path) -> None:
        program = shutil.which("kubectl", path=f"{os.environ.get('KUBEBUILDER_ASSETS', '')}:{os.environ['PATH']}")
        assert program is not None, "an existing cluster needs kubectl"
        assert os.environ.get("KUBECONFIG"), "an existing cluster needs KUBECONFIG"
        self.assets, self.directory = Path(program).parent, directory
        self.processes = Processes(directory)

    def start(self) -> None:
        """Start `kubectl proxy`, which authenticates with KUBECONFIG, and use its URL."""
        proxy = [str(self.assets / "kubectl"), f"--kubeconfig={self.kubeconfig('')}", "proxy", "--port=0"]
        self.processes.start("proxy", proxy)
        address = wait_until(
            lambda: re.search(r"127\.0\.0\.1:\d+", self.processes.log("proxy")), "kubectl proxy to listen", 10
        )
        self.url, self.headers = f"http://{address[0]}", {}

    def kubeconfig(self, user: str) -> Path:  # noqa: ARG002 - KUBECONFIG chooses the user
        return Path(os.environ["KUBECONFIG"]).absolute()

    def writes(self, since: int, user: str = "metacontroller") -> Counter[str]:
        raise NotImplementedError("there is no audit log")
