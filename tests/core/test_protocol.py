"""Parsing of requests, and the form of responses."""

from typing import Any

import pytest
from support.cases import NOW, complete, settle
from support.offline_metacontroller import World

from hooks.config import Config, Git
from hooks.protocol import HookRequest, SyncResponse, Unreadable
from hooks.sync import finalize, sync

Manifest = dict[str, Any]


def settled(**spec: Any) -> World:
    world = World(complete({"spec": spec}))
    settle(world, Config(), NOW)
    return world


def parsed(world: World, **changes: Any) -> HookRequest:
    return HookRequest.parse(world.request() | changes)


@pytest.mark.parametrize(("sent", "read"), [(True, True), (False, False), (None, False), ("false", False), (1, False)])
def test_only_true_is_finalizing(sent: Any, read: bool) -> None:
    """Only the JSON value true means that the Function is being deleted."""
    assert parsed(settled(), finalizing=sent).finalizing is read


def test_children_are_found_in_both_versions_of_the_hook_api() -> None:
    """Hook version v2 prefixes the name of a child with its namespace."""
    request = settled().request()
    for group, members in request["children"].items():
        request["children"][group] = {f"default/{name}": child for name, child in members.items()}
    assert set(HookRequest.parse(request).observed) == {"Deployment", "Service", "ServiceAccount"}


@pytest.mark.parametrize("child", [None, [], "x", 1, {}, {"kind": "Service"}, {"kind": "Service", "metadata": {}}])
@pytest.mark.parametrize("group", ["children", "related"])
def test_malformed_objects_are_ignored(child: Any, group: str) -> None:
    """A child or related object that is not a Kubernetes object counts as absent."""
    request = parsed(settled(), **{group: {"Service.v1": {"hello": child}}})
    assert not (request.observed if group == "children" else request.related)


@pytest.mark.parametrize("groups", [{"Service.v1": []}, {"Service.v1": None}, {"Service.v1": "x"}, {}])
def test_malformed_groups_are_ignored(groups: Manifest) -> None:
    """A group that is not a map has no objects."""
    assert not parsed(settled(), children=groups).observed


@pytest.mark.parametrize(("namespace", "found"), [("default", True), ("other", False)])
def test_related_objects_of_other_namespaces_are_ignored(namespace: str, found: bool) -> None:
    """A related object counts only if it is in the Function's namespace."""
    secret = {"kind": "Secret", "metadata": {"name": "a", "namespace": namespace}}
    assert bool(parsed(settled(), related={"Secret.v1": {"a": secret}}).related) == found


def test_schema_errors_have_paths_and_no_values() -> None:
    """Each violation of the schema has a path and a message, and no message has a value of the request."""
    parent = complete({"spec": {"replicas": "s3cr3t", "source": {"inline": {"source": ["s3cr3t"]}}}})
    request = HookRequest.parse({"parent": parent, "children": {}})
    assert request.function is None
    assert [path for path, _ in request.field_errors] == ["spec.source.inline.source", "spec.replicas"]
    assert "s3cr3t" not in str(request.field_errors)


@pytest.mark.parametrize("metadata", [None, [], {}, {"name": "a"}, {"name": 1, "namespace": "a", "uid": "b"}])
def test_a_parent_without_identity_is_refused(metadata: Any) -> None:
    """A parent needs name, namespace and UID; the error has no value of the request."""
    with pytest.raises(Unreadable, match=r"^metadata"):
        HookRequest.parse({"parent": {"metadata": metadata, "spec": {}}, "children": {}})


def test_every_missing_part_of_the_identity_is_named() -> None:
    """The message of the error has a path for each."""
    with pytest.raises(Unreadable) as caught:
        HookRequest.parse({"parent": {"metadata": {"name": "a"}, "spec": {}}, "children": {}})
    assert str(caught.value) == "metadata.namespace: Required value; metadata.uid: Required value"


