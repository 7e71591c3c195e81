"""Which functions each test reaches and what it costs, measured once for a version of the code and the tests."""

import functools
import gc
import json
import os
from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

SLOW_SECONDS = 1.0
"""Tests that need more CPU time are left out."""


@dataclass
class Costs:
    """CPU seconds and reached functions of each test; `at_import` are functions that importing the hook calls."""

    version: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    reached: dict[str, list[str]] = field(default_factory=dict)
    at_import: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "Costs":
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else cls()

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    def is_slow(self, test: str) -> bool:
        return self.seconds.get(test, 0) > SLOW_SECONDS

    def tests(self, function: str) -> list[str]:
        """Return the tests that reach a function, the cheapest first, without the slow ones."""
        found = [test for test, reached in self.reached.items() if function in reached and not self.is_slow(test)]
        return sorted(found, key=self.order)

    def all_tests(self, function: str) -> list[str]:
        """Return tests() and then the others, the cheapest first."""
        tests = self.tests(function)
        return [*tests, *sorted({test for test in self.reached if not self.is_slow(test)} - {*tests}, key=self.order)]

    def order(self, test: str) -> tuple[float, str]:
        return self.seconds[test], test


class Measurement:
    """A pytest plugin that writes the costs of the tests; `hits` is the set to which called functions are added."""

    def __init__(self, path: Path, version: str, hits: set[str]) -> None:
        self.path, self.hits = path, hits
        self.old, self.costs = Costs.read(path), Costs(version)

    def pytest_sessionstart(self) -> None:
        self.costs.at_import = sorted(self.hits)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the tests that were slow before."""
        self.costs.seconds = {test: self.old.seconds[test] for test in self.old.seconds if self.old.is_slow(test)}
        items[:] = [item for item in items if not self.old.is_slow(item.nodeid)]

    def pytest_collection_finish(self) -> None:
        self.caches = function_caches()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Measure a test; cached results are dropped, since they would hide which functions it reaches."""
        for cached in self.caches:
            cached.cache_clear()
        self.hits.clear()
        start = cpu_seconds()
        result = yield
        self.costs.seconds[item.nodeid] = cpu_seconds() - start
        self.costs.reached[item.nodeid] = sorted(self.hits)
        return result

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK:
            self.costs.write(self.path)


def function_caches() -> list[Any]:
    """Return the caches of functions (functools)."""
    return [found for found in gc.get_objects() if isinstance(found, type(functools.cache(function_caches)))]


def cpu_seconds() -> float:
    """Return the CPU time of this process and of those that it has waited for."""
    return sum(os.times()[:4])
