"""KEDA on this machine: its operator, and the API server from which autoscalers read the metrics of its triggers."""

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
from support.node import api_services
from support.ports import free_port

NAME, GROUP = "keda-metrics-apiserver", "external.metrics.k8s.io"
OPERATOR, ADAPTER = "keda", "keda-adapter"


@contextlib.contextmanager
def running_keda(stack: Stack) -> Iterator[None]:
    """Install KEDA's CRDs and run its two programs; skip the test if that is impossible."""
    if reason := api_services.missing(stack.plane):
        pytest.skip(reason)
    programs = {name: go_tools.program(name) for name in (OPERATOR, ADAPTER)}
    stack.plane.kubectl("apply", "--server-side", "-f", str(go_tools.module_folder(OPERATOR, "config/crd/bases")))
    stack.wait_until_established("scaledobjects.keda.sh")
    processes, port, certificates = Processes(stack.plane.directory), free_port(), stack.plane.directory / "keda-tls"
    create_certificate(certificates)
    environment = {"KUBECONFIG": str(stack.plane.kubeconfig(OPERATOR)), "WATCH_NAMESPACE": "", "POD_NAMESPACE": "keda"}
    grpc, health = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    operator = [f"--metrics-service-bind-address={grpc}", f"--health-probe-bind-address={health}"]
    operator += [f"--cert-dir={certificates}", "--enable-prometheus-metrics=false"]
    adapter = [f"--secure-port={port}", f"--port={free_port()}", f"--metrics-service-address={grpc}"]
    adapter += [f"--cert-dir={certificates}", *_kubeconfigs(environment["KUBECONFIG"])]
    try:
        processes.start(OPERATOR, [programs[OPERATOR], *operator], **environment)
        wait_until(lambda: _is_ready(f"http://{health}/readyz"), "KEDA's operator to be ready", 60)
        processes.start(ADAPTER, [programs[ADAPTER], *adapter], **environment)
        api_services.add(stack.plane, NAME, GROUP, port)
        yield
    finally:
        api_services.remove(stack.plane, NAME, GROUP)
        processes.stop_all()


def create_certificate(directory: Path) -> None:
    """Create ca.crt, tls.crt and tls.key for 127.0.0.1, by which KEDA's two programs authenticate each other."""
    directory.mkdir()
    key, certificate = directory / "tls.key", directory / "tls.crt"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=keda", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    (directory / "ca.crt").write_bytes(certificate.read_bytes())


def _kubeconfigs(kubeconfig: str) -> list[str]:
    return [f"--{purpose}-kubeconfig={kubeconfig}" for purpose in ("lister", "authentication", "authorization")]


def _is_ready(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=2) as response:
        return bool(response.status == 200)
