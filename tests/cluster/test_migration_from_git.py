"""
Functions from Git that move from Kyma and back, with the commands of docs/migrating-from-kyma.md.

source-controller is real, and so are the remotes: HTTP, HTTPS with a password, SSH. Kyma and the pods are as in
test_migration.py.
"""

import base64
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support import go_tools
from support.cluster import kyma_programs
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.git_functions import HANDLER, commit_of
from support.cluster.git_http import HttpRemote
from support.cluster.git_repository import Repository
from support.cluster.git_ssh import SshRemote
from support.cluster.helm import run_hook, start_metacontroller
from support.cluster.migration import Migration
from support.cluster.source_controller import NAME, SourceController
from support.cluster.stack import Stack, own_stack

pytestmark = pytest.mark.own_stack

SHOP = "shop"
VALID = [(SHOP, name) for name in ("public", "basic", "key", "typed", "locked")]
CLIMBING = (SHOP, "climbing")


class Remotes:
    """A repository behind three remotes, and what Kyma has for it: Functions and Secrets."""

    def __init__(self, folder: Path) -> None:
        self.code = Repository(folder / "code.git")
        self.code.push({"hello/handler.py": HANDLER.format(text="first")})
        self.http, self.https = HttpRemote(folder), HttpRemote(folder, ("reader", "secret-password"))
        # Kyma's controller logs in as git, whatever user the URL names.
        self.ssh = SshRemote(folder, "git" if shutil.which(kyma_programs.NAME) else "")

    def close(self) -> None:
        for remote in (self.http, self.https, self.ssh):
            remote.close()

    def push(self, text: str) -> str:
        return self.code.push({"hello/handler.py": HANDLER.format(text=text)})

    def functions(self) -> dict[tuple[str, str], Manifest]:
        key, ssh = {"type": "key"}, f"{self.ssh.url}/code.git"
        return {
            (SHOP, "public"): _from_git(f"{self.http.url}/code.git"),
            (SHOP, "basic"): _from_git(f"{self.https.url}/code.git", auth={"type": "basic", "secretName": "basic"}),
            (SHOP, "key"): _from_git(ssh, auth=key | {"secretName": "key"}),
            (SHOP, "typed"): _from_git(ssh, auth=key | {"secretName": "typed"}),
            (SHOP, "locked"): _from_git(ssh, auth=key | {"secretName": "locked"}),
            CLIMBING: _from_git(f"{self.http.url}/code.git", baseDir="../hello"),
        }

    def secrets(self) -> list[Manifest]:
        """Return Secrets as Kyma's documentation describes them; the test's certificate is of a private authority."""
        key = self.ssh.secret()["identity"]
        return [
            {"metadata": {"name": "basic"}, "stringData": self.https.secret()},
            {"metadata": {"name": "key"}, "stringData": {"key": key}},
            {
                "metadata": {"name": "locked"},
                "stringData": {"key": self.locked("passphrase"), "password": "passphrase"},
            },
            {"metadata": {"name": "typed"}, "type": "kubernetes.io/ssh-auth", "stringData": {"ssh-privatekey": key}},
        ]

    def locked(self, password: str) -> str:
        """Return the private key for SSH, encrypted."""
        copy = shutil.copy(self.ssh.folder / "client", self.ssh.folder / "locked")
        subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", password, "-f", copy], check=True)
        return Path(copy).read_text()


def _from_git(url: str, **fields: Any) -> Manifest:
    repository = {"url": url, "baseDir": "/hello", "reference": "main"} | fields
    return {"runtime": "python312", "source": {"gitRepository": repository}}


