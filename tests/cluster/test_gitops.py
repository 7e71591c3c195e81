"""Functions that Argo CD or Flux applies show no drift: children belong to the Function, and no spec is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.cluster.control_plane import wait_until
from support.cluster.functions import EXAMPLES, example_names, wait_until_ready
from support.cluster.stack import KINDS, Stack

Manifest = dict[str, Any]

TRACKING = {"argocd.argoproj.io/tracking-id": "functions:serverless.kyma-project.io/Function:x/y"}
INVENTORY = {"kustomize.toolkit.fluxcd.io/name": "functions", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}


def argo(stack: Stack, namespace: str, file: Path, verb: str) -> str:
    """Run kubectl as Argo CD does: client-side apply or diff."""
    return stack.plane.kubectl(verb, "-n", namespace, "-f", str(file), check=verb == "apply")


def flux(stack: Stack, namespace: str, file: Path, verb: str) -> str:
    """Run kubectl as Flux does: server-side apply or diff with its field manager."""
    how = ("--server-side", "--field-manager=kustomize-controller")
    return stack.plane.kubectl(verb, *how, "-n", namespace, "-f", str(file), check=verb == "apply")


def marked(directory: Path, metadata: str, marks: dict[str, str]) -> Path:
    """Write all examples into one file, each object with these annotations or labels; return the file."""
    documents = [each for file in EXAMPLES for each in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    for document in documents:
        document["metadata"][metadata] = document["metadata"].get(metadata, {}) | marks
    (directory / "functions.yaml").write_text(yaml.safe_dump_all(documents))
    return directory / "functions.yaml"


@pytest.mark.parametrize(
    ("tool", "metadata", "marks"), [(argo, "annotations", TRACKING), (flux, "labels", INVENTORY)], ids=["argo", "flux"]
)
def test_applied_functions_do_not_drift(
    stack: Stack, namespace: str, tmp_path: Path, tool: Callable[..., str], metadata: str, marks: dict[str, str]
) -> None:
    """Once settled, scaled and restarted, Functions are still what was applied, by the diff of the API server."""
    file = marked(tmp_path, metadata, marks)
    tool(stack, namespace, file, "apply")
    for name in example_names():
        wait_until_ready(stack, namespace, name, 60)
    stack.patch("deployments", namespace, "autoscaled", {"spec": {"replicas": 3}})
    stack.plane.kubectl("rollout", "restart", "deployment/hello-python", "-n", namespace)
    wait_until(lambda: replicas(stack, namespace) == 3, "the autoscaler's replicas to be reported")
    assert tool(stack, namespace, file, "diff") == ""


def replicas(stack: Stack, namespace: str) -> int:
    function = stack.get("functions", namespace, "autoscaled") or {}
    return int(function["status"]["replicas"])


def test_children_belong_to_the_function(stack: Stack, namespace: str, tmp_path: Path) -> None:
    """Each child has the Function as its only controller and none of the annotations of Argo CD."""
    argo(stack, namespace, marked(tmp_path, "annotations", TRACKING), "apply")
    wait_until_ready(stack, namespace, "autoscaled", 60)
    for kind in KINDS:
        child = stack.get(kind, namespace, "autoscaled")
        assert child is not None
        assert [owner["controller"] for owner in child["metadata"]["ownerReferences"]] == [True]
        assert not set(TRACKING) & set(child["metadata"].get("annotations", {}))


def test_a_changed_file_is_a_difference(stack: Stack, namespace: str, tmp_path: Path) -> None:
    """The diff above is not always empty: an edited file is a difference."""
    file = marked(tmp_path, "annotations", TRACKING)
    argo(stack, namespace, file, "apply")
    file.write_text(file.read_text().replace("Hello from Python!", "Good-bye"))
    assert "Good-bye" in argo(stack, namespace, file, "diff")
