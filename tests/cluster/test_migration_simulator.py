"""
kyma_simulator.py leaves in a cluster what Kyma's own programs leave there.

Without these programs the tests are left out, and those of the migration page simulate Kyma.
"""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from deepdiff import DeepDiff
from support.cluster import kyma_module, kyma_programs
from support.cluster.control_plane import Manifest
from support.cluster.git_http import HttpRemote
from support.cluster.git_repository import Repository
from support.cluster.kyma_children import deployment, service
from support.cluster.kyma_pod import COMMIT
from support.cluster.kyma_simulator import status
from support.cluster.migrating_functions import FUNCTIONS, from_git, with_remote
from support.cluster.migration import Migration
from support.cluster.stack import PREFIX, own_stack

pytestmark = [
    pytest.mark.own_stack,
    pytest.mark.skipif(
        shutil.which(kyma_programs.NAME) is None,
        reason=f"{kyma_programs.NAME} is not on PATH, so the tests of docs/migrating-from-kyma.md simulate Kyma",
    ),
]
BASIC = ("shop", "basic")
COUNTERS = {"name", "generateName", "uid", "creationTimestamp", "managedFields", "generation", "resourceVersion"}
"""Metadata that differ between two objects with the same content."""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migration]:
    """A cluster with Kyma's own programs and Functions that are Running."""
    with own_stack(tmp_path_factory.mktemp("kyma")) as stack:
        folder = tmp_path_factory.mktemp("remotes")
        Repository(folder / "code.git").push({"hello/handler.js": "module.exports = {main: () => 'hi'}\n"})
        http, https = HttpRemote(folder), HttpRemote(folder, ("reader", "secret-password"))
        stack.plane.kubectl("create", "namespace", "shop")
        login = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "stringData": https.secret()}
        stack.plane.kubectl("create", "-n", "shop", "-f", "-", stdin=login)
        auth = {"auth": {"type": "basic", "secretName": "login"}}
        functions = with_remote(f"{http.url}/code.git") | {BASIC: from_git(f"{https.url}/code.git", **auth)}
        migration = Migration(stack, tmp_path_factory.mktemp("checkout"), functions, folder / "ca.pem")
        try:
            migration.start()
            yield migration
        finally:
            migration.stop()
            http.close()
            https.close()


@pytest.mark.parametrize("each", [*FUNCTIONS, BASIC], ids="/".join)
def test_children(real: Migration, each: tuple[str, str]) -> None:
    """Deployment and Service are equal but for names and the script that starts the handler."""
    function = real.function(*each)
    (live,) = real.kyma.deployments(function)
    own = created(real, "deployments", deployment(function))
    assert DeepDiff(comparable(own, function), comparable(live, function)) == {}
    own = created(real, "services", service(function) | {"metadata": service(function)["metadata"] | {"name": "other"}})
    assert DeepDiff(comparable(own, function), comparable(real.get("services", *each), function)) == {}


@pytest.mark.parametrize("each", [*FUNCTIONS, BASIC], ids="/".join)
def test_status(real: Migration, each: tuple[str, str]) -> None:
    function = real.function(*each)
    (live,) = real.kyma.deployments(function)
    assert DeepDiff(without_times(status(function, live), function), without_times(function["status"], function)) == {}


def test_crd(real: Migration) -> None:
    """Its labels, annotations and field manager matter to those who take it over."""
    live, own = real.crd(), kyma_module.crd()
    for key in ("labels", "annotations"):
        assert DeepDiff(own["metadata"][key], live["metadata"][key]) == {}
    (manager,) = (each for each in live["metadata"]["managedFields"] if each["operation"] == "Apply")
    assert manager["manager"] == kyma_module.MANAGER
    (version,), (own_version,) = live["spec"]["versions"], own["spec"]["versions"]
    assert version["subresources"] == own_version["subresources"]


def test_module(real: Migration) -> None:
    """Each kind and name of an object with the module's label is one that the simulator also creates."""
    kinds = real.plane.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    kinds = [each for each in kinds if not each.startswith(("events", "pods", "replicasets", "endpoint"))]
    output = real.plane.kubectl("get", ",".join(kinds), "-A", "-l", "kyma-project.io/module=serverless", "-o", "json")
    live = {(each["kind"], each["metadata"]["name"]) for each in json.loads(output)["items"]}
    own = {(each["kind"], each["metadata"]["name"]) for each in kyma_module.objects() if "labels" in each["metadata"]}
    assert (own - live, live - own) == (set(), set())
    real.plane.kubectl("get", "secret", kyma_module.CACHE, "-n", kyma_module.SYSTEM)


def created(real: Migration, resource: str, body: Manifest) -> Manifest:
    """Return an object as the API server would store it."""
    path = f"{PREFIX[resource]}/namespaces/{body['metadata']['namespace']}/{resource}?dryRun=All"
    code, answer = real.plane.call("POST", path, body)
    assert code == 201, answer
    return answer


def comparable(child: Manifest, function: Manifest) -> Any:
    """Return a child without what differs by chance, and with the simulator's commit and start script."""
    metadata = {key: value for key, value in child["metadata"].items() if key not in {*COUNTERS, "annotations"}}
    spec = {key: value for key, value in child["spec"].items() if key not in {"clusterIP", "clusterIPs"}}
    found = with_commit({"metadata": metadata, "spec": spec}, function)
    for kind in ("initContainers", "containers"):
        for each in found["spec"].get("template", {}).get("spec", {}).get(kind, ()):
            each.pop("command")
    return found


def without_times(status: Manifest, function: Manifest) -> Any:
    conditions = [each | {"lastTransitionTime": ""} for each in status["conditions"]]
    return with_commit(status | {"conditions": sorted(conditions, key=lambda each: str(each["type"]))}, function)


def with_commit(value: Manifest, function: Manifest) -> Any:
    """Return a value with the simulator's commit in place of that of the Function's status."""
    commit = function["status"].get("gitRepository", {}).get("commit", COMMIT)
    return json.loads(json.dumps(value).replace(commit, COMMIT))
