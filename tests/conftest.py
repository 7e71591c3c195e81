"""Options of the suite: --bless writes generated files (answers, tables, digests), --url tests a running service."""

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from support.left_out import pytest_runtest_makereport, pytest_terminal_summary  # noqa: F401 - hooks of every folder

from hooks.cli import runtime_cache

# The same examples on every run and every machine.
settings.register_profile("laws", derandomize=True, database=None, deadline=None, print_blob=False)
# A tenth of them: `make check`, and `make test` unless BUILDLESS_ALL is set.
settings.register_profile("quick", settings.get_profile("laws"), max_examples=10)
settings.load_profile("laws")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bless", action="store_true", help="rewrite golden answers and other generated files")
    parser.addoption("--mutations", type=int, default=5000, help="mutated requests in process (default: %(default)s)")
    parser.addoption("--bodies", type=int, default=2000, help="mutated requests over HTTP (default: %(default)s)")
    parser.addoption("--share", type=int, default=1, help="run 1 of so many tests and cases marked `sampled`")
    parser.addoption("--url", help="test the hook at this URL, for example http://127.0.0.1:8080")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--bless") and os.environ.get("CI"):
        raise pytest.UsageError("--bless is refused in CI, where it would make every golden test pass")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --share N keep every Nth of a file's tests and cases that are marked `sampled`, and deselect the others."""
    cases: Counter[Path] = Counter()
    left_out = []
    for item in [item for item in items if item.get_closest_marker("sampled")]:
        if cases[item.path] % config.getoption("--share"):
            left_out.append(item)
        cases[item.path] += 1
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def pytest_report_header() -> str:
    """Return a line that names the interpreters that run Functions on this machine."""
    node = runtime_cache.node_version() or "missing: tests of Node.js Functions are left out"
    return f"Functions run with: Python {runtime_cache.python_version()}, Node.js {node}"


@pytest.fixture(scope="session", autouse=True)
def _kubectl_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have kubectl remember nothing of an earlier control plane that had the same port."""
    os.environ["KUBECACHEDIR"] = str(tmp_path_factory.mktemp("kubectl-cache"))
