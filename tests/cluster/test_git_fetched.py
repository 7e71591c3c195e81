"""
Functions from Git with a real source-controller: what runs, and what SourceReady says, at each step.

No kubelet runs here, so what runs is the commit in the pod template of the Deployment. --git-away sets for how long
source-controller is away.
"""

import time
from functools import partial
from pathlib import Path

import pytest
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.functions import wait_until_ready
from support.cluster.git_functions import BASIC, INTERVAL, Deployments, GitStack
from support.cluster.git_repository import Repository
from support.fetch_source import PROGRAMS, fetch, files

pytestmark = pytest.mark.own_stack


def test_create_and_push(git: GitStack, team: str, code: Repository, url: str, deployments: Deployments) -> None:
    """The status names the commit in the Deployment; a push is seen within the interval, or at once when requested."""
    (first,) = code.commits()
    git.create(team, "hello", url)
    git.until_runs(team, "hello", first)
    git.until_source(team, "hello", "True", first)
    second = code.push({"handler.py": "second"})
    git.until_runs(team, "hello", second, 3 * INTERVAL)
    third = code.push({"handler.py": "third"})
    git.fetch(team, "hello", "1")
    git.until_runs(team, "hello", third, INTERVAL / 2)
    wait_until_ready(git.stack, team)
    function = git.stack.get("functions", team, "hello") or {}
    assert function["status"]["gitRepository"] == {"url": url, "baseDir": "/", "reference": "main", "commit": third}
    assert function["status"]["commit"] == third
    assert deployments.commits["hello"] == [first, second, third]


def test_changes_of_the_spec(git: GitStack, team: str, code: Repository, url: str, deployments: Deployments) -> None:
    """After each change of a field what ran stays until exactly what is now requested has been fetched."""
    (first,) = code.commits()
    second = code.push({"handler.py": "second"}, branch="release")
    code.push({"handler.py": "never"})
    other = git.repository(f"{team}-other")
    (third,) = other.commits()
    git.secret(team, "login", git.https.secret())
    git.create(team, "hello", url, reference=first)
    git.until_runs(team, "hello", first)
    git.edit(team, "hello", reference="release")
    git.until_runs(team, "hello", second)
    git.edit(team, "hello", baseDir="/sub/")
    wait_until(lambda: path_of(git, team) == "sub", "the directory in the Deployment")
    git.edit(team, "hello", url=f"{git.http.url}/{other.bare.name}", reference="main")
    git.until_runs(team, "hello", third)
    before = deployments.templates["hello"]
    git.edit(team, "hello", url=f"{git.https.url}/{other.bare.name}", auth=BASIC | {"secretName": "absent"})
    git.until_source(team, "hello", "False", "not found")
    assert (git.runs(team, "hello"), deployments.templates["hello"]) == (third, before)
    git.edit(team, "hello", auth=BASIC)
    git.until_source(team, "hello", "True", third)
    fields = {"url": f"{git.https.url}/{other.bare.name}", "baseDir": "/sub/", "reference": "main"}
    function = git.stack.get("functions", team, "hello") or {}
    assert function["status"]["gitRepository"] == fields | {"commit": third}
    assert deployments.commits["hello"] == [first, second, third]


def path_of(git: GitStack, team: str) -> str:
    """Return the directory that the Function hello unpacks."""
    return variables(git, team)["SOURCE_PATH"]


def variables(git: GitStack, team: str) -> dict[str, str]:
    """Return the variables of fetch-source in the Deployment of the Function hello."""
    deployment = git.stack.get("deployments", team, "hello") or {}
    fetch, _ = deployment["spec"]["template"]["spec"]["initContainers"]
    return {entry["name"]: entry["value"] for entry in fetch["env"]}


ELSEWHERE = {"handler.py": "root", "README.md": "readme", "sub-way/handler.py": "other", "sub.py": "other"}


def test_a_push_elsewhere(
    git: GitStack, team: str, code: Repository, url: str, deployments: Deployments, tmp_path: Path
) -> None:
    """
    A push outside of baseDir starts no pod, and the status follows; one inside is one rollout.

    A pod that starts after source-controller has deleted its archive finds the content in the newest one.
    """
    (first,) = code.commits()
    git.create(team, "hello", url, baseDir="sub")
    git.until_runs(team, "hello", first)
    wait_until_ready(git.stack, team)
    before = git.plane.kubectl("get", "replicasets", "-n", team, "-o", "name")
    second = code.push(ELSEWHERE)
    git.fetch(team, "hello", "1")
    git.until_source(team, "hello", "True", second)
    wait_until(lambda: status_of(git, team)["commit"] == second, "the status to name the commit")
    assert (git.runs(team, "hello"), deployments.templates["hello"]) == (first, 1)
    assert git.plane.kubectl("get", "replicasets", "-n", team, "-o", "name") == before != ""
    next(git.sources.storage.rglob(f"{team}/hello/{first}.tar.gz")).unlink()
    for family in PROGRAMS:
        done = fetch(family, tmp_path / family, "", b"", **variables(git, team))
        assert (done.code, list(files(tmp_path / family))) == (0, ["handler.py"]), done
    third = code.push({"sub/handler.py": "third"})
    git.fetch(team, "hello", "2")
    git.until_runs(team, "hello", third)
    assert deployments.commits["hello"] == [first, third]
    assert deployments.templates["hello"] == 2