def test_responses_omit_default_values() -> None:
    """resyncAfterSeconds: 0 and finalized: false are omitted."""
    assert SyncResponse(status={}, children=[]).to_json() == {"status": {}, "children": []}
    everything = SyncResponse(status={}, children=[], resync_after=5, finalized=True).to_json()
    assert everything == {"status": {}, "children": [], "resyncAfterSeconds": 5, "finalized": True}


@pytest.mark.parametrize("hook", [sync, finalize])
def test_only_a_deletion_is_finalized(hook: Any) -> None:
    """Outside a deletion `finalized: true` would remove and add the finalizer forever, so it is never sent."""
    assert hook(parsed(World(complete({"spec": {}})), finalizing=False), Config(), now=NOW).finalized is False


def test_a_deletion_ends_when_nothing_is_left() -> None:
    """Each response deletes the kinds of one teardown step, until no child is observed."""
    world = settled(scaleConfig={"minReplicas": 1, "maxReplicas": 5})
    writes = [world.apply(finalize(parsed(world, finalizing=True), Config(), now=NOW).to_json()) for _ in range(4)]
    assert [sorted(step) for step in writes] == [
        ["delete HorizontalPodAutoscaler/hello"],
        ["delete Deployment/hello"],
        ["delete Service/hello", "delete ServiceAccount/hello"],
        ["update Function"],
    ]


@pytest.mark.parametrize("others", [[], ["metacontroller.io/x", "example.com/stays"]])
def test_a_deletion_that_orphans_the_children_ends_at_once(others: list[str]) -> None:
    """No child is deleted, not even if Metacontroller applies the response: `finalized` comes with all of them."""
    world = settled(scaleConfig={"minReplicas": 1, "maxReplicas": 5})
    world.parent["metadata"]["finalizers"] = [*others, "orphan"]
    answer = finalize(parsed(world, finalizing=True), Config(), now=NOW)
    assert answer.finalized
    assert len(answer.children) == 4
    assert world.apply(answer.to_json() | {"finalized": False}) == []


@pytest.mark.parametrize("finalizers", [None, "orphan", {"orphan": 1}, [["orphan"]], ["foregroundDeletion"]])
def test_other_deletions_wait_for_the_children(finalizers: Any) -> None:
    """Only the garbage collector's finalizer in a list counts."""
    world = settled()
    world.parent["metadata"]["finalizers"] = finalizers
    assert not finalize(parsed(world, finalizing=True), Config(), now=NOW).finalized


def test_a_git_repository_is_deleted_after_the_deployment() -> None:
    """What runs has its source until it has stopped; the finalizer of a source does not delay the Function's."""
    config = Config(git=Git(enabled=True))
    repository = {"url": "https://git.example/r.git", "baseDir": "/", "reference": "main"}
    world = World(complete({"spec": {"source": {"gitRepository": repository}}}), git=True)
    settle(world, config, NOW)
    writes = [world.apply(finalize(parsed(world, finalizing=True), config, now=NOW).to_json()) for _ in range(3)]
    assert [sorted(step) for step in writes] == [
        ["delete Deployment/hello"],
        ["delete GitRepository/hello", "delete Service/hello", "delete ServiceAccount/hello"],
        ["update Function"],
    ]


@pytest.mark.parametrize("spec", [None, "x", {}, {"runtime": 1, "source": []}])
def test_no_spec_stops_a_deletion(spec: Any) -> None:
    """A Function whose spec cannot be parsed, for example one of an older schema, is deleted like any other."""
    world = settled()
    parent = {key: value for key, value in world.parent.items() if key != "spec"} | ({"spec": spec} if spec else {})
    request = world.request(finalizing=True) | {"parent": parent}
    assert HookRequest.parse(request).function is None
    answer = finalize(HookRequest.parse(request), Config(), now=NOW)
    assert {child["kind"] for child in answer.children} == {"Service", "ServiceAccount"}
    empty = request | {"children": {group: {} for group in request["children"]}}
    assert finalize(HookRequest.parse(empty), Config(), now=NOW).finalized