@dataclass(frozen=True)
class Moving:
    migration: Migration
    remotes: Remotes
    stack: Stack

    def runs(self, namespace: str, name: str, commit: str) -> bool:
        """Return whether the Function is Ready, and its Deployment and its status name this commit."""
        function, found = self.migration.function(namespace, name), self.stack.get("deployments", namespace, name) or {}
        is_ready = self.stack.condition(namespace, name, "Ready").get("status") == "True"
        return is_ready and commit_of(found) == commit == function["status"]["gitRepository"]["commit"]

    def until_run(self, commit: str) -> None:
        for each in VALID:
            wait_until(partial(self.runs, *each, commit), f"{each} to run {commit}", 90)


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moving]:
    """A cluster with Kyma, Functions from Git, Flux and Metacontroller."""
    go_tools.program(NAME)
    with own_stack(tmp_path_factory.mktemp("kyma")) as stack:
        remotes, sources = Remotes(tmp_path_factory.mktemp("remotes")), SourceController(stack)
        for namespace in (SHOP, "flux-system"):
            stack.plane.kubectl("create", "namespace", namespace)
        for secret in remotes.secrets():
            stack.plane.kubectl("create", "-n", SHOP, "-f", "-", stdin={"apiVersion": "v1", "kind": "Secret"} | secret)
        authority = remotes.https.folder / "ca.pem"
        migration = Migration(stack, tmp_path_factory.mktemp("checkout"), remotes.functions(), authority)
        try:
            migration.start()
            sources.install()
            sources.start()
            start_metacontroller(stack)
            yield Moving(migration, remotes, stack)
        finally:
            migration.stop()
            sources.stop()
            remotes.close()


def secret(moving: Moving, name: str) -> dict[str, str]:
    data = moving.stack.plane.call("GET", f"/api/v1/namespaces/{SHOP}/secrets/{name}")[1]["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def test_the_secrets_are_completed(moving: Moving) -> None:
    """Secrets for `key` keep what Kyma reads and get what Flux reads; the output has no private key."""
    moving.migration.follow("Settings")
    output = moving.migration.follow("Functions from Git")
    key = moving.remotes.ssh.secret()["identity"]
    host, _, kind_and_key = moving.remotes.ssh.secret()["known_hosts"].partition(" ")
    for name, field in {"key": "key", "typed": "ssh-privatekey"}.items():
        data = secret(moving, name)
        assert (data[field], data["identity"]) == (key, key)
        assert f"{host} {kind_and_key.rpartition(' ')[0]}" in data["known_hosts"]
    assert secret(moving, "basic") == moving.remotes.https.secret()
    assert "PRIVATE" not in output


def test_the_check_knows_the_setting(moving: Moving) -> None:
    """With git.enabled all Functions from Git can move but the one whose directory is outside its repository."""
    output = moving.migration.follow("Check")
    assert moving.migration.sound() == {moving.migration.line(*each) for each in VALID}
    assert "refused: shop/climbing" in output
    assert "spec.source.gitRepository.baseDir: Invalid value" in output


def test_moving(moving: Moving) -> None:
    """Every valid Function gets a new Deployment with the newest commit, and then follows a push."""
    migration, second = moving.migration, moving.remotes.push("second")
    migration.prepare()
    migration.follow("4. Install the hook")
    run_hook(moving.stack)
    migration.follow("5. Wait")
    for each in VALID:
        assert migration.deployments(*each) == [each[1], f"{each[1]}-..."]
    migration.follow("6. Delete the old Deployments")
    moving.until_run(second)
    moving.until_run(moving.remotes.push("third"))
    for each in VALID:
        assert migration.deployments(*each) == [each[1]]
    assert migration.deployments(*CLIMBING) == ["climbing-..."]
    migration.check_nothing_was_interrupted()


def test_going_back(moving: Moving) -> None:
    """Kyma finds the Deployment of each Function, and no GitRepository is left."""
    moving.migration.go_back()
    moving.migration.check_kyma_owns(["public", "basic", "key", "typed", "locked", "climbing-..."])
    assert moving.stack.list("gitrepositories", SHOP) == []
    moving.migration.check_nothing_was_interrupted()
