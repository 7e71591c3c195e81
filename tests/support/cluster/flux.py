"""The custom resources of Flux' source-controller, from its Go module; tests write the status of sources themselves."""

from pathlib import Path

import yaml
from support import go_tools
from support.cluster.stack import PREFIX, Stack

from hooks.children import KINDS
from hooks.flux import API_VERSION, RESOURCES

PREFIX |= dict.fromkeys(RESOURCES.values(), f"/apis/{API_VERSION}")
CHILDREN = [kind for kind in KINDS.values() if kind.needs_git]


def crds() -> Path:
    """Return the directory of the CRDs; skip the test if they have to be downloaded and that is impossible."""
    return go_tools.module_folder("source-controller", "config/crd/bases")


def install(stack: Stack) -> None:
    """Install the custom resources, each once."""
    for resource in RESOURCES.values():
        name = f"{resource}.{API_VERSION.partition('/')[0]}"
        stack.plane.kubectl("apply", "--server-side", "-f", str(crds() / f"{name.partition('.')[2]}_{resource}.yaml"))
        stack.wait_until_established(name)


def enable(stack: Stack, directory: Path) -> None:
    """Install the custom resources, and apply the hook's config and the CompositeController with git.enabled."""
    install(stack)
    config = directory / "git.yaml"
    config.write_text("git: {enabled: true}\n", encoding="utf-8")
    stack.restart_hook("--config", str(config))
    stack.install_controller(kinds=CHILDREN)


def manifest(kind: str, name: str) -> dict[str, object]:
    """Return a source of others."""
    spec = yaml.safe_load(
        {
            "GitRepository": "{url: 'https://git.example/mono.git', interval: 1m}",
            "OCIRepository": "{url: 'oci://registry.example/code', interval: 1m}",
            "Bucket": "{bucketName: code, endpoint: s3.example, interval: 1m}",
            "ExternalArtifact": "{}",
        }[kind]
    )
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
