"""
All components with a proxy on each side of Metacontroller, for the tests in this folder.

They need the programs of tests/cluster. Without --whole, those with the marker `whole` are left out.
"""

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("support.faults")

from support.faults.chaos import Chaos, running_chaos  # noqa: E402 - rewritten
from support.faults.mixed_functions import MixedFunctions  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="every fault alone too, for an hour")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "whole: left out without --whole")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--whole"):
        left_out = [item for item in items if item.get_closest_marker("whole")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def components(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chaos]:
    with running_chaos(tmp_path_factory.mktemp("chaos")) as chaos:
        yield chaos


@pytest.fixture
def chaos(components: Chaos) -> Iterator[Chaos]:
    """All components, running; the proxies pass everything again after the test."""
    yield components
    components.no_faults()


@pytest.fixture
def mixed(chaos: Chaos) -> MixedFunctions:
    """The Functions of a new namespace, settled."""
    return chaos.prepared()
