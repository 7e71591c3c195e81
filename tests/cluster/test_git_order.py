"""
Many Functions on one repository under many pushes, with four processes of the hook: no Deployment goes back.

--git-functions and --git-seconds set the size, for example 200 and 180.
"""

import itertools
import threading
import time
from collections import Counter

import pytest
from support.cluster.control_plane import WRITES, wait_until
from support.cluster.git_functions import Deployments, GitStack
from support.cluster.git_repository import Repository

pytestmark = pytest.mark.own_stack

PAUSE = 3
"""Seconds between two pushes."""


def test_deployments_only_go_forward(
    git: GitStack, team: str, code: Repository, url: str, deployments: Deployments, pytestconfig: pytest.Config
) -> None:
    """Every Deployment requests later and later commits up to the last one, each once, and no write is in vain."""
    count, seconds = pytestconfig.getoption("--git-functions"), pytestconfig.getoption("--git-seconds")
    names, mark = [f"f{number}" for number in range(count)], git.plane.mark()
    for name in names:
        git.create(team, name, url)
    until_all_run(git, team, names, code.commits()[0])
    push_often(git, team, code, names, seconds)
    until_all_run(git, team, names, code.commits()[-1])
    time.sleep(3)
    order = {commit: number for number, commit in enumerate(code.commits())}
    found = {name: [order[commit] for commit in deployments.commits[name]] for name in names}
    print(f"{len(order)} pushes; commits of a Deployment: {sorted(map(len, found.values()))}")
    assert {name: numbers for name, numbers in found.items() if numbers != sorted(set(numbers))} == {}
    assert sum(map(len, found.values())) > 2 * count, "the first and the last commit alone prove nothing"
    written = Counter(
        what
        for event, what in git.plane.events(mark)
        if event["verb"] in WRITES and event["responseStatus"]["code"] < 400 and what.startswith(f"deployments {team}/")
    )
    assert written == {f"deployments {team}/{name}": deployments.templates[name] for name in names}


def until_all_run(git: GitStack, team: str, names: list[str], commit: str) -> None:
    wait_until(lambda: all(git.runs(team, name) == commit for name in names), f"all on {commit}", 60 + 2 * len(names))


def push_often(git: GitStack, team: str, code: Repository, names: list[str], seconds: int) -> None:
    """Push every PAUSE seconds; one Function after the other is fetched at once, the others within their interval."""
    stop = threading.Event()
    pushing = threading.Thread(target=push_until, args=(code, stop))
    pushing.start()
    try:
        end, turn = time.monotonic() + seconds, itertools.count()
        while time.monotonic() < end:
            number = next(turn)
            git.fetch(team, names[number % len(names)], str(number))
            time.sleep(0.1)
    finally:
        stop.set()
        pushing.join()


def push_until(code: Repository, stop: threading.Event) -> None:
    for number in itertools.count():
        code.push({"handler.py": f"push {number}"})
        if stop.wait(PAUSE):
            return
