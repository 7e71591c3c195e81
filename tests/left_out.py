"""A hook for conftest files whose tests need more than every machine has: it says loudly what did not run, and why."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if skipped := terminalreporter.stats.get("skipped"):
        terminalreporter.section("LEFT OUT: THESE TESTS DID NOT RUN", sep="!")
        for report in skipped:
            terminalreporter.line(f"{report.nodeid}: {report.longrepr[2]}")
