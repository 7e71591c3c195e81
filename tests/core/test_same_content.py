"""A push that changes nothing in the directory of a Function: the pods stay, and the status names the new commit."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from support.cases import NOW, complete, settle
from support.offline_metacontroller import LAST_APPLIED, World
from support.responses import respond

from hooks.config import Config, Git

Manifest = dict[str, Any]
Change = Callable[[Manifest], object]

CONFIG = Config(git=Git(enabled=True))
REPOSITORY = {"url": "https://git.example/r.git", "baseDir": "/", "reference": "main"}
DIRECTORY = "http://source-controller.flux-system.svc.cluster.local./gitrepository/default/hello"
NEWEST = "2" * 40


def pushed(**fields: Any) -> World:
    """Return a settled world after a commit with the same content, apart from these fields of the artifact."""
    world = World(complete({"spec": {"source": {"gitRepository": REPOSITORY}}}), git=True)
    settle(world, CONFIG, NOW)
    artifact = world.children["GitRepository", "hello"]["status"]["artifact"]
    artifact |= {"revision": f"main@sha1:{NEWEST}", "url": f"{DIRECTORY}/{NEWEST}.tar.gz"} | fields
    return world


def synced(world: World) -> list[str]:
    """Apply an answer; return what was written."""
    return world.apply(respond(world.request(), CONFIG))


def variables(world: World) -> dict[str, str]:
    """Return the variables of fetch-source in the answer."""
    (deployment,) = (each for each in respond(world.request(), CONFIG)["children"] if each["kind"] == "Deployment")
    env = deployment["spec"]["template"]["spec"]["initContainers"][0]["env"]
    return {entry["name"]: entry["value"] for entry in env}


def test_only_the_status_changes() -> None:
    """However often that happens, the pod template stays; the next commit with other content rolls out."""
    world = pushed()
    before = deepcopy(world.children["Deployment", "hello"])
    for digit in "345":
        artifact = world.children["GitRepository", "hello"]["status"]["artifact"]
        artifact |= {"revision": f"main@sha1:{digit * 40}", "url": f"{DIRECTORY}/{digit * 40}.tar.gz"}
        assert synced(world) == ["status"]
        assert world.parent["status"]["gitRepository"]["commit"] == digit * 40
        assert synced(world) == []
    assert world.children["Deployment", "hello"] == before
    artifact["digest"] = "sha256:" + "0" * 64
    assert variables(world)["SOURCE_URL"] == artifact["url"]


def test_a_rollout_for_another_reason_takes_the_newest() -> None:
    """An edit of the Function replaces the pods anyway."""
    world = pushed()
    world.edit(world.parent["spec"] | {"env": [{"name": "A", "value": "1"}]})
    assert variables(world)["SOURCE_REVISION"] == f"main@sha1:{NEWEST}"


OTHER: dict[str, Manifest] = {
    "another digest": {"digest": "sha256:" + "0" * 64},
    "another host": {"url": f"http://other.example/gitrepository/default/hello/{NEWEST}.tar.gz"},
    "another directory": {"url": f"{DIRECTORY}2/{NEWEST}.tar.gz"},
    "a query": {"url": f"{DIRECTORY}/{NEWEST}.tar.gz?a=b"},
    "another name": {"url": f"{DIRECTORY}/{'3' * 40}.tar.gz"},
    "another branch": {"revision": f"release@sha1:{NEWEST}"},
    "no commit": {"revision": "latest"},
    "another kind of revision": {"revision": f"main@sha256:{NEWEST}"},
}


@pytest.mark.parametrize("fields", OTHER.values(), ids=OTHER)
def test_whatever_else_differs_rolls_out(fields: Manifest) -> None:
    """The artifact is used as Flux reports it unless all of it but the commit is as before."""
    world = pushed(**fields)
    artifact = world.children["GitRepository", "hello"]["status"]["artifact"]
    found = variables(world)
    assert [found[f"SOURCE_{key.upper()}"] for key in ("url", "digest", "revision")] == [
        artifact[key] for key in ("url", "digest", "revision")
    ]


def variable(name: str, value: object) -> Change:
    """Return a change of a variable of fetch-source in a Deployment's fields."""

    def change(spec: Manifest) -> None:
        env = spec["template"]["spec"]["initContainers"][0]["env"]
        next(entry for entry in env if entry["name"] == name)["value"] = value

    return change


