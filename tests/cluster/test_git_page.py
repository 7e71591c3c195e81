"""The commands of docs/git.md for authors, with a real source-controller and real remotes."""

import re
import shutil
from pathlib import Path

import pytest
from support.cluster.functions import wait_until_ready
from support.cluster.git_functions import HANDLER, GitStack
from support.cluster.git_repository import Repository
from support.cluster.git_ssh import SshRemote
from support.cluster.pages import Shell, commands
from support.cluster.stack import ROOT

pytestmark = pytest.mark.own_stack

PAGE = "git.md"
URL = "https://github.com/example/functions.git"


def shell(git: GitStack, team: str, folder: Path) -> Shell:
    """Return a shell in a directory; its kubectl uses the namespace of the test."""
    made = Shell(git.plane, {}, folder)
    config = git.plane.directory / f"{team}.kubeconfig"
    shutil.copy(made.environment["KUBECONFIG"], config)
    made.environment["KUBECONFIG"] = str(config)
    made.run(f"kubectl config set-context --current --namespace={team}")
    return made


def apply(made: Shell, url: str, more: str = "") -> None:
    """Apply the first Function of the page, with this URL and more fields of gitRepository."""
    (example,) = re.findall(r"```yaml\n(apiVersion:.*?)```", (ROOT / "docs" / PAGE).read_text(), re.DOTALL)
    assert URL in example
    (made.directory / "function.yaml").write_text(example.replace(URL, url) + more)
    made.run("kubectl apply -f function.yaml && rm function.yaml")


def test_deploy_a_push_at_once(git: GitStack, team: str, code: Repository, url: str) -> None:
    """The commands for CI end when the pushed commit is Ready."""
    made = shell(git, team, code.clone)
    code.push({"hello/handler.py": HANDLER.format(text="first")})
    apply(made, url)
    git.until_runs(team, "hello", code.commits()[-1])
    wait_until_ready(git.stack, team)
    second = code.push({"hello/handler.py": HANDLER.format(text="second")})
    fetch, wait, ready = "".join(commands(PAGE, "Deploy a push at once")).splitlines()
    made.run(f"{fetch}\n{wait}")
    assert git.runs(team, "hello") == second
    wait_until_ready(git.stack, team)
    made.run(ready)


def test_a_secret_for_ssh(git: GitStack, team: str, code: Repository, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The commands make a Secret with which Flux fetches, and auth of the page names it."""
    remote = SshRemote(tmp_path_factory.mktemp("ssh"))
    try:
        first = code.push({"hello/handler.py": HANDLER.format(text="first")})
        shutil.copytree(code.bare, remote.folder / code.bare.name)
        made = shell(git, team, tmp_path_factory.mktemp("shell"))
        made.environment["HOME"] = str(made.directory)
        (made.directory / ".ssh").mkdir()
        shutil.copy(remote.folder / "client", made.directory / ".ssh" / "id_ed25519")
        (create,) = commands(PAGE, "Private repositories")
        assert "ssh-keyscan github.com " in create
        made.run(create.replace("github.com", f"-p {remote.port} 127.0.0.1"))
        text = (ROOT / "docs" / PAGE).read_text(encoding="utf-8")
        (auth,) = re.findall(r"```yaml\n( +auth:.*?)```", text, re.DOTALL)
        apply(made, f"{remote.url}/{code.bare.name}", auth.replace("type: basic", "type: key"))
        git.until_runs(team, "hello", first)
    finally:
        remote.close()
