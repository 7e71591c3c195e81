"""
A real node for the tests in this folder: see cluster.py for what has to be there.

Without it every test is skipped, and named at the end.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "cluster"))
sys.path.insert(0, str(Path(__file__).parent))

import cluster
from cluster import Functions
from stack import Stack


def pytest_report_header() -> str:
    """Name the interpreters inside the images."""
    node = ", ".join(cluster.images.NODE_VERSIONS[name.removeprefix("nodejs")] for name in cluster.RUNTIMES[1:])
    return f"images: Python {cluster.images.runtime_cache.python_version()}, Node.js {node}"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The cluster with the hook and Metacontroller at work."""
    if reason := cluster.missing():
        pytest.skip(reason)
    with cluster.running(tmp_path_factory.mktemp("node")) as stack:
        yield stack


@pytest.fixture
def functions(stack: Stack) -> Iterator[Functions]:
    """The Functions of an empty namespace that enforces Pod Security "restricted"; they are deleted afterwards."""
    metadata = {"generateName": "buildless-", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    name = stack.plane.call("POST", "/api/v1/namespaces", namespace)[1]["metadata"]["name"]
    yield Functions(stack, name)
    stack.plane.kubectl("delete", "functions", "--all", "-n", name, "--timeout=60s")
    stack.plane.kubectl("delete", "namespace", name, "--wait=false")
