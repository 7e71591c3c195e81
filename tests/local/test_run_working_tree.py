"""`buildless run` for Functions from Git whose repository is checked out on this machine."""

import json
import os
import signal
import time
from pathlib import Path
from random import Random

import pytest
from support.cluster.git_repository import Repository, git
from support.left_out import require_program
from support.local_git import LISTING, TWO, URL, git_function, instead_of, once, repository, source_ref_function
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


@pytest.fixture
def own(remote: Repository) -> Path:
    """A Function in a clone of its repository."""
    git(remote.clone, "remote", "set-url", "origin", "git@git.example:team/functions")
    path = remote.clone / "deploy/function.yaml"
    path.parent.mkdir()
    path.write_text(git_function())
    return path


def test_a_working_tree_is_followed(own: Path, remote: Repository, tmp_path: Path) -> None:
    """Saved files are served without a commit, new ones, too; nothing is written to the author's repository."""
    clone = remote.clone
    (clone / "fn/handler.py").write_text(TWO)
    before = state(clone)
    with running(tmp_path, str(own)) as run:
        assert run.get("hello") == (200, "two")
        (clone / "fn/new.py").write_text("text = 'three'\n")
        (clone / "fn/handler.py").write_text("from new import text\ndef main(event, context):\n    return text\n")
        wait_until(lambda: run.get("hello") == (200, "three"))
        (clone / "elsewhere").write_text("x")
        (clone / "fn/new.py").write_text("text = 'four'\n")
        wait_until(lambda: run.get("hello") == (200, "four"))
    (clone / "elsewhere").unlink()
    (clone / "fn/new.py").unlink()
    (clone / "fn/handler.py").write_text(TWO)
    assert state(clone) == before
    assert run.output.count(f"not main of {URL}") == 1
    assert not list(run.temporary.iterdir())


def test_an_edit_within_the_second_of_a_checkout_is_served(own: Path, remote: Repository, tmp_path: Path) -> None:
    """A file of the same size and time as in the index counts as it is, as for git itself."""
    handler, index = remote.clone / "fn/handler.py", remote.clone / ".git/index"
    git(remote.clone, "config", "core.trustctime", "false")
    git(remote.clone, "add", "--all")
    before = handler.stat().st_mtime_ns
    handler.write_text(TWO)
    for file in (handler, index):
        os.utime(file, ns=(before, before))
    assert "200: two" in once(tmp_path, str(own)).output


def state(clone: Path) -> tuple[str, bytes, list[Path]]:
    """Return what git says about a clone, its index, and the names of all files of Git's."""
    files = sorted(path for path in (clone / ".git").rglob("*") if path.is_file())
    return git(clone, "--no-optional-locks", "status", "--short"), (clone / ".git/index").read_bytes(), files


def test_ignored_files_of_a_working_tree_are_left_out(own: Path, remote: Repository, tmp_path: Path) -> None:
    """What runs is what a commit of all files would contain: a tracked file that is ignored is part of it."""
    files = remote.clone / "fn"
    for name, text in {"tracked.log": "", "other.log": "", ".a": "", "handler.py": LISTING}.items():
        (files / name).write_text(text)
    git(files, "add", "--force", "tracked.log")
    (remote.clone / ".gitignore").write_text("*.log\n")
    with running(tmp_path, str(own)) as run:
        assert json.loads(run.get("hello")[1])["files"] == [".a", "handler.py", "tracked.log"]


def test_tracebacks_name_the_file_in_the_working_tree(own: Path, remote: Repository, tmp_path: Path) -> None:
    """The place is one that an editor can open."""
    (remote.clone / "fn/handler.py").write_text("def main(event, context):\n    return 1 / 0\n")
    run = once(tmp_path, str(own))
    assert f'File "{os.path.relpath(remote.clone / "fn/handler.py")}", line 2' in run.output


