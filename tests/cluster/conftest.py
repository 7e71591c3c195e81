"""
A real API server and a real Metacontroller for the tests in this folder.

KUBEBUILDER_ASSETS names the directory of etcd, kube-apiserver, kube-controller-manager and kubectl; metacontroller is
found on PATH. A test that needs a missing program is skipped and listed at the end. With --existing-cluster the tests
use the cluster of KUBECONFIG, in which Metacontroller, the hook and the CRD are installed; tests that count requests or
stop programs are skipped then.
"""

import contextlib
import itertools
from collections.abc import Iterator

import pytest
from support.cluster.admission import install_policies, with_config
from support.cluster.control_plane import ControlPlane
from support.cluster.existing import ExistingCluster
from support.cluster.git_functions import Deployments, GitStack, git_stack
from support.cluster.git_repository import Repository
from support.cluster.stack import Stack, needed_assets, needed_metacontroller

from hooks.admission import NAMESPACE, PARAMETERS
from hooks.config import Config

_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--existing-cluster", action="store_true", help="use the cluster of KUBECONFIG")
    parser.addoption("--git-functions", type=int, default=20, help="Functions of one repository (default: %(default)s)")
    parser.addoption("--git-seconds", type=int, default=30, help="seconds of pushes to it (default: %(default)s)")
    parser.addoption(
        "--git-away", type=int, default=12, help="seconds without source-controller (default: %(default)s)"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "own_stack: counts requests or stops programs, so it needs its own stack")


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
    """The API server with the CRDs; neither the hook nor Metacontroller runs."""
    stack = Stack(plane)
    if not isinstance(plane, ExistingCluster):
        stack.install()
    return stack


@pytest.fixture(scope="session")
def running(api: Stack) -> Iterator[Stack]:
    """The API server, the hook and Metacontroller, all running."""
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
    """All components, running; a test with the marker own_stack is skipped on an existing cluster."""
    if isinstance(running.plane, ExistingCluster) and request.node.get_closest_marker("own_stack"):
        pytest.skip("counts requests or stops programs: not on an existing cluster")
    return running


@pytest.fixture(scope="module")
def guarded(api: Stack) -> Iterator[ControlPlane]:
    """The API server with the CRD and the admission policies, with the parameters of the default config."""
    if isinstance(api.plane, ExistingCluster):
        pytest.skip("installs an admission policy: not on an existing cluster")
    install_policies(api.plane)
    with_config(api.plane, Config())
    yield api.plane
    # Without parameters the policy refuses nothing. It stays: after the last binding with ConfigMaps as parameters is
    # deleted, API server 1.36 does not find the parameters of a new one for more than a minute.
    api.plane.kubectl("delete", "configmap", PARAMETERS, "-n", NAMESPACE)


@pytest.fixture
def namespace(api: Stack) -> Iterator[str]:
    """An empty namespace that enforces Pod Security "restricted" and is deleted afterwards."""
    with _namespace(api) as name:
        yield name


@pytest.fixture(scope="session")
def restricted(api: Stack) -> Iterator[str]:
    """A namespace like `namespace` for the whole session, for tests that only make dry-runs."""
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


@pytest.fixture(scope="session")
def git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitStack]:
    """A control plane of its own with the hook, Metacontroller, source-controller, and remotes of Git."""
    with git_stack(tmp_path_factory.mktemp("git")) as made:
        yield made


@pytest.fixture
def team(git: GitStack) -> Iterator[str]:
    """A new namespace for Functions from Git, whose name is also that of `code`; they are deleted afterwards."""
    name = f"team-{next(_numbers)}"
    git.plane.kubectl("create", "namespace", name)
    yield name
    git.plane.kubectl("delete", "functions", "--all", "-n", name, "--wait=false")


@pytest.fixture
def code(git: GitStack, team: str) -> Repository:
    """A repository with one commit."""
    return git.repository(team)


@pytest.fixture
def url(git: GitStack, code: Repository) -> str:
    """The URL of that repository, over HTTP without a password."""
    return f"{git.http.url}/{code.bare.name}"


@pytest.fixture
def deployments(git: GitStack, team: str) -> Iterator[Deployments]:
    """A recording of the namespace's Deployments."""
    recording = Deployments(git.stack, team)
    yield recording
    recording.close()
