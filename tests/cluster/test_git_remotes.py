"""Remotes of Git that fail, with a real source-controller: nothing that runs changes, and SourceReady says why."""

import shutil
import time

import pytest
from support.cluster.functions import wait_until_ready
from support.cluster.git_functions import BASIC, INTERVAL, KEY, Deployments, GitStack
from support.cluster.git_http import Fault
from support.cluster.git_repository import Repository
from support.cluster.git_ssh import SshRemote

pytestmark = pytest.mark.own_stack

FAULTS: dict[Fault, str] = {
    "deny": "authentication required",
    "hang": "context deadline exceeded",
    "garbage": "",
    "error": "503",
}
"""What Flux' message says of each fault."""


def test_failing_remotes(git: GitStack, team: str, deployments: Deployments) -> None:
    """A remote that denies, hangs, or responds with garbage or an error changes nothing that runs."""
    codes = {fault: git.repository(f"{team}-{fault}") for fault in FAULTS}
    for fault, code in codes.items():
        git.create(team, fault, f"{git.http.url}/{code.bare.name}")
    for fault, code in codes.items():
        git.until_runs(team, fault, code.commits()[0])
        wait_until_ready(git.stack, team, fault)
        git.http.faults[code.bare.name] = fault
        code.push({"handler.py": "second"})
        git.fetch(team, fault, "1")
        git.create(team, f"new-{fault}", f"{git.http.url}/{code.bare.name}")
    for fault, message in FAULTS.items():
        for name in (fault, f"new-{fault}"):
            git.until_source(team, name, "False", message, 60)
        assert git.stack.condition(team, fault, "Ready")["status"] == "True"
        assert git.stack.condition(team, f"new-{fault}", "Stalled")["reason"] == "SourceUpdateFailed"
        assert git.stack.get("deployments", team, f"new-{fault}") is None
    mark = git.plane.mark()
    time.sleep(INTERVAL)
    assert [what for what in git.plane.writes(mark) if team in what] == [], "the status alternates with each attempt"
    git.http.faults.clear()
    for fault, code in codes.items():
        for name in (fault, f"new-{fault}"):
            git.until_runs(team, name, code.commits()[1], 120)
    assert {name: len(found) for name, found in deployments.commits.items()} == {
        name: count for fault in FAULTS for name, count in ((fault, 2), (f"new-{fault}", 1))
    }


def test_credentials(git: GitStack, team: str, code: Repository) -> None:
    """A missing, wrong or incomplete Secret is in the status; the corrected one is used without another change."""
    (first,) = code.commits()
    right = git.https.secret()
    wrong: dict[str, tuple[dict[str, str] | None, str]] = {
        "missing": (None, "not found"),
        "password": (right | {"password": "secret-guess"}, "authentication required"),
        "authority": ({key: value for key, value in right.items() if key != "ca.crt"}, "certificate"),
    }
    for name, (data, _) in wrong.items():
        if data:
            git.secret(team, name, data)
        git.create(team, name, f"{git.https.url}/{code.bare.name}", auth=BASIC | {"secretName": name})
    for name, (_, message) in wrong.items():
        condition = git.until_source(team, name, "False", message)
        assert "secret-" not in condition["message"]
        assert git.stack.get("deployments", team, name) is None
    for name in wrong:
        git.secret(team, name, right)
        git.fetch(team, name, "1")
    for name in wrong:
        git.until_runs(team, name, first)


def test_ssh(git: GitStack, team: str, code: Repository, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Flux checks the host key of an SSH remote, and the status says what is wrong with a Secret."""
    folder = tmp_path_factory.mktemp("ssh")
    remote = SshRemote(folder)
    shutil.copytree(code.bare, folder / code.bare.name)
    wrong = {
        "host": (remote.secret(host="other"), "knownhosts"),
        "key": (remote.secret(key="other"), "unable to authenticate"),
        "kyma": ({"key": remote.secret()["identity"]}, "'identity' is required"),
    }
    try:
        for name, (data, _) in {**wrong, "right": (remote.secret(), "")}.items():
            git.secret(team, name, data)
            git.create(team, name, f"{remote.url}/{code.bare.name}", auth=KEY | {"secretName": name})
        git.until_runs(team, "right", code.commits()[0])
        for name, (_, message) in wrong.items():
            git.until_source(team, name, "False", message)
            assert git.stack.get("deployments", team, name) is None
    finally:
        remote.close()
