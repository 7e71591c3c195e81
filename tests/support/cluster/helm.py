"""The chart, rendered or installed by a real Helm, and the objects that it makes."""

import base64
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import yaml
from support import go_tools
from support.cluster.control_plane import ControlPlane, Manifest
from support.cluster.stack import ROOT, Stack

CHART = ROOT / "chart"
NAMESPACE = "buildless-functions"
RELEASE = "function-hook"
KUBERNETES = "1.36.3"
VALUES = sorted((CHART / "ci").glob("*-values.yaml"))


class Helm:
    """One version of Helm, and the API server that it uses."""

    def __init__(self, name: str, plane: ControlPlane | None = None) -> None:
        self.program, self.plane = go_tools.program(name), plane

    def run(self, *arguments: str | Path, check: bool = True) -> str:
        """Run Helm; return its output, with check=False also its errors."""
        state = {"HELM_CACHE_HOME": "/nowhere", "HELM_CONFIG_HOME": "/nowhere", "HELM_DATA_HOME": "/nowhere"}
        if self.plane:
            state["KUBECONFIG"] = str(self.plane.kubeconfig("admin"))
        command = [str(self.program), *map(str, arguments)]
        done = subprocess.run(command, env=os.environ | state, capture_output=True, text=True, check=False, timeout=400)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout if check else done.stdout + done.stderr

    def template(
        self, *arguments: str | Path, release: str = RELEASE, namespace: str = NAMESPACE, check: bool = True
    ) -> str:
        """Return the rendered manifests as text, with check=False also Helm's errors."""
        where = ("-n", namespace, "--kube-version", KUBERNETES)
        return self.run("template", release, CHART, *where, *arguments, check=check)

    def install(self, *arguments: str | Path, release: str = RELEASE, namespace: str = NAMESPACE) -> None:
        """Install or upgrade without waiting for pods: the cluster may have no node."""
        where = ("-n", namespace, "--create-namespace")
        self.run("upgrade", "--install", release, CHART, *where, *arguments)


def objects(text: str, *, with_jobs: bool = False) -> list[Manifest]:
    """Return the objects in rendered manifests; `with_jobs` includes those of Helm's hooks."""
    every = [document for document in yaml.safe_load_all(text) if document]
    return [each for each in every if with_jobs or "helm.sh/hook" not in each["metadata"].get("annotations", {})]


def one(rendered: list[Manifest], kind: str, name: str | None = None) -> Manifest:
    """Return the one object of a kind, or of a kind and a name."""
    (found,) = [each for each in rendered if each["kind"] == kind and name in (None, each["metadata"]["name"])]
    return found


def pods(rendered: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Yield the name and the spec of every pod or pod template."""
    for each in rendered:
        if each["kind"] == "Pod":
            yield each["metadata"]["name"], each["spec"]
        elif "template" in each.get("spec", {}):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def hook_of(rendered: list[Manifest]) -> tuple[str, str]:
    """Return the hook's config.yaml and BUILDLESS_REVISION in rendered manifests."""
    deployment = one(rendered, "Deployment")
    config = one(rendered, "ConfigMap", deployment["metadata"]["name"])["data"]["config.yaml"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return config, next(entry["value"] for entry in container["env"] if entry["name"] == "BUILDLESS_REVISION")


def start_metacontroller(stack: Stack) -> None:
    """Start Metacontroller with the hook as its HTTP proxy, so that the URL of the hook's Service works."""
    stack.install_metacontroller()
    # Metacontroller discovers new CRDs at this interval, every 30 seconds by default.
    stack.metacontroller_flags.append("--discovery-interval=1s")
    stack.start_metacontroller(HTTP_PROXY=f"http://127.0.0.1:{stack.hook_port}")


def run_hook(stack: Stack) -> None:
    """Restart the hook with the config, the revision and the certificate that its pods would have."""
    paths = (f"/api/v1/namespaces/{NAMESPACE}/configmaps", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments")
    config, revision = hook_of([stack.plane.call("GET", f"{path}/function-hook")[1] for path in paths])
    file = stack.plane.directory / "hook.yaml"
    file.write_text(config)
    stack.restart_hook("--config", str(file), *mounted_certificate(stack), BUILDLESS_REVISION=revision)


def mounted_certificate(stack: Stack) -> list[str]:
    """Write the certificate in the chart's Secret to files, as the kubelet does; return the flags that name them."""
    code, secret = stack.plane.call("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/function-hook-tls")
    if code != 200:
        return []
    for name in ("tls.key", "tls.crt"):
        file = stack.plane.directory / name
        (new := file.with_suffix(".new")).write_bytes(base64.b64decode(secret["data"][name]))
        new.rename(file)
    return [
        "--tls-certificate",
        str(stack.plane.directory / "tls.crt"),
        "--tls-key",
        str(stack.plane.directory / "tls.key"),
    ]