def status_of(git: GitStack, team: str) -> Manifest:
    return dict((git.stack.get("functions", team, "hello") or {})["status"])


def test_deleted_and_suspended(git: GitStack, team: str, code: Repository, url: str, deployments: Deployments) -> None:
    """A deleted GitRepository is made again; a suspended one is left so, the status says it, and what ran stays."""
    (first,) = code.commits()
    git.create(team, "hello", url)
    git.until_runs(team, "hello", first)
    before = git.stack.get("gitrepositories", team, "hello") or {}
    git.plane.kubectl("delete", "gitrepository", "hello", "-n", team)
    wait_until(lambda: uid_of(git, team) not in ("", before["metadata"]["uid"]), "another GitRepository")
    git.until_source(team, "hello", "True", first)
    git.stack.patch("gitrepositories", team, "hello", {"spec": {"suspend": True}})
    git.until_source(team, "hello", "True", "suspended")
    code.push({"handler.py": "second"})
    git.fetch(team, "hello", "1")
    time.sleep(INTERVAL / 2)
    assert deployments.commits["hello"] == [first]
    assert deployments.templates["hello"] == 1
    git.stack.patch("gitrepositories", team, "hello", {"spec": {"suspend": None}})
    git.until_runs(team, "hello", code.commits()[1])


def uid_of(git: GitStack, team: str) -> str:
    return str((git.stack.get("gitrepositories", team, "hello") or {})["metadata"]["uid"])


def test_source_controller_away(
    git: GitStack, team: str, code: Repository, url: str, deployments: Deployments, pytestconfig: pytest.Config
) -> None:
    """
    Nothing that runs changes while source-controller is away, nor when it starts without its artifacts.

    Of a Function that is deleted meanwhile only the GitRepository stays until then: Flux has a finalizer on it.
    """
    (first,) = code.commits()
    for name in ("hello", "gone"):
        git.create(team, name, url)
    for name in ("hello", "gone"):
        git.until_runs(team, name, first)
        wait_until_ready(git.stack, team, name)
    git.sources.stop()
    git.plane.kubectl("delete", "function", "gone", "-n", team, "--wait=false")
    for kind in ("deployments", "services", "functions"):
        wait_until(partial(git.is_absent, kind, team, "gone"), f"{kind} gone to be deleted")
    second = code.push({"handler.py": "second"})
    git.create(team, "new", url)
    git.until_source(team, "new", "Unknown", "waiting for GitRepository new")
    time.sleep(pytestconfig.getoption("--git-away"))
    assert git.stack.condition(team, "hello", "Ready")["status"] == "True"
    assert git.stack.condition(team, "new", "Reconciling")["reason"] == "SourcePending"
    git.sources.forget()
    code.reset(first)
    git.http.faults[code.bare.name] = "deny"
    git.sources.start()
    git.until_source(team, "hello", "False", "authentication required")
    assert git.stack.condition(team, "hello", "Ready")["status"] == "True"
    git.http.faults.clear()
    for name in ("hello", "new"):
        git.fetch(team, name, "0")
    git.until_runs(team, "new", first)
    wait_until(lambda: git.sources.artifact(team, "hello"), "the artifact to be made again")
    wait_until(partial(git.is_absent, "gitrepositories", team, "gone"), "its GitRepository to be deleted")
    code.reset(second)
    git.fetch(team, "hello", "1")
    git.until_runs(team, "hello", second)
    assert deployments.commits["hello"] == [first, second]
    assert deployments.templates["hello"] == 2


def test_silence(git: GitStack, team: str, code: Repository, url: str) -> None:
    """
    Without a push, Metacontroller does not even read a Function, and writes none that cannot be fetched.

    Flux writes the status of a source that it could not fetch at each attempt, so that Metacontroller calls the hook.
    """
    git.create(team, "hello", url)
    git.create(team, "missing", url, reference="nope")
    git.until_runs(team, "hello", code.commits()[0])
    git.until_source(team, "missing", "False", "neither a branch nor a tag")
    wait_until_ready(git.stack, team)
    time.sleep(5)
    mark, asked = git.plane.mark(), git.http.requests[code.bare.name]
    time.sleep(2 * INTERVAL + 5)
    assert [what for _, what in git.plane.events(mark) if what.endswith(f"{team}/hello")] == []
    assert [what for what in git.plane.writes(mark) if team in what] == []
    assert git.http.requests[code.bare.name] >= asked + 2, "without fetches silence proves nothing"


def test_deletion(git: GitStack, team: str, url: str) -> None:
    """A deleted Function takes its GitRepository and the artifact with it."""
    git.create(team, "hello", url)
    artifact = wait_until(lambda: git.sources.artifact(team, "hello"), "an artifact")
    assert (git.sources.storage / artifact["path"]).exists()
    git.plane.kubectl("delete", "function", "hello", "-n", team, "--timeout=30s")
    assert git.stack.get("gitrepositories", team, "hello") is None
    wait_until(lambda: not (git.sources.storage / artifact["path"]).exists(), "the artifact to be deleted")
