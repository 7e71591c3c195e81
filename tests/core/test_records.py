"""Which last-applied records are valid; no forged record or look-alike changes an answer."""

import json
from copy import deepcopy
from typing import Any

import pytest
from support import forged_records
from support.cases import NOW, complete, settle
from support.offline_metacontroller import LAST_APPLIED, World

from hooks.children import KINDS
from hooks.config import Config, Git
from hooks.protocol import HookRequest
from hooks.records import is_mergeable, last_applied, unchanged_children
from hooks.sync import finalize, sync

Manifest = dict[str, Any]
CONFIG = Config(git=Git(enabled=True))
FROM_GIT = {"source": {"gitRepository": {"url": "https://git.example/r.git", "baseDir": "/", "reference": "main"}}}
SCALED = {"scaleConfig": {"minReplicas": 1, "maxReplicas": 5}}


def settled(**spec: Any) -> World:
    world = World(complete({"spec": FROM_GIT | spec}), git=True)
    settle(world, CONFIG, NOW)
    return world


def broken(**spec: Any) -> World:
    world = settled(**spec)
    world.edit(world.parent["spec"] | {"runtime": "cobol"})
    return world


def parsed(world: World, **changes: Any) -> HookRequest:
    return HookRequest.parse(world.request() | changes)


def forge(world: World, kind: str, forgery: forged_records.Forgery) -> None:
    child = world.children[kind, "hello"]
    child["metadata"].setdefault("annotations", {})[LAST_APPLIED] = forgery(child)


def identities(children: list[Manifest]) -> list[tuple[str, str, str]]:
    """Return apiVersion, kind and name of each child; fail if its metadata has more than name and labels."""
    for child in children:
        assert set(child["metadata"]) == {"name", "labels"}
        assert child["metadata"]["labels"]["serverless.kyma-project.io/function-name"] == "hello"
        assert not {"controller-uid", "example.com/forged"} & set(child["metadata"]["labels"])
        assert not {"status", "roleRef", "subjects"} & set(child)
    return [(child["apiVersion"], child["kind"], child["metadata"]["name"]) for child in children]


OBSERVED = [kind for kind in KINDS if (kind, "hello") in settled(**SCALED).children]
OWN = [(KINDS[kind].api_version, kind, "hello") for kind in OBSERVED]
FIRST_STEP = min(KINDS[kind].teardown for kind in OBSERVED)
LEFT = [own for own in OWN if KINDS[own[1]].teardown > FIRST_STEP]


def test_frozen_children_are_as_last_applied() -> None:
    """Frozen children have the fields of Metacontroller's record, so Metacontroller writes nothing."""
    world = broken(**SCALED)
    for child in unchanged_children(parsed(world)):
        live = world.children[child["kind"], "hello"]
        record = json.loads(live["metadata"]["annotations"][LAST_APPLIED])
        assert child | {"metadata": record["metadata"]} == record
    assert world.apply(sync(parsed(world), CONFIG, now=NOW).to_json()) == ["status"]


@pytest.mark.parametrize(("autoscaled", "replicas"), [(True, 4), (False, 1)])
def test_frozen_replicas_are_the_autoscalers(autoscaled: bool, replicas: int) -> None:
    """Frozen replicas are the observed ones while an autoscaler is observed, else those of the record."""
    world = settled(**(SCALED if autoscaled else {}))
    world.children["Deployment", "hello"]["spec"]["replicas"] = 4
    (deployment,) = unchanged_children(parsed(world), {"Deployment"})
    assert deployment["spec"]["replicas"] == replicas


@pytest.mark.parametrize("kind", OBSERVED)
@pytest.mark.parametrize("forgery", forged_records.FOREIGN.values(), ids=forged_records.FOREIGN)
def test_a_foreign_record_is_ignored(kind: str, forgery: forged_records.Forgery) -> None:
    """A record that describes another object than its own is ignored."""
    world = settled(**SCALED)
    forge(world, kind, forgery)
    assert last_applied(world.children[kind, "hello"]) is None


