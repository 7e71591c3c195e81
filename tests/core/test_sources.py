"""Which artifact of a source counts, and how a name is found to be a branch or a tag."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from support import source_controller
from support.cases import NOW, complete, settle
from support.offline_metacontroller import World
from support.responses import respond

from hooks.config import Config, Git, Related
from hooks.flux import API_VERSION, directory, url
from hooks.protocol import HookRequest
from hooks.sources import Source, observed_source
from hooks.sync import customize, sync

Manifest = dict[str, Any]
Change = Callable[[Manifest], Any]

CONFIG = Config(git=Git(enabled=True))
REPOSITORY = {"url": "https://git.example/r.git", "baseDir": "/", "reference": "main"}


def git_world(**fields: Any) -> World:
    source = {"gitRepository": REPOSITORY | fields}
    return World(complete({"spec": {"source": source}}), git=True)


def settled(**fields: Any) -> World:
    world = git_world(**fields)
    settle(world, CONFIG, NOW)
    return world


def child(world: World) -> Manifest:
    return world.children["GitRepository", "hello"]


def synced(world: World) -> Manifest:
    """Apply an answer, and return it."""
    answer = respond(world.request(), CONFIG)
    world.apply(answer)
    return answer


def revision(answer: Manifest) -> str:
    """Return the revision in the answer's pod template, "" without a Deployment."""
    for each in answer["children"]:
        if each["kind"] == "Deployment":
            env = each["spec"]["template"]["spec"]["initContainers"][0]["env"]
            return str(next(entry["value"] for entry in env if entry["name"] == "SOURCE_REVISION"))
    return ""


def condition(answer: Manifest, kind: str) -> Manifest:
    found: list[Manifest] = [each for each in answer["status"]["conditions"] if each["type"] == kind]
    return found[0] if found else {}


def artifact(found: Manifest) -> Manifest:
    return dict(found["status"]["artifact"])


FORGED = "main@sha1:" + "f" * 40


def forge(found: Manifest) -> None:
    """Set an artifact of another author."""
    found["status"]["artifact"] |= {"revision": FORGED, "url": "http://attacker.example/a.tar.gz"}


NOT_OURS: dict[str, Change] = {
    "no owner": lambda found: found["metadata"].pop("ownerReferences"),
    "an owner that is no controller": lambda found: found["metadata"]["ownerReferences"][0].pop("controller"),
    "another owner": lambda found: found["metadata"]["ownerReferences"][0].update(uid="0"),
    "owners that are no list": lambda found: found["metadata"].update(ownerReferences={"uid": "0"}),
    "no label of Metacontroller": lambda found: found["metadata"]["labels"].pop("controller-uid"),
    "the label of another Function": lambda found: found["metadata"]["labels"].update({"controller-uid": "0"}),
    "being deleted": lambda found: found["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z"),
    "another URL": lambda found: found["spec"].update(url="https://attacker.example/r.git"),
    "another branch": lambda found: found["spec"]["ref"].update(branch="evil"),
    "a commit added": lambda found: found["spec"]["ref"].update(commit="f" * 40),
    "a tag added": lambda found: found["spec"]["ref"].update(tag="evil"),
    "content added": lambda found: found["spec"].update(include=[{"repository": {"name": "theirs"}}]),
    "another directory": lambda found: found["spec"].update(sparseCheckout=["evil"]),
    "other ignored files": lambda found: found["spec"].update(ignore="*"),
    "no spec": lambda found: found.pop("spec"),
    "a spec that is a text": lambda found: found.update(spec="x"),
    "an earlier generation": lambda found: found["metadata"].update(generation=2),
    "a later generation": lambda found: found["status"].update(observedGeneration=2),
    "no generation": lambda found: found["metadata"].pop("generation"),
    "a generation that is true": lambda found: found["metadata"].update(generation=True),
    "stalled": lambda found: found["status"]["conditions"].append({"type": "Stalled", "status": "True"}),
    "no status": lambda found: found.pop("status"),
    "a status that is a list": lambda found: found.update(status=[]),
    "another version": lambda found: found.update(apiVersion="source.toolkit.fluxcd.io/v1beta2"),
    "another name": lambda found: found["metadata"].update(name="other"),
    "another namespace": lambda found: found["metadata"].update(namespace="kube-system"),
}


