"""Functions whose code comes from an object of Flux (spec.source.sourceRef), and forged sources."""

import time
from typing import Any

import pytest
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.functions import create_function
from support.cluster.git_functions import INTERVAL, Deployments, GitStack
from support.cluster.git_repository import Repository
from support.cluster.stack import PREFIX

pytestmark = pytest.mark.own_stack

FORGED = "f" * 40
ARTIFACT = {
    "url": "http://forged.example/code.tar.gz",
    "digest": f"sha256:{'f' * 64}",
    "revision": f"main@sha1:{FORGED}",
    "path": "forged.tar.gz",
    "lastUpdateTime": "2026-01-01T00:00:00Z",
}


def source(git: GitStack, namespace: str, name: str, kind: str = "GitRepository", **fields: Any) -> Manifest:
    """Create an object of Flux; `fields` may have spec and metadata."""
    body = {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": kind} | fields
    body["metadata"] = {"name": name} | fields.get("metadata", {})
    plural = {"GitRepository": "gitrepositories", "ExternalArtifact": "externalartifacts"}[kind]
    path = f"{PREFIX[plural]}/namespaces/{namespace}/{plural}"
    code, created = git.plane.call("POST", path, body)
    assert code == 201, created
    return created


def refer(git: GitStack, namespace: str, name: str, to: str, path: str = ".", kind: str = "GitRepository") -> None:
    """Create a Function whose code is in a directory of an object of Flux."""
    reference = {"kind": kind, "name": to, "path": path}
    create_function(git.stack, namespace, name, source={"sourceRef": reference}, replicas=1)


def spec(url: str, **fields: Any) -> Manifest:
    return {"url": url, "interval": "10s", "ref": {"branch": "main"}} | fields


def test_one_source_for_many_functions(
    git: GitStack, team: str, code: Repository, url: str, deployments: Deployments, pytestconfig: pytest.Config
) -> None:
    """Every Function of a shared GitRepository follows a push, which Flux fetches once."""
    count = pytestconfig.getoption("--git-functions") // 2
    first, names = code.commits()[0], [f"f{number}" for number in range(count)]
    for name in names:
        refer(git, team, name, "shared", "sub")
    git.until_source(team, names[0], "Unknown", "GitRepository shared does not exist")
    source(git, team, "shared", spec=spec(url))
    wait_until(lambda: all(git.runs(team, name) == first for name in names), "the first commit", 60)
    second, requests = code.push({"sub/handler.py": "second"}), git.http.requests[code.bare.name]
    wait_until(lambda: all(git.runs(team, name) == second for name in names), "the second commit", 60)
    assert git.http.requests[code.bare.name] - requests < 3 * 4, "one fetch is at most three requests"
    git.plane.kubectl("delete", "gitrepository", "shared", "-n", team)
    git.until_source(team, names[0], "Unknown", "GitRepository shared does not exist")
    time.sleep(1)
    assert {name: deployments.commits[name] for name in names} == {name: [first, second] for name in names}


def test_external_artifact(git: GitStack, team: str) -> None:
    """An ExternalArtifact counts once its controller says that it is ready."""
    refer(git, team, "hello", "made", kind="ExternalArtifact")
    source(git, team, "made", "ExternalArtifact", spec={})
    git.until_source(team, "hello", "Unknown", "waiting for ExternalArtifact made")
    ready = {"type": "Ready", "status": "True", "reason": "Succeeded", "message": "", "observedGeneration": 1}
    status = {"artifact": ARTIFACT, "conditions": [ready | {"lastTransitionTime": ARTIFACT["lastUpdateTime"]}]}
    git.stack.patch("externalartifacts", team, "made", {"status": status}, status=True)
    git.until_runs(team, "hello", FORGED)


def test_forged_sources(git: GitStack, team: str, code: Repository, url: str, deployments: Deployments) -> None:
    """An object that only looks like a Function's source never provides its code."""
    (first,) = code.commits()
    git.create(team, "real", url)
    git.until_runs(team, "real", first)
    child = git.stack.get("gitrepositories", team, "real") or {}
    owned = {key: child["metadata"][key] for key in ("labels", "ownerReferences")}
    forge(git, team, "alike", child["spec"], owned)  # Metacontroller deletes it
    forge(git, team, "taken", child["spec"], {"labels": {"app": "x"}})
    git.create(team, "taken", url)
    elsewhere = f"{team}-elsewhere"
    git.plane.kubectl("create", "namespace", elsewhere)
    for name in ("real", "shared"):
        forge(git, elsewhere, name, child["spec"], owned if name == "real" else {})
    refer(git, team, "climbing", "shared")
    git.until_source(team, "climbing", "Unknown", "GitRepository shared does not exist")
    git.until_source(team, "taken", "Unknown", "waiting")
    wait_until(lambda: git.stack.get("gitrepositories", team, "alike") is None, "the other child to be deleted")
    time.sleep(INTERVAL + 2)
    git.until_source(team, "real", "True", first)
    assert deployments.commits == {"real": [first]}


def forge(git: GitStack, namespace: str, name: str, spec: Manifest, metadata: Manifest) -> None:
    """Create a suspended GitRepository, which source-controller leaves alone, with a forged status."""
    source(git, namespace, name, spec=spec | {"suspend": True}, metadata=metadata)
    ready = {"type": "Ready", "status": "True", "reason": "Succeeded", "message": "", "observedGeneration": 1}
    conditions = [ready | {"lastTransitionTime": ARTIFACT["lastUpdateTime"]}]
    status = {"artifact": ARTIFACT, "observedGeneration": 1, "conditions": conditions}
    path = f"{PREFIX['gitrepositories']}/namespaces/{namespace}/gitrepositories/{name}/status"
    # The object may be deleted by now.
    git.plane.call("PATCH", path, {"status": status}, kind="application/merge-patch+json")
