"""Functions from Git on a real control plane: the hook, Metacontroller, source-controller, and remotes on loopback."""

import contextlib
import json
import threading
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from support.cluster import flux
from support.cluster.control_plane import Manifest, no_checks, wait_until
from support.cluster.functions import create_function
from support.cluster.git_http import HttpRemote
from support.cluster.git_repository import Repository
from support.cluster.source_controller import SourceController
from support.cluster.stack import PREFIX, Stack, own_stack

INTERVAL = 10
"""Seconds after which source-controller looks for a new commit, at most: the least that a Function may set."""
CONFIG = f"git: {{enabled: true, interval: {INTERVAL}s, timeout: 10s}}\n"
BASIC = {"type": "basic", "secretName": "login"}
KEY = {"type": "key", "secretName": "login"}
HANDLER = "def main(event, context):\n    return {text!r}\n"


class GitStack:
    """All components, and the repositories of `folder` behind an HTTP remote and an HTTPS remote with a password."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack, self.plane, self.folder = stack, stack.plane, folder
        self.sources = SourceController(stack)
        self.http, self.https = HttpRemote(folder), HttpRemote(folder, ("reader", "secret-password"))

    def start(self) -> None:
        """Install and start every component, the hook with four processes."""
        self.sources.install()
        self.sources.start()
        self.stack.install_metacontroller()
        self.stack.install_crd()
        self.stack.install_controller(kinds=flux.CHILDREN)
        config = self.plane.directory / "git.yaml"
        config.write_text(CONFIG)
        self.stack.start_hook("--config", str(config), GUNICORN_CMD_ARGS="--workers=4")
        self.stack.start_metacontroller()

    def close(self) -> None:
        self.http.close()
        self.https.close()
        self.sources.stop()

    def repository(self, name: str) -> Repository:
        """Return a new repository with a handler in / and in /sub on its branch main."""
        made = Repository(self.folder / f"{name}.git")
        made.push({"handler.py": HANDLER.format(text="root"), "sub/handler.py": HANDLER.format(text="sub")})
        return made

    def secret(self, namespace: str, name: str, data: Mapping[str, str]) -> None:
        """Create a Secret, or replace its data."""
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": dict(data)}
        self.plane.kubectl("apply", "-n", namespace, "-f", "-", stdin=body)

    def create(self, namespace: str, name: str, url: str, **fields: Any) -> None:
        """Create a Function whose code is in / of the branch main, unless `fields` of gitRepository say otherwise."""
        git = {"url": url, "baseDir": "/", "reference": "main"} | fields
        create_function(self.stack, namespace, name, source={"gitRepository": git}, replicas=1)

    def edit(self, namespace: str, name: str, **fields: Any) -> None:
        """Merge these fields into gitRepository."""
        self.stack.patch("functions", namespace, name, {"spec": {"source": {"gitRepository": fields}}})

    def fetch(self, namespace: str, name: str, token: str) -> None:
        """Request a fetch now, with another token each time."""
        annotations = {"reconcile.fluxcd.io/requestedAt": token}
        self.stack.patch("functions", namespace, name, {"metadata": {"annotations": annotations}})

    def is_absent(self, resource: str, namespace: str, name: str) -> bool:
        return self.stack.get(resource, namespace, name) is None

    def runs(self, namespace: str, name: str) -> str:
        """Return the commit that the Function's Deployment requests, "" without a Deployment."""
        return commit_of(self.stack.get("deployments", namespace, name) or {})

    def until_runs(self, namespace: str, name: str, commit: str, seconds: float = 30) -> None:
        """Return once the Deployment requests a commit and the status names it."""

        def both() -> bool:
            function = self.stack.get("functions", namespace, name) or {}
            return bool(self.runs(namespace, name) == commit == function["status"]["gitRepository"]["commit"])

        wait_until(both, f"{name} to run {commit}", seconds)

    def until_source(self, namespace: str, name: str, status: str, text: str, seconds: float = 30) -> Manifest:
        """Wait until SourceReady has this status and a message with `text`; return the condition."""

        def found() -> Manifest | None:
            condition = self.stack.condition(namespace, name, "SourceReady")
            return condition if condition["status"] == status and text in condition["message"] else None

        try:
            return dict(wait_until(found, "SourceReady", seconds))
        except AssertionError:
            condition = self.stack.condition(namespace, name, "SourceReady")
            raise AssertionError(f"{name}: SourceReady is not {status} with {text!r} but {condition}") from None


class Deployments:
    """Every version of a namespace's Deployments: `commits` has what each has requested, in order, by name."""

    def __init__(self, stack: Stack, namespace: str) -> None:
        self.commits: dict[str, list[str]] = defaultdict(list)
        """Consecutive versions with the same commit are one entry."""
        self.templates: dict[str, int] = defaultdict(int)
        """How often the pod template has changed, by name."""
        self._last: dict[str, Any] = {}
        plane = stack.plane
        url = f"{plane.url}{PREFIX['deployments']}/namespaces/{namespace}/deployments?watch=1"
        request = urllib.request.Request(url, headers=plane.headers)
        self.stream = urllib.request.urlopen(request, context=no_checks(), timeout=600)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """End the recording: the API server waits for open watches before it ends."""
        with contextlib.suppress(OSError, AttributeError):  # it has ended
            self.stream.fp.raw._sock.shutdown(2)
        self.thread.join(10)

    def _read(self) -> None:
        # The end of the control plane, or close(), may cut a line.
        with self.stream, contextlib.suppress(OSError, ValueError, HTTPException):
            for line in self.stream:
                self._note(json.loads(line)["object"])

    def _note(self, deployment: Manifest) -> None:
        name, template = deployment["metadata"]["name"], deployment["spec"]["template"]
        if template == self._last.get(name):
            return
        self._last[name] = template
        self.templates[name] += 1
        if (commit := commit_of(deployment)) not in self.commits[name][-1:]:
            self.commits[name].append(commit)


def commit_of(deployment: Manifest) -> str:
    """Return the commit that the pods of a Deployment fetch, "" if they fetch none."""
    steps = deployment.get("spec", {}).get("template", {}).get("spec", {}).get("initContainers", ())
    entries = [entry for step in steps for entry in step["env"] if entry["name"] == "SOURCE_REVISION"]
    return str(entries[0]["value"]).rpartition("sha1:")[2] if entries else ""


@contextlib.contextmanager
def git_stack(directory: Path) -> Iterator[GitStack]:
    """Start all components with a control plane of their own; the test is skipped if a program is missing."""
    (directory / "remotes").mkdir()
    with own_stack(directory) as stack:
        made = GitStack(stack, directory / "remotes")
        try:
            made.start()
            yield made
        finally:
            made.close()
