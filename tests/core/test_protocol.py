"""What a request is read as, and what an answer may say."""

from typing import Any

import pytest
from support.cases import NOW, complete, settle
from support.offline_metacontroller import World

from hooks.config import Config
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
    """A deletion starts with the JSON value true and with nothing that merely looks like it."""
    assert parsed(settled(), finalizing=sent).finalizing is read


def test_children_are_found_in_both_versions_of_the_hook_api() -> None:
    """Version v2 writes the namespace before the name, in the key of a child."""
    request = settled().request()
    for group, members in request["children"].items():
        request["children"][group] = {f"default/{name}": child for name, child in members.items()}
    assert set(HookRequest.parse(request).observed) == {"Deployment", "Service", "ServiceAccount"}


@pytest.mark.parametrize("child", [None, [], "x", 1, {}, {"kind": "Service"}, {"kind": "Service", "metadata": {}}])
@pytest.mark.parametrize("group", ["children", "related"])
def test_what_is_no_object_is_absent(child: Any, group: str) -> None:
    """What is no Kubernetes object among the children or the related objects is passed over."""
    request = parsed(settled(), **{group: {"Service.v1": {"hello": child}}})
    assert not (request.observed if group == "children" else request.related)


@pytest.mark.parametrize("groups", [{"Service.v1": []}, {"Service.v1": None}, {"Service.v1": "x"}, {}])
def test_groups_that_are_no_maps_are_absent(groups: Manifest) -> None:
    """A group of another type holds nothing."""
    assert not parsed(settled(), children=groups).observed


def test_a_stored_function_outside_the_schema_is_known_by_its_faults() -> None:
    """Each breach of the schema has a path and a message, and no value of the request is repeated."""
    parent = complete({"spec": {"replicas": "s3cr3t", "source": {"inline": {"source": ["s3cr3t"]}}}})
    request = HookRequest.parse({"parent": parent, "children": {}})
    assert request.function is None
    assert [path for path, _ in request.field_errors] == ["spec.source.inline.source", "spec.replicas"]
    assert "s3cr3t" not in str(request.field_errors)


@pytest.mark.parametrize("metadata", [None, [], {}, {"name": "a"}, {"name": 1, "namespace": "a", "uid": "b"}])
def test_without_a_name_there_is_no_function(metadata: Any) -> None:
    """A parent without name, namespace and UID is refused, without its values."""
    with pytest.raises(Unreadable, match=r"^metadata"):
        HookRequest.parse({"parent": {"metadata": metadata, "spec": {}}, "children": {}})


def test_answers_hold_only_what_says_something() -> None:
    """No delay and no end of a deletion are left out rather than sent as 0 and false."""
    assert SyncResponse(status={}, children=[]).to_json() == {"status": {}, "children": []}
    everything = SyncResponse(status={}, children=[], resync_after=5, finalized=True).to_json()
    assert everything == {"status": {}, "children": [], "resyncAfterSeconds": 5, "finalized": True}


@pytest.mark.parametrize("hook", [sync, finalize])
def test_only_a_deletion_is_finalized(hook: Any) -> None:
    """`finalized` outside a deletion takes the finalizer off and on for ever, so it is never said there."""
    assert hook(parsed(World(complete({"spec": {}})), finalizing=False), Config(), now=NOW).finalized is False


def test_a_deletion_ends_when_nothing_is_left() -> None:
    """One kind less each time, whatever the API server still keeps, until nothing is observed."""
    world = settled(scaleConfig={"minReplicas": 1, "maxReplicas": 5})
    writes = [world.apply(finalize(parsed(world, finalizing=True), Config(), now=NOW).to_json()) for _ in range(4)]
    assert [sorted(step) for step in writes] == [
        ["delete HorizontalPodAutoscaler/hello"],
        ["delete Deployment/hello"],
        ["delete Service/hello", "delete ServiceAccount/hello"],
        ["update Function"],
    ]


@pytest.mark.parametrize("spec", [None, "x", {}, {"runtime": 1, "source": []}])
def test_no_spec_stops_a_deletion(spec: Any) -> None:
    """A Function whose spec nobody can read, made under an older schema perhaps, is taken down like any other."""
    world = settled()
    parent = {key: value for key, value in world.parent.items() if key != "spec"} | ({"spec": spec} if spec else {})
    request = world.request(finalizing=True) | {"parent": parent}
    assert HookRequest.parse(request).function is None
    answer = finalize(HookRequest.parse(request), Config(), now=NOW)
    assert {child["kind"] for child in answer.children} == {"Service", "ServiceAccount"}
    empty = request | {"children": {group: {} for group in request["children"]}}
    assert finalize(HookRequest.parse(empty), Config(), now=NOW).finalized
