"""
A real API server and a real Metacontroller for the tests in this folder.

KUBEBUILDER_ASSETS names the directory of etcd, kube-apiserver, kube-controller-manager and kubectl; metacontroller is
taken from PATH. What needs a program that is not there is skipped, and named at the end. With --existing-cluster the
tests run on the cluster of KUBECONFIG, which has Metacontroller, the hook and the CRD; tests that count requests or
stop programs are skipped there.
"""

import contextlib
import itertools
from collections.abc import Iterator

import pytest
from support.cluster.control_plane import ControlPlane
from support.cluster.existing import ExistingCluster
from support.cluster.stack import Stack, needed_assets, needed_metacontroller

_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--existing-cluster", action="store_true", help="use the cluster of KUBECONFIG as it stands")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "own_stack: counts requests or stops programs, so it needs a stack of its own")


@pytest.fixture(scope="session")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running control plane."""
    directory = tmp_path_factory.mktemp("control-plane")
    control_plane: ControlPlane
    if request.config.getoption("--existing-cluster"):
        control_plane = ExistingCluster(directory)
    else:
        control_plane = ControlPlane(needed_assets(), directory)
    try:
        control_plane.start()
        yield control_plane
    finally:
        control_plane.stop()


@pytest.fixture(scope="session")
def api(plane: ControlPlane) -> Stack:
    """The API server with the CRDs, and nothing that acts on them yet."""
    stack = Stack(plane)
    if not isinstance(plane, ExistingCluster):
        stack.install()
    return stack


@pytest.fixture(scope="session")
def running(api: Stack) -> Iterator[Stack]:
    """The API server, the hook and Metacontroller, all at work."""
    if isinstance(api.plane, ExistingCluster):
        yield api
        return
    needed_metacontroller()
    try:
        api.start_hook()
        api.start_metacontroller()
        yield api
    finally:
        api.processes.stop_all()


@pytest.fixture
def stack(running: Stack, request: pytest.FixtureRequest) -> Stack:
    """The running system; a test that is marked own_stack does not run on somebody's cluster."""
    if isinstance(running.plane, ExistingCluster) and request.node.get_closest_marker("own_stack"):
        pytest.skip("counts requests or stops programs: not on an existing cluster")
    return running


@pytest.fixture
def namespace(api: Stack) -> Iterator[str]:
    """An empty namespace that enforces Pod Security "restricted" and is deleted afterwards."""
    with _namespace(api) as name:
        yield name


@pytest.fixture(scope="session")
def restricted(api: Stack) -> Iterator[str]:
    """Such a namespace for tests that leave nothing behind."""
    with _namespace(api) as name:
        yield name


@contextlib.contextmanager
def _namespace(api: Stack) -> Iterator[str]:
    name = f"buildless-test-{next(_numbers)}"
    metadata = {"name": name, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    api.plane.kubectl("create", "-f", "-", stdin={"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    yield name
    api.plane.kubectl("delete", "functions", "--all", "-n", name, "--wait=false")
    api.plane.kubectl("delete", "namespace", name, "--wait=false")