def test_a_checkout_that_is_named_is_used(remote: Repository, file: Path, tmp_path: Path) -> None:
    """NAME=DIR needs no remote; without NAME a remote of the checkout has to be the url; a bare one is fetched."""
    (remote.clone / "fn/handler.py").write_text(TWO)
    assert "200: two" in once(tmp_path, str(file), "--repository", f"hello={remote.clone / 'fn'}").output
    assert "200: one" in once(tmp_path, str(file), "--repository", f"hello={remote.bare}").output
    assert "200: one" in once(tmp_path, str(file), "--repository", f"hello=file://{remote.bare}").output
    other = once(tmp_path, str(file), "--repository", str(remote.clone))
    assert f"{remote.clone}: no Function from Git has a remote of it as url" in other.output
    assert other.process.returncode == 1
    git(remote.clone, "remote", "add", "mirror", "ssh://me@git.example:22/team/functions")
    assert "200: two" in once(tmp_path, str(file), "--repository", str(remote.clone)).output


def test_fetch_leaves_a_checkout_alone(own: Path, remote: Repository, tmp_path: Path) -> None:
    """With --fetch the reference is fetched although the repository is checked out."""
    (remote.clone / "fn/handler.py").write_text(TWO)
    run = once(tmp_path, str(own), "--fetch", **instead_of({URL: remote.bare}))
    assert "200: one" in run.output


def test_a_source_ref_without_its_object_is_the_working_tree(remote: Repository, file: Path, tmp_path: Path) -> None:
    """Outside of a repository the output says what to give."""
    own = remote.clone / "function.yaml"
    own.write_text(source_ref_function())
    run = once(tmp_path, str(own))
    assert "not GitRepository hello" in run.output
    assert "answered 200: one" in run.output
    file.write_text(source_ref_function(kind="Bucket"))
    run = once(tmp_path, str(file))
    assert (
        "spec.source.sourceRef.name: Bucket hello cannot be fetched here: give a checkout with --repository"
        in run.output
    )
    assert run.process.returncode == 1
    assert "200: one" in once(tmp_path, str(file), "--repository", f"hello={remote.clone}").output


PACKAGE = '{"main": "lib/index.js", "dependencies": {"words": "file:./words"}}'
NODE = {
    "fn/package.json": PACKAGE,
    "fn/lib/index.js": "exports.main = () => require('words');\n",
    "fn/words/package.json": '{"name": "words", "version": "1.0.0"}',
    "fn/words/index.js": "module.exports = 'one';\n",
}


def test_main_and_packages_of_a_repository(tmp_path: Path, file: Path) -> None:
    """`main` of package.json is the handler, and its packages are installed; a change of a local package is seen."""
    require_program("npm")
    made = repository(tmp_path, NODE)
    file.write_text(git_function(runtime="nodejs22"))
    with running(tmp_path, str(file), "--repository", f"hello={made.clone}") as run:
        assert run.get("hello") == (200, "one")
        (made.clone / "fn/words/index.js").write_text("module.exports = 'two';\n")
        wait_until(lambda: run.get("hello") == (200, "two"))


@pytest.mark.parametrize("moment", range(10 if os.environ.get("BUILDLESS_ALL") else 2))
def test_ctrl_c_leaves_no_file(own: Path, remote: Repository, tmp_path: Path, moment: int) -> None:
    """Ctrl-C while sources are fetched, read from a working tree, unpacked or installed ends everything."""
    (tmp_path / "other.yaml").write_text(git_function("other"))
    files = (str(own), str(tmp_path / "other.yaml"), "--repository", f"other={remote.bare}")
    with running(tmp_path, *files) as run:
        wait_until(lambda: bool(list(run.temporary.iterdir())) or run.process.poll() is not None)
        seconds = Random(moment).uniform(0, 2)
        time.sleep(seconds / 2)
        (remote.clone / "fn/handler.py").write_text(TWO)
        time.sleep(seconds / 2)
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(10) == 0
    assert not list(run.temporary.glob("buildless-*"))
    assert "Traceback" not in run.output
    assert "never retrieved" not in run.output
