"""metrics-server on this machine, which an autoscaler needs to measure CPU and memory."""

import contextlib
from collections.abc import Iterator

import pytest
from support import go_tools
from support.cluster.processes import Processes
from support.cluster.stack import Stack
from support.node import api_services
from support.ports import free_port

NAME, GROUP = "metrics-server", "metrics.k8s.io"


@contextlib.contextmanager
def running_metrics_server(stack: Stack) -> Iterator[None]:
    """Run metrics-server with the cluster's kubelets; skip the test if that is impossible."""
    if reason := api_services.missing(stack.plane):
        pytest.skip(reason)
    processes, port = Processes(stack.plane.directory), free_port()
    kubeconfig = stack.plane.kubeconfig(NAME)
    command = [str(go_tools.program(NAME)), f"--secure-port={port}", f"--cert-dir={stack.plane.directory}/{NAME}"]
    command += [f"--{purpose}kubeconfig={kubeconfig}" for purpose in ("", "authentication-", "authorization-")]
    # The shortest resolution that metrics-server accepts.
    command += ["--kubelet-insecure-tls", "--kubelet-preferred-address-types=InternalIP", "--metric-resolution=10s"]
    command += ["--kubelet-use-node-status-port", "--kubelet-request-timeout=5s"]
    processes.start(NAME, command)
    try:
        api_services.add(stack.plane, NAME, GROUP, port)
        yield
    finally:
        api_services.remove(stack.plane, NAME, GROUP)
        processes.stop_all()
