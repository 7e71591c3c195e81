"""
A kind cluster with Functions on this machine: the steps of `make images`, `cluster`, `install`, `demo-cluster`.

Every step uses the kind cluster "buildless", whatever kubectl's current context is. CONTEXT names another context for
`install` and `call`. Only the standard library of Python is needed.
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
    """Build the images of docker-bake.json into the local engine, without attestations, which kind cannot load."""
    run("docker", "buildx", "bake", "--load", "--provenance=false", "--sbom=false")


def cluster() -> None:
    """Create the cluster unless it exists, and load the images into it."""
    if CLUSTER not in output("kind", "get", "clusters").split():
        run("kind", "create", "cluster", f"--name={CLUSTER}", f"--config={ROOT / 'demo/kind.yaml'}", "--wait=2m")
    printed = json.loads(output("docker", "buildx", "bake", "--print"))
    tags = [tag for target in printed["target"].values() for tag in target["tags"]]
    run("kind", "load", "docker-image", f"--name={CLUSTER}", *tags)


def install() -> None:
    """Install the charts of Metacontroller and of the hook, and wait until the API server serves Functions."""
    chart, version = METACONTROLLER
    values = ROOT / "metacontroller/values.yaml"
    helm("metacontroller", chart, "metacontroller", f"--version={version}", f"--values={values}")
    helm("function-hook", ROOT / "chart", NAMESPACE)
    run(*kubectl("wait", "--for=condition=Established", "--timeout=1m", CRD))


def call(*files: str) -> None:
    """Apply these files (by default one example), then call each Function in them and print the response."""
    applied = [f"--filename={file}" for file in files or [ROOT / "examples/hello-python.yaml"] if _holds_function(file)]
    names = output(*kubectl("apply", "--output=name", *applied)).split()
    for name in names:
        if name.startswith("function."):
            _call(name)


def clean() -> None:
    """Delete the cluster; the images stay in the local engine."""
    run("kind", "delete", "cluster", f"--name={CLUSTER}")


def _holds_function(file: str | Path) -> bool:
    """Return whether the file has a Function: a config of the hook is among the examples."""
    return re.search(r"^kind: Function$", Path(file).read_text(encoding="utf-8"), re.MULTILINE) is not None


def _call(name: str) -> None:
    """Wait until a Function is Ready and call it through the API server's proxy, which needs no open port."""
    run(*kubectl("wait", "--for=condition=Ready", "--timeout=5m", name))
    function = json.loads(output(*kubectl("get", name, "--output=json")))
    if function["spec"].get("replicas") == 0:
        print(f"{name} is off", flush=True)
        return
    metadata = function["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}:80/proxy/"
    print(f"{name} answers: {output(*kubectl('get', '--raw', path))}", flush=True)


def helm(release: str, chart: str | Path, namespace: str, *options: str) -> None:
    where = (f"--kube-context={CONTEXT}", f"--namespace={namespace}", "--create-namespace")
    run("helm", "upgrade", "--install", release, chart, *where, "--wait", "--timeout=5m", *options)


def kubectl(*arguments: str) -> Sequence[str]:
    return ("kubectl", f"--context={CONTEXT}", *arguments)


def run(*command: str | Path) -> None:
    """Print a command and run it; exits if it fails."""
    words = [str(word) for word in command]
    print("$", *words, flush=True)
    if status := subprocess.run(words, cwd=ROOT, check=False).returncode:
        sys.exit(f"{words[0]} failed with status {status}")


def output(*command: str) -> str:
    """Return the output of a command; exits if it fails."""
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
    """Return what these steps need and this machine does not have."""
    programs = dict.fromkeys(program for step in steps for program in STEPS[step][1])
    wanted = [NEEDED[program] for program in programs if shutil.which(program) is None]
    if "docker" in programs and shutil.which("docker"):
        failed = [command for command in DOCKER if subprocess.run(command, capture_output=True, check=False).returncode]
        wanted += [DOCKER[command] for command in failed]
    return wanted


def main(words: Sequence[str]) -> None:
    """Run the steps in turn; every word that is not the name of a step is a file for `call`."""
    steps = [word for word in words if word in STEPS]
    if not steps:
        sys.exit(f"expected one or more of {', '.join(STEPS)}")
    if wanted := missing(steps):
        sys.exit(f"{', '.join(steps)}: these are missing: {'; '.join(wanted)}")
    for step in steps:
        STEPS[step][0](*(word for word in words if step == "call" and word not in STEPS))


if __name__ == "__main__":
    main(sys.argv[1:])
