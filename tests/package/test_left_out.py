"""Skipped tests are listed at the end of a run, and fail with BUILDLESS_ALL=1."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.cases import ROOT

CONFTEST = "from support.left_out import pytest_runtest_makereport, pytest_terminal_summary"
SUITE = """
from support import go_tools
import pytest

go_tools.CACHE = go_tools.Path("missing")
go_tools.MODULES = {"checker": "example.com/checker@v1.0.0"}


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.skipif(True, reason="LEFT OUT: node is not on PATH")
def test_marked(number):
    pass


def test_built():
    go_tools.program("checker")


def test_other():
    pytest.skip("not on this cluster")


@pytest.mark.xfail(reason="LEFT OUT: not a skip")
def test_expected():
    assert False
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_suite.py").write_text(SUITE)
    return tmp_path


def run(suite: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the suite without Go on PATH."""
    env = {name: value for name, value in os.environ.items() if name != "BUILDLESS_ALL"}
    env |= {"PYTHONPATH": str(ROOT / "tests"), "PATH": "/nowhere"} | environment
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(suite)]
    return subprocess.run(command, cwd=suite, env=env, capture_output=True, text=True, check=False)


def test_skipped_tests_are_listed(suite: Path) -> None:
    """The list is grouped by reason; no program is built with Go."""
    done = run(suite)
    assert done.returncode == 0, done.stdout
    assert "LEFT OUT: 4 TESTS DID NOT RUN" in done.stdout
    assert "\nnode is not on PATH: 2 tests of test_suite.py\n" in done.stdout
    assert "\nchecker is built with Go, with BUILDLESS_ALL=1 only: test_suite.py::test_built\n" in done.stdout
    assert "\nnot on this cluster: test_suite.py::test_other\n" in done.stdout


def test_a_missing_program_fails_a_full_run(suite: Path) -> None:
    """BUILDLESS_ALL=1 turns "LEFT OUT" into a failure; other skips stay skips."""
    done = run(suite, BUILDLESS_ALL="1")
    assert done.returncode == 1
    assert "1 failed, 1 skipped, 1 xfailed, 2 errors" in done.stdout
    assert "go is not on PATH to build checker" in done.stdout
