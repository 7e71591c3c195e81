"""What a request is read as, what is held, and what an answer may say."""

import json
from copy import deepcopy
from typing import Any

import pytest
from cases import NOW, complete, settle
from metacontroller import LAST_APPLIED, World

from hooks.config import Config
from hooks.protocol import FinalizeRequest, NoLastApplied, SyncRequest, SyncResponse, Unreadable, held, last_applied
from hooks.sync import finalize, sync

Manifest = dict[str, Any]


def settled(**spec: Any) -> World:
    world = World(complete({"spec": spec}))
    settle(world, Config(), NOW)
    return world


def parsed(world: World, **changes: Any) -> SyncRequest:
    return SyncRequest.parse(world.request() | changes)


@pytest.mark.parametrize(("sent", "read"), [(True, True), (False, False), (None, False), ("false", False), (1, False)])
def test_only_true_is_finalizing(sent: Any, read: bool) -> None:
    """A deletion starts with the JSON value true and with nothing that merely looks like it."""
    assert parsed(settled(), finalizing=sent).finalizing is read


def test_children_are_found_by_their_own_name() -> None:
    """Keys differ between versions of the hook API, so a child counts by its kind and metadata.name."""
    request = settled().request()
    for group, members in request["children"].items():
        request["children"][group] = {f"default/{name}": child for name, child in members.items()}
    assert set(SyncRequest.parse(request).observed) == {
        (kind, "hello") for kind in ("Deployment", "Service", "ServiceAccount")
    }


@pytest.mark.parametrize("child", [None, [], "x", {}, {"kind": "Service"}, {"kind": "Service", "metadata": {}}])
def test_what_is_no_object_is_named(child: Any) -> None:
    """A child that is no Kubernetes object is refused by its place in the request."""
    with pytest.raises(Unreadable, match=r"^children\.Service\.v1\.hello: expected a Kubernetes object$"):
        parsed(settled(), children={"Service.v1": {"hello": child}})


def test_faults_are_named_without_their_values() -> None:
    """Every fault of a Function is one `path: message`, and no value of the request is repeated."""
    parent = complete({"spec": {"replicas": "s3cr3t", "source": {"inline": {"source": ["s3cr3t"]}}}})
    with pytest.raises(Unreadable) as raised:
        SyncRequest.parse({"parent": parent, "children": {}})
    assert str(raised.value).startswith("spec.source.inline.source: ")
    assert "; spec.replicas: " in str(raised.value)
    assert "s3cr3t" not in str(raised.value)


def test_answers_hold_only_what_says_something() -> None:
    """No delay and no end of a deletion are left out rather than sent as 0 and false."""
    assert SyncResponse(status={}, children=[]).to_json() == {"status": {}, "children": []}
    everything = SyncResponse(status={}, children=[], resync_after=5, finalized=True).to_json()
    assert everything == {"status": {}, "children": [], "resyncAfterSeconds": 5, "finalized": True}


def test_held_is_what_was_sent() -> None:
    """Held children are the very objects in Metacontroller's record, so that holding writes nothing."""
    world = settled()
    for child in held(parsed(world)):
        live = world.children[child["kind"], "hello"]
        assert child == json.loads(live["metadata"]["annotations"][LAST_APPLIED]) == last_applied(live)


@pytest.mark.parametrize(("autoscaled", "replicas"), [(True, 4), (False, 1)])
def test_held_replicas_are_the_autoscalers(autoscaled: bool, replicas: int) -> None:
    """While an autoscaler is observed its number is kept; without one the number of the record is."""
    world = settled(**({"scaleConfig": {"minReplicas": 1, "maxReplicas": 5}} if autoscaled else {}))
    world.children["Deployment", "hello"]["spec"]["replicas"] = 4
    (deployment,) = held(parsed(world), {"Deployment"})
    assert deployment["spec"]["replicas"] == replicas


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
    with pytest.raises(Unreadable):
        SyncRequest.parse(request)
    answer = finalize(FinalizeRequest.parse(request), Config(), now=NOW)
    assert {child["kind"] for child in answer.children} == {"Service", "ServiceAccount"}
    empty = request | {"children": {group: {} for group in request["children"]}}
    assert finalize(FinalizeRequest.parse(empty), Config(), now=NOW).finalized


def test_a_missing_record_does_not_stop_a_deletion() -> None:
    """What cannot be held any more goes at once; only sync refuses to guess."""
    world = settled(runtime="nodejs22")
    del world.children["Service", "hello"]["metadata"]["annotations"][LAST_APPLIED]
    answer = finalize(parsed(world, finalizing=True), Config(), now=NOW)
    assert (answer.children, answer.finalized) == ([], False)
    world.edit(deepcopy(world.parent["spec"]) | {"runtime": "cobol"})
    with pytest.raises(NoLastApplied, match="Service hello has no annotation"):
        sync(parsed(world), Config(), now=NOW)
