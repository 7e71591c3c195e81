"""Runs the tests that reach a mutant in a process of their own, until the first one fails."""

import gc
import os
import resource
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import NamedTuple, NoReturn

import pytest
from mutation.costs import Costs, function_caches

SPARE_SECONDS, SPARE_FACTOR = 10, 6
"""A mutant whose tests take so much longer counts as killed."""
MEMORY_BYTES = 4 << 30


class Task(NamedTuple):
    """A mutant to run, and the function that it changes."""

    mutant: str
    function: str


class Outcome(NamedTuple):
    """`killer` is the test that failed, or why there is no report of it; "" if the mutant survived all `tests`."""

    mutant: str
    killer: str
    tests: int
    seconds: float


class Runner:
    """
    A pytest plugin for the processes that run a mutant, and their parent's view of them.

    `activate` switches to a mutant, `report` gets each outcome, and `folder` is for a file that passes on the killer.
    """

    def __init__(
        self, costs: Costs, folder: Path, activate: Callable[[str], None], report: Callable[[Outcome], None]
    ) -> None:
        self.costs, self.activate, self.report = costs, activate, report
        self.killer_file = folder / f"killer-{os.getpid()}"
        self.killers: defaultdict[str, set[str]] = defaultdict(set)

    def prepare(self, session: pytest.Session, task: Task, tests: list[str]) -> None:
        """Let pytest run these tests, those that have killed mutants of the function first, and limit this process."""
        tests = sorted(tests, key=lambda test: test not in self.killers[task.function])
        items = {item.nodeid: item for item in session.items}
        session.items = [items[test] for test in tests if test in items]
        seconds = SPARE_SECONDS + int(SPARE_FACTOR * sum(self.costs.seconds[test] for test in tests))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """End at once: there is no summary to print."""
        os._exit(exitstatus)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.killer_file.write_text(report.nodeid, encoding="utf-8")

    def wait(self, child: int, task: Task) -> None:
        """Wait for the process that runs a mutant and report its outcome."""
        start = monotonic()
        killer = self.killer(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        self.killers[task.function].add(killer)
        self.report(Outcome(task.mutant, killer, len(self.costs.tests(task.function)), monotonic() - start))

    def killer(self, code: int) -> str:
        """Return what killed a mutant, from pytest's exit code or the negative number of a signal."""
        found = self.killer_file.read_text(encoding="utf-8") if self.killer_file.exists() else ""
        self.killer_file.unlink(missing_ok=True)
        if code in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            return ""
        return found or (f"signal {-code}" if code < 0 else f"exit code {code}")


class Forks:
    """A pytest plugin that runs mutants, not the tests, in forks of the process that has collected the tests."""

    def __init__(self, runner: Runner, tasks: Sequence[Task]) -> None:
        self.runner, self.tasks = runner, tasks

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Return None in a fork, so that pytest goes on with the tests of the mutant, and True at the end."""
        caches = function_caches()
        gc.freeze()
        for task in self.tasks:
            child = os.fork()
            if not child:
                for cached in caches:
                    cached.cache_clear()
                self.runner.activate(task.mutant)
                self.runner.prepare(session, task, self.runner.costs.tests(task.function))
                return None
            self.runner.wait(child, task)
        return True


class Fresh:
    """A pytest plugin that runs the tests of one mutant, which was activated before the tests were collected."""

    def __init__(self, runner: Runner, task: Task) -> None:
        self.runner, self.task = runner, task

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        self.runner.prepare(session, self.task, self.runner.costs.all_tests(self.task.function))


def run(arguments: Sequence[str], tasks: Sequence[Task], runner: Runner) -> None:
    """Run mutants, except for what a change does while modules are imported; this process must not have done so."""
    fork(lambda: silent_pytest(arguments, runner, Forks(runner, tasks)))


def run_from_import(arguments: Sequence[str], tasks: Sequence[Task], runner: Runner) -> None:
    """Run mutants of functions that importing the hook calls; slower, since it is imported for each."""
    for task in tasks:
        child = os.fork()
        if not child:
            runner.activate(task.mutant)
            finish(lambda task=task: silent_pytest(arguments, runner, Fresh(runner, task)))  # type: ignore[misc]
        runner.wait(child, task)


def fork(action: Callable[[], int]) -> int:
    """Run an action in a child and return its exit code, or the negative number of the signal that ended it."""
    child = os.fork()
    if not child:
        finish(action)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def finish(action: Callable[[], int]) -> NoReturn:
    """Run an action and end this process with its result."""
    code = 255
    try:
        code = int(action())
    finally:
        os._exit(code)


def silent_pytest(arguments: Sequence[str], *plugins: object) -> int:
    """Run pytest without its output, which would be that of thousands of runs."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    return pytest.main([*arguments], plugins=plugins)
