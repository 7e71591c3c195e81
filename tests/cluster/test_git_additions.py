"""The rows of docs/changes-by-others.md for GitRepositories, with the real Metacontroller and source-controller."""

import time
from collections import Counter
from functools import partial

import pytest
from support import drift_rows
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.functions import comparable
from support.cluster.git_functions import Deployments, GitStack
from support.cluster.git_repository import Repository
from support.cluster.stack import PREFIX

pytestmark = pytest.mark.own_stack

ROWS = {
    f"row-{number}": row for number, row in enumerate(each for each in drift_rows.ROWS if each.kind == "GitRepository")
}


def child(git: GitStack, team: str, name: str) -> Manifest:
    return git.stack.get("gitrepositories", team, name) or {}


def change(git: GitStack, team: str, name: str) -> tuple[Manifest, Manifest] | None:
    """Make the change of a row; return the child before and after it, None after a conflict."""
    before = child(git, team, name)
    path = f"{PREFIX['gitrepositories']}/namespaces/{team}/gitrepositories/{name}"
    code, changed = git.plane.call("PUT", path, ROWS[name].changed(before))
    assert code in (200, 409), changed
    return (before, changed) if code == 200 else None


def is_quiet(git: GitStack, team: str) -> bool:
    mark = git.plane.mark()
    time.sleep(2)
    return not any(f" {team}/" in what for what in git.plane.writes(mark))


def test_rows(git: GitStack, team: str, code: Repository, url: str, deployments: Deployments) -> None:
    """Each change has the outcome and number of writes of its row, and no change alters what runs."""
    (first,) = code.commits()
    for name in ROWS:
        git.create(team, name, url, interval="1m")
    for name in ROWS:
        git.until_runs(team, name, first, 60)
    wait_until(partial(is_quiet, git, team), "Metacontroller to write nothing", 60)
    mark = git.plane.mark()
    changes = {name: wait_until(partial(change, git, team, name), row.line()) for name, row in ROWS.items()}
    wait_until(partial(is_quiet, git, team), "Metacontroller to write nothing more", 60)
    writes = Counter(
        what
        for event, what in git.plane.events(mark)
        # 409 is a conflict with source-controller, which writes the status.
        if event["verb"] == "update" and event["responseStatus"]["code"] != 409
    )
    for name, row in ROWS.items():
        before, changed = changes[name]
        kept = changed if row.outcome == "kept" else before
        assert comparable(child(git, team, name)) == comparable(kept), row.line()
        assert writes[f"gitrepositories {team}/{name}"] == row.writes, row.line()
    assert dict(deployments.templates) == dict.fromkeys(ROWS, 1)