@pytest.mark.parametrize("change", NOT_OURS.values(), ids=NOT_OURS)
def test_a_forged_artifact_on_a_look_alike_does_not_count(change: Change) -> None:
    """The Deployment stays as it is, and without one there is none."""
    world = settled()
    running = revision(respond(world.request(), CONFIG))
    forge(child(world))
    change(child(world))
    assert revision(respond(world.request(), CONFIG)) == running
    del world.children["Deployment", "hello"]
    assert revision(respond(world.request(), CONFIG)) == ""


MALFORMED: dict[str, Any] = {
    "no artifact": None,
    "a text": "x",
    "a list": [],
    "no digest": {"digest": None},
    "another algorithm": {"digest": "sha512:" + "0" * 128},
    "a short digest": {"digest": "sha256:" + "0" * 63},
    "an upper-case digest": {"digest": "sha256:" + "A" * 64},
    "a digest with a line feed": {"digest": "sha256:" + "0" * 64 + "\n"},
    "a digest that is a number": {"digest": 1},
    "a file": {"url": "file:///etc/passwd"},
    "another scheme": {"url": "ftp://a/b"},
    "no host": {"url": "http://"},
    "white space": {"url": "http://a/b c"},
    "a line feed": {"url": "http://a/b\n"},
    "a long URL": {"url": "http://a/" + "b" * 2000},
    "no revision": {"revision": ""},
    "a long revision": {"revision": "x" * 513},
    "a control character": {"revision": "main\x00"},
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_artifact_does_not_count(change: Any) -> None:
    """Digest, URL and revision are checked before they go into a pod; the status names the failure."""
    world = settled()
    running, found = revision(respond(world.request(), CONFIG)), child(world)
    found["status"]["artifact"] = artifact(found) | change if isinstance(change, dict) else change
    answer = respond(world.request(), CONFIG)
    assert revision(answer) == running
    assert condition(answer, "SourceReady")["reason"] == "SourceUpdateFailed"


ADDED: dict[str, Manifest] = {
    "suspended": {"suspend": True},
    "verified": {"verify": {"mode": "HEAD", "secretRef": {"name": "keys"}}},
    "a proxy": {"proxySecretRef": {"name": "proxy"}},
    "submodules": {"recurseSubmodules": True},
    "a default": {"provider": "generic"},
}


@pytest.mark.parametrize("added", ADDED.values(), ids=ADDED)
def test_additions_that_change_no_content_are_kept(added: Manifest) -> None:
    """A platform may verify signatures, add a proxy or suspend a source."""
    world = settled()
    child(world)["spec"] |= added
    answer = respond(world.request(), CONFIG)
    assert condition(answer, "Ready")["status"] == "True"
    assert world.apply(answer) in ([], ["status"])
    assert added.items() <= child(world)["spec"].items()


def test_content_added_by_others_is_removed() -> None:
    """Two syncs remove what changes the content: another reference, a directory, other repositories."""
    world = settled()
    child(world)["spec"]["ref"]["commit"] = "f" * 40
    child(world)["spec"] |= {"include": [{"repository": {"name": "theirs"}}], "sparseCheckout": ["evil"]}
    synced(world)
    synced(world)
    assert child(world)["spec"]["ref"] == {"branch": "main"}
    assert not {"include", "sparseCheckout"} & set(child(world)["spec"])


def attempts(world: World, references: set[str], steps: int = 6) -> list[Manifest]:
    """Return the references that the child has step by step, against a remote with these references."""
    found = []
    for _ in range(steps):
        synced(world)
        now = child(world)
        ((kind, name),) = now["spec"]["ref"].items()
        full = f"refs/{'heads' if kind == 'branch' else 'tags'}/{name}"
        now["status"] = (
            source_controller.fetched(now, source_controller.revision_of(now["spec"]))
            if full in references
            else source_controller.lacks(now, full)
        )
        found.append(dict(now["spec"]["ref"]))
    return found


BRANCH, TAG = {"branch": "main"}, {"tag": "main"}


@pytest.mark.parametrize(
    ("references", "tried"),
    [
        ({"refs/heads/main", "refs/tags/main"}, [BRANCH] * 6),
        ({"refs/heads/main"}, [BRANCH] * 6),
        ({"refs/tags/main"}, [BRANCH, *[TAG] * 5]),
        (set(), [BRANCH, TAG, *[BRANCH] * 4]),
    ],
    ids=["both", "branch", "tag", "neither"],
)
def test_attempts_end(references: set[str], tried: list[Manifest]) -> None:
    """A branch precedes a tag of the same name; each is tried once, and the last attempt stands."""
    world = git_world()
    assert attempts(world, references) == tried
    answer = synced(world)
    assert bool(revision(answer)) == bool(references)
    assert world.apply(respond(world.request(), CONFIG)) == []


def test_a_name_that_is_neither_is_named() -> None:
    """The status says that the name is neither a branch nor a tag, and keeps that."""
    world = git_world()
    attempts(world, set())
    message = "GitRepository hello: the repository has neither a branch nor a tag main"
    assert condition(synced(world), "SourceReady")["message"] == message
    assert condition(synced(world), "Stalled")["message"] == message


@pytest.mark.parametrize("references", [set(), {"refs/heads/main"}], ids=["never fetched", "fetched before"])
def test_another_attempt_changes_nothing(references: set[str]) -> None:
    """While Flux tries again after a failure, nothing is written, so that the conditions do not alternate."""
    world = git_world()
    attempts(world, references)
    if references:
        child(world)["status"] = source_controller.failed(child(world), "authentication required")
    synced(world)
    assert condition(synced(world), "SourceReady")["status"] == "False"
    child(world)["status"] = source_controller.retrying(child(world))
    assert world.apply(respond(world.request(), CONFIG)) == []


def test_a_lost_artifact_changes_nothing_that_runs() -> None:
    """While Flux has lost its artifacts, with a remote that works or does not, Ready speaks of the Deployment."""
    world = settled()
    before = revision(synced(world))
    child(world)["status"] = source_controller.lost(child(world))
    answer = synced(world)
    assert (condition(answer, "SourceReady")["reason"], revision(answer)) == ("SourcePending", before)
    assert condition(answer, "Ready")["reason"] == "DeploymentReady"
    child(world)["status"] = source_controller.failed(child(world), "authentication required")
    answer = synced(world)
    assert condition(answer, "SourceReady")["reason"] == "SourceUpdateFailed"
    assert condition(answer, "Ready")["reason"] == "DeploymentReady"
    world.children.pop(("Deployment", "hello"))
    assert condition(synced(world), "Ready")["reason"] == "SourceUpdateFailed"


def test_a_branch_that_is_pushed_later_is_fetched() -> None:
    """After both attempts Flux keeps looking for the branch."""
    world = git_world()
    attempts(world, set())
    attempts(world, {"refs/heads/main"}, 2)
    assert revision(synced(world)).startswith("main@sha1:")


def test_a_requested_fetch_tries_the_tag_again() -> None:
    """A tag that is pushed later is found after a request."""
    world = git_world()
    attempts(world, set())
    world.parent["metadata"]["annotations"] = {"reconcile.fluxcd.io/requestedAt": "2"}
    assert attempts(world, {"refs/tags/main"})[-1] == TAG
    assert revision(synced(world)).startswith("main@sha1:")


def test_a_request_of_others_starts_no_attempt() -> None:
    """A Receiver of Flux annotates the GitRepository itself: that must not alternate between branch and tag."""
    world = git_world()
    attempts(world, set())
    child(world)["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"] = "theirs"
    assert attempts(world, set()) == [BRANCH] * 6


@pytest.mark.parametrize("fields", [{"reference": "v2"}, {"url": "https://git.example/other.git"}])
def test_an_edit_of_the_source_starts_again(fields: Manifest) -> None:
    """Another name or repository is tried as a branch first, another directory or interval is not."""
    world = git_world()
    attempts(world, {"refs/tags/main"})
    edit(world, interval="5m", baseDir="/a")
    assert attempts(world, {"refs/tags/main"}, 2) == [TAG] * 2
    edit(world, **fields)
    synced(world)
    assert "branch" in child(world)["spec"]["ref"]


def edit(world: World, **fields: Any) -> None:
    spec = deepcopy(world.parent["spec"])
    spec["source"]["gitRepository"] |= fields
    world.edit(spec)


@pytest.mark.parametrize("reference", ["0" * 40, "refs/tags/v1", "refs/heads/main"])
def test_a_commit_or_full_name_is_tried_once(reference: str) -> None:
    """Only a short name may be a branch or a tag."""
    world = git_world(reference=reference)
    synced(world)
    now = child(world)
    now["status"] = source_controller.lacks(now, reference)
    before = deepcopy(now["spec"])
    synced(world)
    assert child(world)["spec"] == before


@pytest.mark.parametrize(
    "message",
    [
        'couldn\'t find remote ref "refs/heads/main2"',
        'couldn\'t find remote ref "refs/tags/main"',
        "authentication required: refs/heads/main",
        "",
    ],
)
def test_other_failures_are_no_missing_branch(message: str) -> None:
    """Only the message about this very branch leads to the next attempt."""
    world = git_world()
    synced(world)
    now = child(world)
    now["status"] = source_controller.failed(now, message)
    synced(world)
    assert child(world)["spec"]["ref"] == BRANCH


def test_a_hand_edited_reference_is_no_attempt() -> None:
    """The attempt is that of the record: a reference that a user writes into the child is replaced."""
    world = settled()
    child(world)["spec"]["ref"] = {"tag": "main"}
    for _ in range(3):
        synced(world)
    assert child(world)["spec"]["ref"] == BRANCH


@pytest.mark.parametrize(
    ("given", "requested"),
    [
        ("git@github.com:a/b.git", "ssh://git@github.com/a/b.git"),
        ("git@host:/srv/a", "ssh://git@host/srv/a"),
        ("ssh://git@host/a", "ssh://git@host/a"),
        ("https://u:p@host/a@b:c", "https://u:p@host/a@b:c"),
    ],
)
def test_urls(given: str, requested: str) -> None:
    """Kyma's form of an SSH address becomes a URL; every other URL is unchanged."""
    assert url(given) == requested


@pytest.mark.parametrize(
    ("given", "path"), [("/", "."), ("a", "a"), ("/a//b/./c/", "a/b/c"), (".", "."), ("..a", "..a"), (" a ", " a ")]
)
def test_directories(given: str, path: str) -> None:
    """A directory is relative to the root of the source."""
    assert directory(given) == path


@pytest.mark.parametrize("enabled", [True, False])
def test_the_related_source_is_requested(enabled: bool) -> None:
    """customize() selects the object that sourceRef names, where Metacontroller may read it."""
    source = {"sourceRef": {"kind": "OCIRepository", "name": "code"}}
    request = HookRequest.parse(World(complete({"spec": {"source": source}})).request())
    assert request.function is not None
    rules = customize(request.function, Config(git=Git(enabled=enabled), related=Related(pods=False)))
    wanted = {"apiVersion": API_VERSION, "resource": "ocirepositories", "namespace": "default", "names": ["code"]}
    assert rules == ([wanted] if enabled else [])


def observed(world: World) -> Source:
    """Return the Function's source as the hook sees it."""
    request = HookRequest.parse(world.request())
    assert request.function is not None
    source = observed_source(request.function, request, CONFIG)
    assert source is not None
    return source


def test_a_related_object_of_another_group_is_no_source() -> None:
    """Another API may have a kind of the same name."""
    world = World(complete({"spec": {"source": {"sourceRef": {"kind": "Bucket", "name": "code"}}}}), git=True)
    bucket = {"apiVersion": "example.com/v1", "kind": "Bucket", "metadata": {"name": "code", "generation": 1}}
    bucket["status"] = source_controller.fetched(bucket, "sha256:0")
    world.related = {"Bucket.example.com/v1": {"code": bucket}}
    source = observed(world)
    assert (source.exists, source.artifact) == (False, None)


def test_a_related_source_that_is_being_deleted_does_not_count() -> None:
    """Its artifact disappears within seconds."""
    world = World(complete({"spec": {"source": {"sourceRef": {"kind": "Bucket", "name": "code"}}}}), git=True)
    settle(world, CONFIG, NOW)
    assert revision(respond(world.request(), CONFIG))
    (bucket,) = (each for group in world.related.values() for each in group.values())
    bucket["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    source = observed(world)
    assert (source.exists, source.artifact) == (True, None)


def test_after_both_attempts_another_failure_is_reported() -> None:
    """Neither a branch nor a tag is reported only while Flux still misses the branch."""
    world = git_world()
    attempts(world, set())
    now = child(world)
    now["status"] = source_controller.failed(now, "authentication required")
    assert "authentication required" in condition(synced(world), "SourceReady")["message"]


def test_a_settled_function_is_silent() -> None:
    """Without a new commit nothing is written, whatever the time."""
    world = settled()
    for _ in range(3):
        assert world.apply(sync(HookRequest.parse(world.request()), CONFIG, now=NOW).to_json()) == []
