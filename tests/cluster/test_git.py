"""
Functions from Git with the real Metacontroller and API server. The tests write the status of a source, as Flux does.
"""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from support import source_controller
from support.cluster import flux
from support.cluster.control_plane import wait_until
from support.cluster.life import Life, check_life
from support.cluster.stack import GROUP, PREFIX, Stack, own_stack

from hooks.flux import RESOURCES

Manifest = dict[str, Any]

pytestmark = pytest.mark.own_stack

NAMESPACE = "default"
REPOSITORY = {"url": "https://git.example/r.git", "baseDir": "functions/hello", "reference": "main"}


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All components, with git.enabled."""
    flux.crds()
    directory = tmp_path_factory.mktemp("git")
    with own_stack(directory) as stack:
        stack.install_metacontroller()
        stack.install_crd()
        flux.enable(stack, directory)
        stack.start_metacontroller()
        yield stack


def create(stack: Stack, name: str, source: Manifest, **spec: Any) -> None:
    body = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": {"name": name}}
    body["spec"] = {"runtime": "python312", "source": source} | spec
    code, answer = stack.plane.call("POST", f"{GROUP}/namespaces/{NAMESPACE}/functions", body)
    assert code == 201, answer


def child(stack: Stack, name: str) -> Manifest:
    return dict(wait_until(lambda: stack.get("gitrepositories", NAMESPACE, name), f"GitRepository {name}"))


def report(stack: Stack, resource: str, name: str, status: Manifest) -> None:
    """Write the status of a source."""
    stack.patch(resource, NAMESPACE, name, {"status": status}, status=True)


def fetch(stack: Stack, name: str, revision: str) -> None:
    report(stack, "gitrepositories", name, source_controller.fetched(child(stack, name), revision))


def running(stack: Stack, name: str) -> str:
    """Return the revision in the Deployment, "" without one."""
    found = stack.get("deployments", NAMESPACE, name)
    steps = found["spec"]["template"]["spec"]["initContainers"] if found else [{"env": []}]
    return str(next((entry["value"] for entry in steps[0]["env"] if entry["name"] == "SOURCE_REVISION"), ""))


def runs(stack: Stack, name: str, revision: str) -> bool:
    return running(stack, name) == revision


def reason(stack: Stack, name: str, kind: str = "Ready") -> str:
    return str(stack.condition(NAMESPACE, name, kind).get("reason", ""))


def fetched(stack: Stack, name: str, **fields: Any) -> None:
    """Create a Function from Git and wait until it is ready."""
    create(stack, name, {"gitRepository": REPOSITORY | fields})
    fetch(stack, name, "main@sha1:" + "1" * 40)
    wait_until(lambda: stack.is_ready(NAMESPACE, name), f"{name} to be ready", 60)


def test_life_of_a_function_from_git(git: Stack) -> None:
    """It waits for the first fetch, follows a push, runs on when the remote is lost, and is deleted as a whole."""
    create(git, "life", {"gitRepository": REPOSITORY})
    assert child(git, "life")["spec"] == {
        "url": REPOSITORY["url"],
        "ref": {"branch": "main"},
        "interval": "1m0s",
        "timeout": "1m0s",
        "ignore": "/.git/",
        "sparseCheckout": ["functions/hello/"],
    }
    wait_until(lambda: reason(git, "life") == "SourcePending", "the first fetch to be pending")
    assert git.get("deployments", NAMESPACE, "life") is None
    for digit in "12":
        revision = f"main@sha1:{digit * 40}"
        fetch(git, "life", revision)
        wait_until(partial(runs, git, "life", revision), f"the Deployment to run {revision}")
        wait_until(lambda: git.is_ready(NAMESPACE, "life"), "the Function to be ready", 60)
        status = (git.get("functions", NAMESPACE, "life") or {})["status"]
        assert status["gitRepository"] == REPOSITORY | {"commit": digit * 40}
    report(git, "gitrepositories", "life", source_controller.failed(child(git, "life"), "authentication required"))
    wait_until(lambda: reason(git, "life", "SourceReady") == "SourceUpdateFailed", "the failure to be reported")
    assert reason(git, "life") == "DeploymentReady"
    git.plane.kubectl("delete", "function", "life", "-n", NAMESPACE, "--timeout=60s")
    wait_until(lambda: git.get("gitrepositories", NAMESPACE, "life") is None, "the GitRepository to be deleted")


def requests(stack: Stack, reference: Manifest) -> bool:
    return bool(child(stack, "hello")["spec"]["ref"] == reference)


def from_git(life: Life) -> None:
    """From Git: fetched, pushed, edited to a name that does not exist, and back."""
    life.create(source={"gitRepository": REPOSITORY})
    life.until("Reconciling", "SourcePending")
    for digit in "12":
        fetch(life.stack, "hello", f"main@sha1:{digit * 40}")
        wait_until(partial(runs, life.stack, "hello", f"main@sha1:{digit * 40}"), f"commit {digit}")
        life.ready()
    life.edit(source={"gitRepository": {"reference": "nowhere"}})
    for reference in ("heads", "tags", "heads"):
        kind = {"heads": "branch", "tags": "tag"}[reference]
        wait_until(partial(requests, life.stack, {kind: "nowhere"}), kind)
        lost = source_controller.lacks(child(life.stack, "hello"), f"refs/{reference}/nowhere")
        report(life.stack, "gitrepositories", "hello", lost)
    life.until("Stalled", "SourceUpdateFailed")
    life.edit(source={"gitRepository": {"reference": "main"}})
    life.until("Reconciling", "SourcePending")
    fetch(life.stack, "hello", "main@sha1:" + "2" * 40)
    life.ready()


def test_the_life_is_recorded(git: Stack, request: pytest.FixtureRequest) -> None:
    """The tools agree with the conditions at each step, and the recorded life has the same milestones."""
    check_life(Life(git, NAMESPACE), from_git, bless=request.config.getoption("--bless"))


def test_nothing_is_written_at_rest(git: Stack) -> None:
    """A settled Function from Git causes no write, and a fetch without a new commit none of the children."""
    fetched(git, "rest")
    time.sleep(2)
    before = {kind: git.get(kind, NAMESPACE, "rest") for kind in ("functions", "gitrepositories", "deployments")}
    git.install_controller(query="?again", kinds=flux.CHILDREN)
    time.sleep(4)
    assert {kind: git.get(kind, NAMESPACE, "rest") for kind in before} == before


def test_an_edit_holds_the_deployment(git: Stack) -> None:
    """A reference that is a tag is found in two attempts; until then the Deployment is unchanged."""
    fetched(git, "edit")
    before = (git.get("deployments", NAMESPACE, "edit") or {})["metadata"]["generation"]
    git.patch("functions", NAMESPACE, "edit", {"spec": {"source": {"gitRepository": {"reference": "v1"}}}})
    wait_until(lambda: child(git, "edit")["spec"]["ref"] == {"branch": "v1"}, "the branch to be tried")
    report(git, "gitrepositories", "edit", source_controller.lacks(child(git, "edit"), "refs/heads/v1"))
    wait_until(lambda: child(git, "edit")["spec"]["ref"] == {"tag": "v1"}, "the tag to be tried")
    assert running(git, "edit") == "main@sha1:" + "1" * 40
    assert (git.get("deployments", NAMESPACE, "edit") or {})["metadata"]["generation"] == before
    fetch(git, "edit", "v1@sha1:" + "2" * 40)
    wait_until(lambda: running(git, "edit") == "v1@sha1:" + "2" * 40, "the Deployment to run the tag")


def test_a_requested_fetch_is_passed_on(git: Stack) -> None:
    """The annotation of the Function appears on the GitRepository."""
    key = "reconcile.fluxcd.io/requestedAt"
    fetched(git, "request")
    git.patch("functions", NAMESPACE, "request", {"metadata": {"annotations": {key: "7"}}})
    wait_until(lambda: child(git, "request")["metadata"]["annotations"].get(key) == "7", "the annotation")


def test_a_look_alike_does_not_count(git: Stack) -> None:
    """A GitRepository that a user made before, under the name of a Function, decides nothing."""
    body = flux.manifest("GitRepository", "taken")
    path = f"{PREFIX['gitrepositories']}/namespaces/{NAMESPACE}/gitrepositories"
    assert git.plane.call("POST", path, body)[0] == 201
    fetch(git, "taken", "main@sha1:" + "f" * 40)
    create(git, "taken", {"gitRepository": REPOSITORY})
    wait_until(lambda: reason(git, "taken") == "ChildrenNotCreated", "the taken name to be reported", 60)
    assert git.get("deployments", NAMESPACE, "taken") is None


@pytest.mark.parametrize("kind", ["GitRepository", "OCIRepository", "Bucket", "ExternalArtifact"])
def test_a_source_of_others_is_followed(git: Stack, kind: str) -> None:
    """A Function with sourceRef waits for the object, runs its artifact and follows the next one."""
    resource, name = RESOURCES[kind], f"code-{kind.lower()}"
    create(git, name, {"sourceRef": {"kind": kind, "name": name}})
    wait_until(lambda: reason(git, name) == "SourcePending", "the source to be missing")
    path = f"{PREFIX[resource]}/namespaces/{NAMESPACE}/{resource}"
    code, answer = git.plane.call("POST", path, flux.manifest(kind, name))
    assert code == 201, answer
    for version in "12":
        status = source_controller.fetched(git.get(resource, NAMESPACE, name) or {}, f"latest@sha256:{version * 64}")
        if kind == "ExternalArtifact":
            del status["observedGeneration"]
        report(git, resource, name, status)
        wanted = f"latest@sha256:{version * 64}"
        wait_until(partial(runs, git, name, wanted), f"the Deployment to run {wanted}", 60)
