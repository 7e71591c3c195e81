"""Functions from Git for `buildless run`, and repositories on disk in place of the remotes that they name."""

from pathlib import Path

import yaml
from support.cluster.git_repository import ENVIRONMENT, Repository
from support.left_out import require_program
from support.local_run import SECONDS, Run, running

URL = "https://git.example/team/functions.git"
ONE = "def main(event, context):\n    return 'one'\n"
TWO = ONE.replace("one", "two")
LISTING = """\
import os
def main(event, context):
    return {"files": sorted(set(os.listdir("kubeless")) - {"__pycache__"}), "text": open("kubeless/.a").read()}
"""
"""A handler that returns the files beside it, and the text of .a."""
API_VERSION = "source.toolkit.fluxcd.io/v1"


def git_function(name: str = "hello", runtime: str = "python312", **fields: object) -> str:
    """Return a Function whose gitRepository has these fields; by default it is the directory fn of main at URL."""
    source: dict[str, dict[str, object]] = {
        "gitRepository": {"url": URL, "baseDir": "fn", "reference": "main"} | fields
    }
    return _function(name, runtime, source)


def source_ref_function(name: str = "hello", **fields: object) -> str:
    """Return a Function whose sourceRef has these fields; by default the directory fn of its GitRepository."""
    reference: dict[str, object] = {"kind": "GitRepository", "name": name, "path": "fn"} | fields
    return _function(name, "python312", {"sourceRef": reference})


def flux_object(name: str = "hello", **spec: object) -> str:
    """Return a GitRepository, by default of URL."""
    value = {"apiVersion": API_VERSION, "kind": "GitRepository", "metadata": {"name": name}}
    return yaml.safe_dump(value | {"spec": {"url": URL} | spec})


def repository(folder: Path, files: dict[str, str] | None = None) -> Repository:
    """Return a repository with one commit; the test is skipped without git."""
    require_program("git")
    made = Repository(folder / "remote.git")
    made.push({"fn/handler.py": ONE} if files is None else files)
    return made


def instead_of(places: dict[str, Path]) -> dict[str, str]:
    """Return variables with which git reads directories in place of URLs, and no configuration of this machine."""
    env = ENVIRONMENT | {"GIT_CONFIG_COUNT": str(len(places))}
    for number, (url, place) in enumerate(places.items()):
        env |= {f"GIT_CONFIG_KEY_{number}": f"url.file://{place}.insteadOf", f"GIT_CONFIG_VALUE_{number}": url}
    return env


def _function(name: str, runtime: str, source: dict[str, dict[str, object]]) -> str:
    head = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": {"name": name}}
    return yaml.safe_dump(head | {"spec": {"runtime": runtime, "source": source}})


def once(folder: Path, *arguments: str, **env: str) -> Run:
    """Return the ended `buildless run --once`."""
    with running(folder, *arguments, "--once", **env) as run:
        run.process.wait(SECONDS)
    return run