def steps(value: object) -> Change:
    return lambda spec: spec["template"]["spec"].update(initContainers=value)


COMMIT = f"main@sha1:{'3' * 40}"
FORGED: dict[str, Change] = {
    "another URL": variable("SOURCE_URL", f"http://attacker.example/{'3' * 40}.tar.gz"),
    "another path": variable("SOURCE_PATH", "evil"),
    "another digest": variable("SOURCE_DIGEST", "sha256:" + "3" * 64),
    "another commit": variable("SOURCE_REVISION", COMMIT),
    "a longer commit": variable("SOURCE_REVISION", f"{COMMIT}3"),
    "an upper-case commit": variable("SOURCE_REVISION", f"main@sha1:{'A' * 40}"),
    "a path as the commit": variable("SOURCE_REVISION", "main@sha1:../../other/" + "3" * 26),
    "a line feed": variable("SOURCE_REVISION", f"{COMMIT}\n"),
    "a list": variable("SOURCE_REVISION", [COMMIT]),
    "another image": lambda spec: spec["template"]["spec"]["initContainers"][0].update(image="evil"),
    "a label": lambda spec: spec["template"]["metadata"]["labels"].update(evil="1"),
    "a container more": lambda spec: spec["template"]["spec"]["containers"].append({"name": "evil"}),
    "no steps": steps([]),
    "steps that are a text": steps("fetch-source"),
    "steps that are numbers": steps([1]),
    "no variables": steps([{"name": "fetch-source"}]),
    "variables that are a text": steps([{"name": "fetch-source", "env": "SOURCE_REVISION"}]),
    "variables without values": steps([{"name": "fetch-source", "env": [{"name": "SOURCE_REVISION"}]}]),
    "a pod that is a list": lambda spec: spec["template"].update(spec=[]),
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_nothing_of_a_forged_record_is_used(change: Change) -> None:
    """A record whose template is not the Function's own, in all but a commit, keeps nothing."""
    world = pushed()
    forge(world.children["Deployment", "hello"], change)
    found = variables(world)
    assert (found["SOURCE_URL"], found["SOURCE_REVISION"]) == (f"{DIRECTORY}/{NEWEST}.tar.gz", f"main@sha1:{NEWEST}")
    synced(world)
    assert variables(world) == found


def forge(deployment: Manifest, *changes: Change) -> None:
    """Apply the changes to the record and to the live spec."""
    annotations = deployment["metadata"]["annotations"]
    record = json.loads(annotations[LAST_APPLIED])
    for change in changes:
        change(record["spec"])
        change(deployment["spec"])
    annotations[LAST_APPLIED] = json.dumps(record)


def test_a_forged_commit_names_a_file_in_the_directory_of_flux() -> None:
    """A record that is consistent may keep another commit: the pods check the digest, and the status ignores it."""
    world = pushed()
    url = f"{DIRECTORY}/{'3' * 40}.tar.gz"
    forge(world.children["Deployment", "hello"], variable("SOURCE_URL", url), variable("SOURCE_REVISION", COMMIT))
    artifact = world.children["GitRepository", "hello"]["status"]["artifact"]
    found = variables(world)
    assert (found["SOURCE_URL"], found["SOURCE_DIGEST"]) == (url, artifact["digest"])
    synced(world)
    assert world.parent["status"]["commit"] == NEWEST


@pytest.mark.parametrize("name", ["../other/" + "3" * 31, "A" * 40, "3" * 39, "3" * 41, "3" * 39 + "\n", "x"])
def test_nothing_but_a_commit_is_kept(name: str) -> None:
    """A consistent record with another text in place of the commit keeps nothing."""
    world = pushed()
    url, revision = variable("SOURCE_URL", f"{DIRECTORY}/{name}.tar.gz"), f"main@sha1:{name}"
    forge(world.children["Deployment", "hello"], url, variable("SOURCE_REVISION", revision))
    assert variables(world)["SOURCE_URL"] == f"{DIRECTORY}/{NEWEST}.tar.gz"
