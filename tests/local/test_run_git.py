"""`buildless run` for Functions from Git that are fetched, from remotes that serve and from such that fail."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster.git_http import Fault, HttpRemote
from support.cluster.git_repository import Repository, git
from support.cluster.git_ssh import SshRemote
from support.left_out import require_program
from support.local_git import (
    LISTING,
    ONE,
    TWO,
    URL,
    flux_object,
    git_function,
    instead_of,
    once,
    repository,
    source_ref_function,
)
from support.local_run import running, wait_until

pytestmark = pytest.mark.sampled


@pytest.fixture
def remote(tmp_path: Path) -> Repository:
    return repository(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A Function outside of any repository."""
    path = tmp_path / "functions.yaml"
    path.write_text(git_function())
    return path


def test_a_branch_is_fetched_again_when_the_file_is_saved(remote: Repository, file: Path, tmp_path: Path) -> None:
    """A push is served after a save; a save without a push, or a push elsewhere, restarts nothing."""
    with running(tmp_path, str(file), **instead_of({URL: remote.bare})) as run:
        assert run.get("hello") == (200, "one")
        pods = set(run.temporary.iterdir())
        commits = [git(remote.clone, "rev-parse", "HEAD"), remote.push({"elsewhere": "x"})]
        os.utime(file)
        run.wait_for(f"hello | fetched commit {commits[1][:12]} of {URL}")
        commits.append(remote.push({"fn/handler.py": TWO}))
        assert set(run.temporary.iterdir()) == pods
        os.utime(file)
        wait_until(lambda: run.get("hello") == (200, "two"))
    fetched = [line for line in run.output.splitlines() if "fetched commit" in line]
    assert fetched == [f"hello | fetched commit {commit[:12]} of {URL}" for commit in commits]
    assert run.output.count("ready in") == 2
    assert not list(run.temporary.iterdir())


def test_the_files_are_those_of_the_repository(remote: Repository, file: Path, tmp_path: Path) -> None:
    """Dotfiles and other files below baseDir are there, byte for byte, whatever .gitattributes says; no others are."""
    attributes = "* export-ignore\n.a export-subst eol=crlf ident\n"
    remote.push({"fn/.gitattributes": attributes, "fn/handler.py": LISTING, "fn/.a": "$Format:%H$ $Id$\n", "other": ""})
    with running(tmp_path, str(file), **instead_of({URL: remote.bare})) as run:
        found = json.loads(run.get("hello")[1])
    assert found == {"files": [".a", ".gitattributes", "handler.py"], "text": "$Format:%H$ $Id$\n"}


REFERENCES = {
    "branch": ("main", "branch"),
    "branch-before-tag": ("both", "branch of both"),
    "tag": ("v1", "tagged"),
    "full-branch": ("refs/heads/both", "branch of both"),
    "full-tag": ("refs/tags/both", "tagged"),
    "commit": ("COMMIT", "tagged"),
    "older-commit": ("OLDER", "one"),
}


@pytest.fixture
def tagged(tmp_path: Path) -> Repository:
    """A repository with the branches main and both, and the tags v1 and both."""
    made = repository(tmp_path)
    made.push({"fn/handler.py": ONE.replace("one", "tagged")})
    made.tag("v1")
    made.push({"fn/handler.py": ONE.replace("one", "branch")})
    made.push({"fn/handler.py": ONE.replace("one", "branch of both")}, branch="both")
    made.tag("both", "v1^{commit}")
    return made


def test_references_mean_what_they_mean_in_the_cluster(tagged: Repository, file: Path, tmp_path: Path) -> None:
    """A branch comes before a tag of its name; commits and full names are what they say."""
    older, commit = git(tagged.clone, "rev-parse", "v1^{commit}~1", "v1^{commit}").splitlines()
    given = {name: row[0].replace("COMMIT", commit.upper()).replace("OLDER", older) for name, row in REFERENCES.items()}
    file.write_text("---\n".join(git_function(name, reference=reference) for name, reference in given.items()))
    run = once(tmp_path, str(file), **instead_of({URL: tagged.bare}))
    for name, (_, answer) in REFERENCES.items():
        assert f"{name} | GET / answered 200: {answer}\n" in run.output
    assert run.process.returncode == 0


MISSING = {
    "branch": ({"reference": "nope"}, f"{URL} has no branch nope and no tag nope"),
    "full": ({"reference": "refs/tags/nope"}, f"{URL} has no tag nope"),
    "commit": ({"reference": "0" * 40}, f"{URL} has no commit {'0' * 40} in a branch or tag"),
    "directory": ({"baseDir": "nope"}, f"of {URL} has no directory nope"),
    "file": ({"baseDir": "fn/handler.py"}, f"of {URL} has no directory fn/handler.py"),
    "repository": ({"url": "https://git.example/gone"}, "Could not resolve host: git.example"),
}


def test_what_is_missing_is_one_line(tagged: Repository, file: Path, tmp_path: Path) -> None:
    """The reason is one line, and the exit code is 1."""
    file.write_text("---\n".join(git_function(name, **fields) for name, (fields, _) in MISSING.items()))
    run = once(tmp_path, str(file), **instead_of({URL: tagged.bare}))
    for name, (_, message) in MISSING.items():
        (line,) = [line for line in run.output.splitlines() if line.startswith(f"{name} | not fetched: ")]
        assert message in line
    assert run.process.returncode == 1
    assert "Traceback" not in run.output


