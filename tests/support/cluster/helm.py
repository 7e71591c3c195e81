"""The chart, rendered or installed by a real Helm, and what it makes."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from support import go_tools
from support.cluster.control_plane import ControlPlane
from support.cluster.stack import ROOT, Stack

CHART = ROOT / "chart"
NAMESPACE = "buildless-functions"
RELEASE = "function-hook"
KUBERNETES = "1.36.3"
VALUES = sorted((CHART / "ci").glob("*-values.yaml"))

Manifest = dict[str, Any]


class Helm:
    """One version of Helm, and the API server that it works on."""

    def __init__(self, name: str, plane: ControlPlane | None = None) -> None:
        self.program, self.plane = go_tools.program(name), plane

    def run(self, *arguments: str | Path, check: bool = True) -> str:
        """Return what Helm prints; with check=False what it complains about too."""
        state = {"HELM_CACHE_HOME": "/nowhere", "HELM_CONFIG_HOME": "/nowhere", "HELM_DATA_HOME": "/nowhere"}
        if self.plane:
            state["KUBECONFIG"] = str(self.plane.kubeconfig("admin"))
        command = [str(self.program), *map(str, arguments)]
        done = subprocess.run(command, env=os.environ | state, capture_output=True, text=True, check=False, timeout=400)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout if check else done.stdout + done.stderr

    def template(self, *arguments: str | Path, release: str = RELEASE, namespace: str = NAMESPACE) -> str:
        """Return the rendered manifests as text."""
        return self.run("template", release, CHART, "-n", namespace, "--kube-version", KUBERNETES, *arguments)

    def install(self, *arguments: str | Path, release: str = RELEASE, namespace: str = NAMESPACE) -> None:
        """Install or upgrade; whether pods become ready is not waited for, since no node may be there."""
        where = ("-n", namespace, "--create-namespace")
        self.run("upgrade", "--install", release, CHART, *where, *arguments)


def objects(text: str, *, with_jobs: bool = False) -> list[Manifest]:
    """Return the objects in rendered manifests; those that Helm makes only now and then are left out."""
    every = [document for document in yaml.safe_load_all(text) if document]
    return [each for each in every if with_jobs or "helm.sh/hook" not in each["metadata"].get("annotations", {})]


def one(made: list[Manifest], kind: str, name: str | None = None) -> Manifest:
    """Return the only object of a kind, or of a kind and a name."""
    (found,) = [each for each in made if each["kind"] == kind and name in (None, each["metadata"]["name"])]
    return found


def pods(made: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Yield the name and the spec of every pod or pod template."""
    for each in made:
        if each["kind"] == "Pod":
            yield each["metadata"]["name"], each["spec"]
        elif "template" in each.get("spec", {}):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def hook_of(made: list[Manifest]) -> tuple[str, str]:
    """Return the config and the revision with which the hook of rendered manifests is to run."""
    deployment = one(made, "Deployment")
    config = one(made, "ConfigMap", deployment["metadata"]["name"])["data"]["config.yaml"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return config, next(entry["value"] for entry in container["env"] if entry["name"] == "BUILDLESS_REVISION")


def start_metacontroller(stack: Stack) -> None:
    """Run Metacontroller so that it finds the hook under its Service's name: the hook is its HTTP proxy."""
    stack.install_metacontroller()
    # A CRD that comes after Metacontroller is seen at the next look, every 30 seconds by default.
    stack.metacontroller_flags.append("--discovery-interval=1s")
    stack.start_metacontroller(HTTP_PROXY=f"http://127.0.0.1:{stack.hook_port}")


def run_hook(stack: Stack) -> None:
    """Run the hook as the cluster says that its pods should, in the place of the one that runs."""
    paths = (f"/api/v1/namespaces/{NAMESPACE}/configmaps", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments")
    config, revision = hook_of([stack.plane.call("GET", f"{path}/function-hook")[1] for path in paths])
    file = stack.plane.directory / "hook.yaml"
    file.write_text(config)
    stack.restart_hook("--config", str(file), BUILDLESS_REVISION=revision)
