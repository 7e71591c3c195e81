"""Pods of Functions from Git with a real source-controller: what runs, how a push arrives, what a restart fetches."""

import http.client
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster.control_plane import wait_until
from support.cluster.functions import create_function
from support.cluster.git_http import HttpRemote
from support.cluster.git_repository import Repository
from support.cluster.stack import Stack
from support.node.git import running_with_git
from support.node.load import steady
from support.node.testbed import Functions, container_status

LANGUAGES = {"python": "python312", "nodejs": "nodejs22"}
HANDLERS = {
    "python": (
        "handler.py",
        """
import os

import six


def main(event, context):
    if event.req.path == "/crash":
        os._exit(7)
    return "VERSION " + open("/kubeless/.settings").read() + six.__name__
""",
    ),
    "nodejs": (
        "handler.js",
        """
const { readFileSync } = require('node:fs');
require('dayjs');
exports.main = ({ extensions: { request } }) => {
  if (request.path === '/crash') process.exit(7);
  return 'VERSION ' + readFileSync('/usr/src/app/function/.settings') + 'dayjs';
};
""",
    ),
}
PACKAGES = {
    "python": {"requirements.txt": "six\n"},
    "nodejs": {"package.json": '{"dependencies": {"dayjs": "1"}}'},
}
RESULT = {"python": "{} dot six", "nodejs": "{} dot dayjs"}


@pytest.fixture(scope="module")
def git(stack: Stack) -> Iterator[Stack]:
    """The cluster with source-controller, and the hook with git.enabled; both are taken back afterwards."""
    with running_with_git(stack):
        yield stack


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[HttpRemote]:
    made = HttpRemote(tmp_path)
    yield made
    made.close()


def files(language: str, version: str) -> dict[str, str]:
    name, text = HANDLERS[language]
    own = {name: text.replace("VERSION", version), ".settings": "dot ", **PACKAGES[language]}
    return {f"app/{file}": content for file, content in own.items()} | {"handler.py": "raise SystemExit\n"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_push_arrives_without_a_lost_request(
    git: Stack, functions: Functions, remote: HttpRemote, tmp_path: Path, language: str
) -> None:
    """With packages, a directory and dotfiles, in a restricted namespace: first by request, then by the interval."""
    repository = Repository(tmp_path / "code.git")
    commit = repository.push(files(language, "one"))
    source = {"url": f"{remote.url}/code.git", "baseDir": "app", "reference": "main"}
    create_function(
        git, functions.namespace, "hello", runtime=LANGUAGES[language], source={"gitRepository": source}, replicas=1
    )
    functions.wait_until_ready("hello")
    assert functions.get("hello") == (200, RESULT[language].format("one"))
    assert commit_in_status(functions) == commit
    with steady(functions.node_port("hello")) as load:
        for version, token in (("two", "1"), ("three", "")):
            commit = repository.push(files(language, version))
            begin = time.monotonic()
            if token:
                annotations = {"reconcile.fluxcd.io/requestedAt": token}
                git.patch("functions", functions.namespace, "hello", {"metadata": {"annotations": annotations}})
            expected = RESULT[language].format(version)
            wait_until(lambda text=expected: load.answers[text], f"a response of {version}", 90)  # type: ignore[misc]
            print(f"{language}: {version} after {time.monotonic() - begin:.1f} s {'by request' if token else ''}")
        wait_until(lambda: commit_in_status(functions) == commit, "the commit in the status")
        wait_until(lambda: len(functions.pods("hello")) == 1, "the old pods to be deleted")
    assert load.errors == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_restart_fetches_nothing(
    git: Stack, functions: Functions, remote: HttpRemote, tmp_path: Path, language: str
) -> None:
    """A crashed container starts again from its files; neither init container runs again."""
    Repository(tmp_path / "code.git").push(files(language, "one"))
    source = {"url": f"{remote.url}/code.git", "baseDir": "app", "reference": "main"}
    create_function(
        git, functions.namespace, "hello", runtime=LANGUAGES[language], source={"gitRepository": source}, replicas=1
    )
    functions.wait_until_ready("hello")
    (before,) = functions.pods("hello")
    with pytest.raises((OSError, http.client.HTTPException)):
        functions.get("hello", "/crash")
    wait_until(lambda: functions.restarts("hello") == 1, "a restart")
    wait_until(lambda: functions.response_if_reachable("hello"), "a response of the new container")
    (after,) = functions.pods("hello")
    for step in ("fetch-source", "install-dependencies"):
        assert container_status(after, step) == container_status(before, step)


def commit_in_status(functions: Functions) -> str:
    found = functions.stack.get("functions", functions.namespace, "hello") or {}
    return str(found["status"]["gitRepository"]["commit"])
