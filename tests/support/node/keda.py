"""KEDA's operator on this machine: it scales between zero and one, and creates the autoscaler for more."""

import contextlib
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import go_tools
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
    create_certificate(certificates)
    command = [str(go_tools.program(NAME)), f"--cert-dir={certificates}", "--enable-prometheus-metrics=false"]
    command += [f"--metrics-service-bind-address=127.0.0.1:{free_port()}"]
    command += [f"--health-probe-bind-address=127.0.0.1:{health}"]
    processes.start(NAME, command, KUBECONFIG=str(stack.plane.kubeconfig(NAME)), **NAMESPACES)
    try:
        wait_until(lambda: _is_ready(f"http://127.0.0.1:{health}/readyz"), "KEDA's operator to be ready", 60)
        yield
    finally:
        processes.stop_all()


def create_certificate(directory: Path) -> None:
    """Create ca.crt, tls.crt and tls.key, without which the operator does not start."""
    directory.mkdir()
    key, certificate = directory / "tls.key", directory / "tls.crt"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=keda", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    (directory / "ca.crt").write_bytes(certificate.read_bytes())


def _is_ready(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=2) as response:
        return bool(response.status == 200)
