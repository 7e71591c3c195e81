"""KEDA's operator on this machine: it scales between zero and one, and creates the autoscaler for more."""

import contextlib
import shutil
import urllib.request
from collections.abc import Iterator

import pytest
from support import go_tools
from support.certificate import certificate
from support.cluster.control_plane import wait_until
from support.cluster.processes import Processes
from support.cluster.stack import Stack
from support.ports import free_port

NAME = "keda"
NAMESPACES = {"WATCH_NAMESPACE": "", "POD_NAMESPACE": "default", "KEDA_CLUSTER_OBJECT_NAMESPACE": "default"}


@contextlib.contextmanager
def running_keda(stack: Stack) -> Iterator[None]:
    """Install KEDA's CRDs and run its operator; skip the test if it has not been built."""
    if not go_tools.is_built(NAME):
        pytest.skip("KEDA takes an hour to build: PYTHONPATH=tests BUILDLESS_ALL=1 python -m support.go_tools keda")
    stack.plane.kubectl("apply", "--server-side", "-f", str(go_tools.module_folder(NAME, "config/crd/bases")))
    stack.wait_until_established("scaledobjects.keda.sh")
    processes, certificates, health = Processes(stack.plane.directory), stack.plane.directory / NAME, free_port()
    certificates.mkdir()  # the operator does not start without the three files
    made, _ = certificate(certificates, "tls")
    shutil.copy(made, certificates / "ca.crt")
    command = [str(go_tools.program(NAME)), f"--cert-dir={certificates}", "--enable-prometheus-metrics=false"]
    command += [f"--metrics-service-bind-address=127.0.0.1:{free_port()}"]
    command += [f"--health-probe-bind-address=127.0.0.1:{health}"]
    processes.start(NAME, command, KUBECONFIG=str(stack.plane.kubeconfig(NAME)), **NAMESPACES)
    try:
        wait_until(lambda: _is_ready(f"http://127.0.0.1:{health}/readyz"), "KEDA's operator to be ready", 60)
        yield
    finally:
        processes.stop_all()


def _is_ready(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=2) as response:
        return bool(response.status == 200)