@pytest.mark.parametrize("kind", OBSERVED)
@pytest.mark.parametrize("name", forged_records.ALL)
def test_no_record_changes_what_is_answered(kind: str, name: str) -> None:
    """Every child in an answer is of a declared kind and named like the Function: frozen, valid or being deleted."""
    for world in (broken(**SCALED), settled(**SCALED)):
        forge(world, kind, forged_records.ALL[name])
        assert identities(sync(parsed(world), CONFIG, now=NOW).children) == OWN
        going = finalize(HookRequest.parse(world.request(finalizing=True)), CONFIG, now=NOW)
        record = last_applied(world.children[kind, "hello"])
        assert identities(going.children) == [own for own in LEFT if own[1] != kind or record is not None]


@pytest.mark.parametrize("name", forged_records.ALL)
def test_a_frozen_child_without_a_record_stays_as_it_is(name: str) -> None:
    """A broken Function whose children have no usable record gets its status; only the records are written."""
    world = broken(**SCALED)
    for kind in OBSERVED:
        forge(world, kind, forged_records.ALL[name])
    before = deepcopy(world.children)
    answer = sync(parsed(world), CONFIG, now=NOW).to_json()
    assert answer["status"]["conditions"][0]["reason"] == "InvalidFunctionSpec"
    if name not in forged_records.UNMERGEABLE:
        world.apply(answer)
        assert {key: body(child) for key, child in world.children.items()} == {k: body(c) for k, c in before.items()}
        assert world.apply(sync(parsed(world), CONFIG, now=NOW).to_json()) == []


def body(child: Manifest) -> Manifest:
    return {key: value for key, value in child.items() if key != "metadata"}


@pytest.mark.parametrize("name", sorted(set(forged_records.ALL) - forged_records.UNMERGEABLE))
def test_a_valid_function_replaces_forged_records(name: str) -> None:
    """Metacontroller writes each answer into the record, so a forged one lasts for one sync."""
    world = settled(**SCALED)
    for kind in OBSERVED:
        forge(world, kind, forged_records.ALL[name])
    settle(world, CONFIG, NOW)
    assert all(last_applied(child) for child in world.children.values())


@pytest.mark.parametrize("name", forged_records.ALL)
def test_unmergeable_records_are_known(name: str) -> None:
    """is_mergeable() is False for exactly the records with which every update by Metacontroller fails."""
    world = settled()
    forge(world, "Service", forged_records.ALL[name])
    assert is_mergeable(world.children["Service", "hello"]) == (name not in forged_records.UNMERGEABLE)


LOOK_ALIKES: dict[str, Manifest] = {
    "another name": {"metadata": {"name": "other"}},
    "another namespace": {"metadata": {"namespace": "kube-system"}},
    "another kind": {"kind": "Pod"},
    "another version": {"apiVersion": "example.com/v1"},
    "no metadata": {"metadata": None},
}


@pytest.mark.parametrize("kind", OBSERVED)
@pytest.mark.parametrize("change", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
@pytest.mark.parametrize("spec", ["nodejs22", "cobol"])
def test_what_is_observed_under_another_identity_changes_nothing(kind: str, change: Manifest, spec: str) -> None:
    """An object of another kind, name or namespace among the children is ignored."""
    world = settled(**SCALED)
    world.edit(world.parent["spec"] | {"runtime": spec})
    own = world.children.pop((kind, "hello"))
    expected = answers(world.request())
    request = world.request()
    alike = own | change
    if isinstance(change.get("metadata"), dict):
        alike = own | {"metadata": own["metadata"] | change["metadata"]}
    request["children"][KINDS[kind].group]["hello"] = alike
    request["children"]["Pod.v1"] = {"hello": alike}
    assert answers(request) == expected


def answers(request: Manifest) -> list[Manifest]:
    """Return the answers of sync and finalize."""
    deletion = HookRequest.parse(deepcopy(request) | {"finalizing": True})
    synced = sync(HookRequest.parse(deepcopy(request)), CONFIG, now=NOW).to_json()
    return [synced, finalize(deletion, CONFIG, now=NOW).to_json()]


def test_a_child_that_a_finalizer_keeps_does_not_keep_the_function() -> None:
    """A child that is being deleted, and has a finalizer of others, does not delay finalization."""
    world = settled()
    for child in world.children.values():
        child["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/stays"]}
    assert finalize(parsed(world, finalizing=True), CONFIG, now=NOW).finalized