def test_a_remote_that_is_lost_changes_nothing_that_runs(remote: Repository, file: Path, tmp_path: Path) -> None:
    """The previous version answers, and the next save fetches again."""
    away = remote.bare.with_name("away.git")
    with running(tmp_path, str(file), **instead_of({URL: remote.bare})) as run:
        assert run.get("hello") == (200, "one")
        remote.push({"fn/handler.py": TWO})
        remote.bare.rename(away)
        os.utime(file)
        run.wait_for("; the previous version keeps running")
        assert run.get("hello") == (200, "one")
        away.rename(remote.bare)
        os.utime(file)
        wait_until(lambda: run.get("hello") == (200, "two"))
    assert "does not appear to be a git repository" in run.output


SOURCE_REFS: dict[str, tuple[dict[str, object], str]] = {
    "branch": ({"ref": {"branch": "both"}}, "branch | GET / answered 200: branch of both"),
    "tag": ({"ref": {"branch": "main", "tag": "v1"}}, "tag | GET / answered 200: tagged"),
    "name": ({"ref": {"name": "refs/tags/both"}}, "name | GET / answered 200: tagged"),
    "default": ({}, "has no branch master"),
    "no-map": ({"ref": ["branch"]}, "no-map | not fetched: "),
    "semver": ({"ref": {"semver": "1.x"}}, "spec.ref.semver: Unsupported value"),
    "bad-url": ({"url": "ext::sh -c x"}, "spec.url: Invalid value: must be an http://"),
    "bad-branch": ({"ref": {"branch": "--upload-pack=x"}}, "spec.ref.branch: Invalid value"),
    "bad-name": ({"ref": {"name": "main"}}, "spec.ref.name: Invalid value: must begin with refs/"),
    "bad-commit": ({"ref": {"commit": "HEAD"}}, "spec.ref.commit: Invalid value"),
}


def test_a_source_ref_is_that_of_flux(tagged: Repository, file: Path, tmp_path: Path) -> None:
    """The GitRepository in the given files has URL and reference; what Flux or Git would reject is a problem."""
    pairs = [(source_ref_function(name), flux_object(name, **spec)) for name, (spec, _) in SOURCE_REFS.items()]
    file.write_text("---\n".join(each for pair in pairs for each in pair))
    run = once(tmp_path, str(file), **instead_of({URL: tagged.bare}))
    for _, output in SOURCE_REFS.values():
        assert output in run.output
    assert "Traceback" not in run.output


@pytest.fixture
def http(tmp_path: Path) -> Iterator[HttpRemote]:
    require_program("openssl")
    served = HttpRemote(tmp_path, login=("me", "p@ss:word"))
    yield served
    served.close()


LOGINS = {"me:p%40ss%3Aword@": "200: one", "me:wrong%21@": "Authentication failed", "": "terminal prompts disabled"}


@pytest.mark.parametrize("login", LOGINS)
def test_no_password_is_printed(http: HttpRemote, remote: Repository, file: Path, tmp_path: Path, login: str) -> None:
    """A password in the URL works, and is in no line of the output, whatever git is set to print."""
    file.write_text(git_function(url=http.url.replace("//", f"//{login}") + "/remote.git"))
    env = {"GIT_SSL_CAINFO": str(tmp_path / "ca.pem"), "GIT_TRACE_CURL": "1", "GIT_CURL_VERBOSE": "1"}
    run = once(tmp_path, str(file), **instead_of({}) | env)
    assert LOGINS[login] in run.output
    assert "word" not in run.output
    assert "wrong" not in run.output


def test_ssh(remote: Repository, file: Path, tmp_path: Path) -> None:
    """ssh uses the author's keys and known hosts, and never a prompt."""
    served = SshRemote(tmp_path)
    try:
        (tmp_path / "known").write_text(served.secret()["known_hosts"])
        file.write_text(git_function(url=f"{served.url}/remote.git"))
        options = f"-F none -i {tmp_path}/client -o UserKnownHostsFile={tmp_path}/"
        for known, output in {"known": "200: one", "unknown": "Host key verification failed."}.items():
            run = once(tmp_path, str(file), **instead_of({}) | {"GIT_SSH_COMMAND": f"ssh {options}{known}"})
            assert output in run.output
    finally:
        served.close()


FAULTS: dict[Fault, str] = {
    "deny": "terminal prompts disabled",
    "garbage": "hello | not fetched: fatal: ",
    "error": "The requested URL returned error: 503",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_remote_that_fails_is_quoted(remote: Repository, file: Path, tmp_path: Path, fault: Fault) -> None:
    """One line in git's own words; other Functions run."""
    served = HttpRemote(tmp_path)
    served.faults["remote.git"] = fault
    file.write_text(git_function(url=f"{served.url}/remote.git") + "---\n" + git_function("other"))
    run = once(tmp_path, str(file), **instead_of({URL: remote.bare}))
    served.close()
    assert FAULTS[fault] in run.output
    assert "other | GET / answered 200: one" in run.output
    assert all(line.isprintable() for line in run.output.splitlines())
    assert "Traceback" not in run.output


def test_ctrl_c_ends_a_fetch(remote: Repository, file: Path, tmp_path: Path) -> None:
    """A remote that never answers holds up nothing."""
    served = HttpRemote(tmp_path)
    served.faults["remote.git"] = "hang"
    file.write_text(git_function(url=f"{served.url}/remote.git"))
    with running(tmp_path, str(file), **instead_of({})) as run:
        wait_until(lambda: bool(served.requests))
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(10) == 0
    served.close()
    assert not list(run.temporary.iterdir())
    assert "Traceback" not in run.output
