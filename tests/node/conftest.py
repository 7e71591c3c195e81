"""
A real node for the tests in this folder; support/node/testbed.py has the requirements.

Without a node every test is skipped and listed at the end.
"""

from collections.abc import Iterator

import pytest
from support.cluster.stack import Stack
from support.node import testbed
from support.node.base_image import NODE_VERSIONS
from support.node.testbed import Functions

from hooks.cli import runtime_cache


def pytest_report_header() -> str:
    """Return the versions of the interpreters in the images."""
    node = ", ".join(version for name, version in NODE_VERSIONS.items() if f"nodejs{name}" in testbed.RUNTIMES)
    return f"images: Python {runtime_cache.python_version()}, Node.js {node}"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The cluster, with the hook and Metacontroller running."""
    if reason := testbed.missing():
        pytest.skip(reason)
    with testbed.running(tmp_path_factory.mktemp("node")) as stack:
        yield stack


@pytest.fixture
def functions(stack: Stack) -> Iterator[Functions]:
    """The Functions of a new namespace that enforces Pod Security "restricted"; they are deleted afterwards."""
    metadata = {"generateName": "buildless-", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    name = stack.plane.call("POST", "/api/v1/namespaces", namespace)[1]["metadata"]["name"]
    yield Functions(stack, name)
    stack.plane.kubectl("delete", "functions", "--all", "-n", name, "--timeout=60s")
    stack.plane.kubectl("delete", "namespace", name, "--wait=false")
