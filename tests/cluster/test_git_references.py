"""References of Functions from Git, with a real source-controller: those that exist, and those that do not."""

import pytest
from support.cluster.git_functions import INTERVAL, Deployments, GitStack
from support.cluster.git_repository import Repository

pytestmark = pytest.mark.own_stack


def test_references(git: GitStack, team: str, code: Repository, url: str) -> None:
    """A branch, a tag, a full name and a commit: a branch and a tag follow a push, a commit does not."""
    first = code.push({"handler.py": "first"}, branch="feature/x")
    code.tag("v1")
    references = {"tag": "v1", "commit": first, "full": "refs/heads/feature/x", "branch": "feature/x"}
    for name, reference in references.items():
        git.create(team, name, url, reference=reference)
    for name in references:
        git.until_runs(team, name, first)
    second = code.push({"handler.py": "second"}, branch="feature/x")
    code.tag("v1")
    for name in references:
        git.fetch(team, name, "1")
    for name in ("tag", "full", "branch"):
        git.until_runs(team, name, second)
    assert git.runs(team, "commit") == first


def test_missing_references(git: GitStack, team: str, code: Repository, url: str, deployments: Deployments) -> None:
    """A commit or full name that does not exist is named in the status; what runs stays, also without its branch."""
    (first,) = code.commits()
    references = {"commit": "0" * 40, "full": "refs/tags/none"}
    code.push({"handler.py": "never"}, branch="old")
    code.reset(first, "old")
    for name, reference in {**references, "old": "old"}.items():
        git.create(team, name, url, reference=reference)
    git.until_runs(team, "old", first)
    code.delete("refs/heads/old")
    git.fetch(team, "old", "1")
    git.until_source(team, "old", "False", "refs/heads/old")
    for name, reference in references.items():
        git.until_source(team, name, "False", reference)
        assert git.stack.condition(team, name, "Stalled")["reason"] == "SourceUpdateFailed"
    assert deployments.commits == {"old": [first]}


def test_missing_branch(git: GitStack, team: str, code: Repository, url: str, deployments: Deployments) -> None:
    """The status names what is neither a branch nor a tag; what ran stays; a branch that is pushed later is found."""
    (first,) = code.commits()
    git.create(team, "running", url)
    git.create(team, "new", url, reference="later")
    git.until_runs(team, "running", first)
    git.edit(team, "running", reference="later")
    for name in ("running", "new"):
        git.until_source(team, name, "False", "neither a branch nor a tag later")
    assert git.stack.condition(team, "new", "Stalled")["reason"] == "SourceUpdateFailed"
    assert git.runs(team, "running") == first
    assert git.stack.get("deployments", team, "new") is None
    second = code.push({"handler.py": "second"}, branch="later")
    for name in ("running", "new"):
        git.until_runs(team, name, second, 4 * INTERVAL)
        git.until_source(team, name, "True", second)
    assert deployments.commits == {"running": [first, second], "new": [second]}
