"""The commands of docs/eject.md: the objects of a Function outlive it, and no pod restarts."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.functions import AUTOSCALED, create_function, wait_until_ready
from support.cluster.git_functions import GitStack
from support.cluster.git_repository import Repository
from support.cluster.pages import Shell, buildless, commands
from support.cluster.stack import Stack

from hooks.records import LAST_APPLIED

pytestmark = pytest.mark.own_stack

PAGE = "eject.md"
APPLY = {"client": "kubectl apply -f", "server": "kubectl apply --server-side -f"}
KINDS = ("deployments", "services", "serviceaccounts", "horizontalpodautoscalers")
SPECS: Mapping[str, Manifest] = {
    "plain": {"replicas": 2, "labels": {"team": "shop"}, "annotations": {"example.com/note": "kept"}},
    "autoscaled": AUTOSCALED,
    "complete": {
        "source": {"inline": {"source": "def main(e, c):\n    return '$(A) $$ é'\n", "dependencies": "requests\n"}},
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}],
        "envFrom": [{"secretRef": {"name": "login", "optional": True}}],
        "secretMounts": [{"secretName": "login", "mountPath": "/etc/login"}],
        "tolerations": [{"key": "spot", "operator": "Exists"}],
        "resourceConfiguration": {"function": {"resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}}}},
    },
    "account": {"serviceAccountName": "own"},
}
"""The specs of the Functions `hello`."""


def shell(stack: Stack, namespace: str, folder: Path) -> Shell:
    """Return a shell in a directory, with `buildless`; its kubectl uses the namespace."""
    made = Shell(stack.plane, {"buildless": buildless(stack.plane)}, folder)
    config = folder / "kubeconfig"
    shutil.copy(made.environment["KUBECONFIG"], config)
    made.environment["KUBECONFIG"] = str(config)
    made.run(f"kubectl config set-context --current --namespace={namespace}")
    return made


def identities(stack: Stack, namespace: str) -> dict[str, list[str]]:
    """Return the UIDs of ReplicaSets, pods and children, and what must not change of the latter."""
    found = {
        kind: [each["metadata"]["uid"] for each in stack.list(kind, namespace)] for kind in ("replicasets", "pods")
    }
    children = {kind: stack.get(kind, namespace, "hello") for kind in KINDS}
    for kind, child in children.items():
        found[kind] = [child["metadata"]["uid"]] if child else []
    deployment, service = children["deployments"], children["services"]
    assert deployment is not None
    assert service is not None
    found["specs"] = [str(deployment["spec"]), str(service["spec"])]
    return found


def hand_over(made: Shell, apply: str, write: str = "Keep the pods") -> str:
    """Follow the page; return the manifests that it wrote."""
    _, leave, clean = commands(PAGE, "Keep the pods")
    delete, applied = leave.splitlines()
    assert applied == f"{APPLY['client']} hello.yaml"
    for command in (commands(PAGE, write)[0], delete, f"{apply} hello.yaml", clean):
        made.run(command)
    return (made.directory / "hello.yaml").read_text(encoding="utf-8")


def check_nothing_is_left(stack: Stack, namespace: str, kinds: tuple[str, ...] = KINDS) -> None:
    """Fail if a child has an owner, or labels or annotations of Metacontroller and the hook."""
    children = [child for kind in kinds if (child := stack.get(kind, namespace, "hello"))]
    assert children
    for child in children:
        metadata = child["metadata"]
        assert "ownerReferences" not in metadata
        keys = {*metadata.get("labels", {}), *metadata.get("annotations", {})}
        assert not [key for key in keys if "kyma-project" in key or "controller-uid" in key or key == LAST_APPLIED]


@pytest.mark.parametrize("apply", APPLY.values(), ids=APPLY)
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_the_pods_stay(stack: Stack, namespace: str, tmp_path: Path, spec: Manifest, apply: str) -> None:
    """ReplicaSet, pods, children, selectors and addresses are the same; Metacontroller writes nothing afterwards."""
    create_function(stack, namespace, **spec)
    wait_until_ready(stack, namespace)
    before = identities(stack, namespace)
    manifests = hand_over(shell(stack, namespace, tmp_path), apply)
    mark = stack.plane.mark()
    assert "controller-uid" not in manifests
    stack.processes.stop("metacontroller")
    stack.start_metacontroller()
    time.sleep(2)
    assert identities(stack, namespace) == before
    assert [what for what in stack.plane.writes(mark) if f" {namespace}/" in what] == []
    assert stack.get("functions", namespace, "hello") is None
    check_nothing_is_left(stack, namespace)


def test_a_new_function_takes_nothing_back(stack: Stack, namespace: str, tmp_path: Path) -> None:
    """A Function of the same name reports the conflict; after its deletion the objects are the same."""
    create_function(stack, namespace, replicas=2)
    wait_until_ready(stack, namespace)
    before = identities(stack, namespace)
    hand_over(shell(stack, namespace, tmp_path), APPLY["client"])
    create_function(stack, namespace, replicas=3)
    wait_until(lambda: stack.condition(namespace, "hello", "Stalled")["reason"] == "ChildrenNotCreated", "the conflict")
    stack.plane.kubectl("delete", "function", "hello", "-n", namespace)
    assert identities(stack, namespace) == before
    check_nothing_is_left(stack, namespace)


def test_many_deletions_that_orphan(stack: Stack, namespace: str) -> None:
    """Of many Functions deleted at once each keeps every child, though Metacontroller sees the changes at any time."""
    names = [f"f{number}" for number in range(20)]
    for name in names:
        create_function(stack, namespace, name, **AUTOSCALED)
    for name in names:
        wait_until(lambda: stack.get("horizontalpodautoscalers", namespace, name), name)  # noqa: B023 - called here
    before = [stack.versions(namespace, name).keys() for name in names]
    stack.plane.kubectl("delete", "functions", "--all", "-n", namespace, "--cascade=orphan")
    time.sleep(2)
    assert [stack.versions(namespace, name).keys() for name in names] == before
    assert all(len(each) == len(KINDS) for each in before)


@pytest.mark.parametrize("apply", APPLY.values(), ids=APPLY)
def test_a_function_from_git(git: GitStack, team: str, code: Repository, url: str, tmp_path: Path, apply: str) -> None:
    """The GitRepository is pinned to the commit that runs: its archive stays, whatever is pushed."""
    git.create(team, "hello", url, interval="10s")
    first = code.commits()[-1]
    git.until_runs(team, "hello", first)
    wait_until_ready(git.stack, team)
    before = identities(git.stack, team)
    hand_over(shell(git.stack, team, tmp_path), apply, "With the code in Git")
    code.push({"handler.py": "def main(event, context):\n    return 'second'\n"})
    wait_until(lambda: is_settled(git, team), "Flux to fetch the pinned commit")
    time.sleep(15)
    repository = git.stack.get("gitrepositories", team, "hello") or {}
    assert repository["spec"]["ref"] == {"branch": "main", "commit": first}
    artifact = repository["status"]["artifact"]
    steps = git.stack.list("deployments", team)[0]["spec"]["template"]["spec"]["initContainers"]
    (fetch,) = (each for each in steps if each["name"] == "fetch-source")
    env = {each["name"]: each.get("value") for each in fetch["env"]}
    assert (artifact["url"], artifact["digest"]) == (env["SOURCE_URL"], env["SOURCE_DIGEST"])
    assert identities(git.stack, team) == before
    check_nothing_is_left(git.stack, team, (*KINDS, "gitrepositories"))


def is_settled(git: GitStack, team: str) -> bool:
    repository = git.stack.get("gitrepositories", team, "hello") or {}
    return bool(repository["status"]["observedGeneration"] == repository["metadata"]["generation"])
