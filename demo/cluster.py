"""
A cluster on this machine with Functions on it: the steps behind `make images`, `cluster`, `install`, `demo-cluster`.

Every step works on the kind cluster "buildless" and on no other, whatever kubectl's current context is. CONTEXT names
another cluster for `install` and `call`. Needs nothing of Python but Python.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLUSTER = "buildless"
CONTEXT = os.environ.get("CONTEXT", f"kind-{CLUSTER}")
NAMESPACE = "buildless-functions"
METACONTROLLER = ("oci://ghcr.io/metacontroller/metacontroller-helm", "4.17.2")
CRD = "crd/functions.serverless.kyma-project.io"
NEEDED = {
    "docker": "Docker with buildx: https://docs.docker.com/get-started/get-docker/",
    "kind": "kind: https://kind.sigs.k8s.io/docs/user/quick-start/#installation",
    "kubectl": "kubectl: https://kubernetes.io/docs/tasks/tools/",
    "helm": "Helm: https://helm.sh/docs/intro/install/",
}
DOCKER = {
    ("docker", "buildx", "version"): "Docker's plugin buildx: https://docs.docker.com/build/install-buildx/",
    ("docker", "info"): "a Docker that is running (`docker info` fails)",
}


def images() -> None:
    """Build the images of docker-bake.json into the local engine; attestations are for releases, kind takes none."""
    run("docker", "buildx", "bake", "--load", "--provenance=false", "--sbom=false")


def cluster() -> None:
    """Start the cluster if there is none, and give it the images."""
    if CLUSTER not in said("kind", "get", "clusters").split():
        run("kind", "create", "cluster", f"--name={CLUSTER}", f"--config={ROOT / 'demo/kind.yaml'}", "--wait=2m")
    printed = json.loads(said("docker", "buildx", "bake", "--print"))
    tags = [tag for target in printed["target"].values() for tag in target["tags"]]
    run("kind", "load", "docker-image", f"--name={CLUSTER}", *tags)


def install() -> None:
    """Install Metacontroller, then the hook, each by its chart, and wait until Functions are known and served."""
    chart, version = METACONTROLLER
    values = ROOT / "metacontroller/values.yaml"
    helm("metacontroller", chart, "metacontroller", f"--version={version}", f"--values={values}")
    helm("function-hook", ROOT / "chart", NAMESPACE)
    run(*kubectl("wait", "--for=condition=Established", "--timeout=1m", CRD))


def call(*files: str) -> None:
    """Apply what these files hold (by default one example), then call each Function among it and print its answer."""
    applied = [f"--filename={file}" for file in files or [ROOT / "examples/hello-python.yaml"] if _holds_function(file)]
    names = said(*kubectl("apply", "--output=name", *applied)).split()
    for name in names:
        if name.startswith("function."):
            _call(name)


def clean() -> None:
    """Remove the cluster and all that runs on it; the images stay in the local engine."""
    run("kind", "delete", "cluster", f"--name={CLUSTER}")


def _holds_function(file: str | Path) -> bool:
    """Tell a file to apply from a config of the hook, which lies beside the examples."""
    return re.search(r"^kind: Function$", Path(file).read_text(encoding="utf-8"), re.MULTILINE) is not None


def _call(name: str) -> None:
    """Wait for one Function and call it through the API server, which needs no image and no open port."""
    run(*kubectl("wait", "--for=condition=Ready", "--timeout=5m", name))
    function = json.loads(said(*kubectl("get", name, "--output=json")))
    if function["spec"].get("replicas") == 0:
        print(f"{name} is off", flush=True)
        return
    metadata = function["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}:80/proxy/"
    print(f"{name} answers: {said(*kubectl('get', '--raw', path))}", flush=True)


def helm(release: str, chart: str | Path, namespace: str, *options: str) -> None:
    where = (f"--kube-context={CONTEXT}", f"--namespace={namespace}", "--create-namespace")
    run("helm", "upgrade", "--install", release, chart, *where, "--wait", "--timeout=5m", *options)


def kubectl(*arguments: str) -> Sequence[str]:
    return ("kubectl", f"--context={CONTEXT}", *arguments)


def run(*command: str | Path) -> None:
    """Show a command and run it; the program ends with it if it fails."""
    words = [str(word) for word in command]
    print("$", *words, flush=True)
    if status := subprocess.run(words, cwd=ROOT, check=False).returncode:
        sys.exit(f"{words[0]} failed with status {status}")


def said(*command: str) -> str:
    """Return what a command prints; the program ends with it if it fails."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed with status {done.returncode}")
    return done.stdout


STEPS = {
    "images": (images, ("docker",)),
    "cluster": (cluster, ("docker", "kind")),
    "install": (install, ("helm", "kubectl")),
    "call": (call, ("kubectl",)),
    "clean": (clean, ("kind",)),
}


def missing(steps: Sequence[str]) -> list[str]:
    """Return what has to be there before these steps can run, and is not."""
    programs = dict.fromkeys(program for step in steps for program in STEPS[step][1])
    wanted = [NEEDED[program] for program in programs if shutil.which(program) is None]
    if "docker" in programs and shutil.which("docker"):
        failed = [command for command in DOCKER if subprocess.run(command, capture_output=True, check=False).returncode]
        wanted += [DOCKER[command] for command in failed]
    return wanted


def main(words: Sequence[str]) -> None:
    """Carry out the steps in turn; whatever is no step's name is a file for `call`."""
    steps = [word for word in words if word in STEPS]
    if not steps:
        sys.exit(f"one or more of {', '.join(STEPS)} have to be named")
    if wanted := missing(steps):
        sys.exit(f"{', '.join(steps)}: these are missing: {'; '.join(wanted)}")
    for step in steps:
        STEPS[step][0](*(word for word in words if step == "call" and word not in STEPS))


if __name__ == "__main__":
    main(sys.argv[1:])
