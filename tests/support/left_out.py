"""
pytest hooks that list the skipped tests at the end of a run, with their reasons.

A test that lacks a program is skipped with "LEFT OUT: reason". With BUILDLESS_ALL=1, as in CI, it fails instead.
"""

import os
import shutil
from collections import defaultdict
from collections.abc import Generator

import pytest

RUN_ALL = bool(os.environ.get("BUILDLESS_ALL"))
SKIPPED, MISSING = "Skipped: ", "LEFT OUT: "


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    reason = skip_reason(report)
    if RUN_ALL and reason.startswith(MISSING):
        report.outcome, report.longrepr = "failed", f"BUILDLESS_ALL is set. {reason}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = defaultdict(list)
    for report in skipped:
        reasons[skip_reason(report).removeprefix(MISSING)].append(report.nodeid)
    if reasons:
        terminalreporter.section(f"LEFT OUT: {len(skipped)} TESTS DID NOT RUN", sep="!")
    for reason, tests in reasons.items():
        files = ", ".join(sorted({test.partition("::")[0] for test in tests}))
        terminalreporter.line(f"{reason}: {tests[0] if len(tests) == 1 else f'{len(tests)} tests of {files}'}")


def require_program(name: str) -> None:
    """Skip the test unless a program is on PATH."""
    if shutil.which(name) is None:
        pytest.skip(f"{MISSING}{name} is not on PATH")


def skip_reason(report: pytest.TestReport) -> str:
    """Return the reason of a skipped test, "" for any other test."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix(SKIPPED)
    return ""
