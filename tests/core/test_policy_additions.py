"""Additions that an admission policy makes on every write: accepted after at most two updates, and reported."""

import json
from copy import deepcopy
from typing import Any

import pytest
from support import drift_rows, source_controller
from support.cases import NOW, complete, settle
from support.drift_rows import ROWS, Row
from support.managed_fields import after_update, entry, fields_of
from support.offline_metacontroller import Manifest, World
from support.responses import comparable_child, respond

from hooks.cli.comparison import api_server
from hooks.config import Config, Git
from hooks.protocol import HookRequest
from hooks.records import LAST_APPLIED
from hooks.sync import sync

CONFIG = Config(git=Git(enabled=True))
REMOVED = [row for row in ROWS if row.outcome == "removed" and row.what != "number and name changed"]
"""The last one would find its port no more: a policy must have the same result if it meets an object again."""
UNLIKE = {
    "key added": "Metacontroller owns the selector as a whole",
    "`branch` made `tag`": "the hook goes on from there",
}
"""Fields that are not removed though a response had them; no response has other keys in the selector."""
SELECTOR = next(row for row in REMOVED if row.what == "key added")
HOST_NETWORK = next(row for row in REMOVED if row.field.endswith("hostNetwork"))
every_row = pytest.mark.parametrize("row", REMOVED, ids=Row.line)


class PolicyWorld(World):
    """A Function with managedFields on one child, which an admission policy changes on every write while it is on."""

    def __init__(self, row: Row, *, is_on: bool = True) -> None:
        super().__init__(complete({"spec": row.spec}), git=True)
        self.row, self.key, self.is_on = row, (row.kind, "hello"), is_on

    @property
    def child(self) -> Manifest:
        return self.children[self.key]

    def apply(self, answer: Manifest) -> list[str]:
        """Apply an answer; a write after which the object is the same is none, as for the API server."""
        before = self.children.get(self.key)
        writes = super().apply(answer)
        if self.key in self.children and self.child is not before:
            self.child["metadata"]["managedFields"] = after_update(before or {}, self.child, "metacontroller")
            if self.is_on:
                self.make_change()
        is_same = before is not None and bare(self.child) == bare(before)
        if is_same:
            self.children[self.key] = before or {}
        return [write for write in writes if not (is_same and write == f"update {'/'.join(self.key)}")]

    def make_change(self) -> None:
        """Make the change of the row, as a policy does: managedFields do not show it."""
        self.children[self.key] = api_server.defaulted(self.row.changed(self.child))

    def change_as(self, manager: str) -> None:
        """Make the change of the row as a user or controller."""
        before = self.child
        self.make_change()
        self.child["metadata"]["managedFields"] = after_update(before, self.child, manager)

    def conditions(self) -> dict[str, Manifest]:
        return {each["type"]: each for each in self.parent["status"]["conditions"]}


def written(child: Manifest) -> Manifest:
    """Return what Metacontroller has set: the record, and the fields in it."""
    record = child["metadata"]["annotations"][LAST_APPLIED]
    fields: Manifest = json.loads(record)
    fields["metadata"]["annotations"] = {LAST_APPLIED: record}
    return fields


def bare(child: Manifest) -> Any:
    """Return a child without its managedFields, for comparisons."""
    child = comparable_child(child)
    child["metadata"].pop("managedFields", None)
    return child


def updates(world: PolicyWorld, writes: list[str]) -> int:
    return writes.count(f"update {'/'.join(world.key)}")


@every_row
def test_a_policy_from_the_start(row: Row) -> None:
    """A field that a policy adds to a new child is accepted by at most one update, and then nothing is written."""
    world, plain = PolicyWorld(row), PolicyWorld(row, is_on=False)
    assert updates(world, settle(world, CONFIG, NOW)) <= 1
    assert world.apply(respond(world.request(), CONFIG)) == []
    settle(plain, CONFIG, NOW)
    plain.make_change()
    assert world.child["spec"] == plain.child["spec"], "there is more than the policy's change"


@every_row
def test_a_policy_on_running_functions(row: Row) -> None:
    """A new policy that meets a running Function by any write leads to at most one update."""
    world = PolicyWorld(row, is_on=False)
    settle(world, CONFIG, NOW)
    world.is_on = True
    world.make_change()
    changed = deepcopy(world.child["spec"])
    assert updates(world, settle(world, CONFIG, NOW)) <= 1
    assert world.child["spec"] == changed


@every_row
def test_a_user_s_addition_is_removed(row: Row) -> None:
    """The same field of a user is removed by two updates, though managedFields are there."""
    world = PolicyWorld(row, is_on=False)
    settle(world, CONFIG, NOW)
    before = bare(world.child)
    world.change_as("kubectl-edit")
    assert updates(world, settle(world, CONFIG, NOW)) == 2
    assert bare(world.child) == before


@pytest.mark.parametrize("row", [row for row in REMOVED if row.what not in UNLIKE], ids=Row.line)
def test_what_the_hook_has_set_is_no_addition(row: Row) -> None:
    """A field that an earlier response had, from other config or for another state of a source, is removed at once."""
    world = PolicyWorld(row, is_on=False)
    settle(world, CONFIG, NOW)
    before = bare(world.child)
    world.make_change()
    annotations = world.child["metadata"]["annotations"]
    record = json.loads(annotations[LAST_APPLIED])
    annotations[LAST_APPLIED] = json.dumps(record | {"spec": world.child["spec"]})
    world.child["metadata"]["managedFields"] = [entry("metacontroller", fields_of(written(world.child)))]
    assert updates(world, settle(world, CONFIG, NOW)) == 1
    assert bare(world.child) == before


def test_the_next_attempt_of_a_reference_is_no_addition() -> None:
    """Where the branch does not exist, the GitRepository has the tag and no longer the branch."""
    row = next(row for row in REMOVED if row.kind == "GitRepository")
    world = PolicyWorld(row, is_on=False)
    settle(world, CONFIG, NOW)
    world.edit(row.spec | {"source": {"gitRepository": row.spec["source"]["gitRepository"] | {"reference": "v1"}}})
    for kind in ("branch", "tag"):
        world.apply(respond(world.request(), CONFIG))
        assert world.child["spec"]["ref"] == {kind: "v1"}
        world.child["status"] = source_controller.lacks(world.child, "refs/heads/v1")


@pytest.mark.sampled
@every_row
def test_a_user_s_addition_that_a_policy_repeats(row: Row) -> None:
    """Where a user and a policy add the same field, the removal ends after at most three updates."""
    world = PolicyWorld(row, is_on=False)
    settle(world, CONFIG, NOW)
    world.change_as("kubectl-edit")
    world.is_on = True
    assert updates(world, settle(world, CONFIG, NOW)) <= 3


@pytest.mark.sampled
@every_row
def test_an_edit_removes_the_field_of_an_ended_policy(row: Row) -> None:
    """An edit of the Function after the policy has ended removes the field; one before costs one more update."""
    plain, world = PolicyWorld(row, is_on=False), PolicyWorld(row)
    settle(plain, CONFIG, NOW)
    settle(world, CONFIG, NOW)
    edited = world.parent["spec"] | {"labels": {"edited": "once"}}
    world.edit(edited)
    assert updates(world, settle(world, CONFIG, NOW)) <= 2
    world.is_on = False
    for each in (world, plain):
        each.edit(edited | {"labels": {"edited": "twice"}})
        settle(each, CONFIG, NOW)
    assert bare(world.child) == bare(plain.child)


def test_the_status_names_the_field() -> None:
    """The Function stays ready, and the condition names the field and what to do."""
    world = PolicyWorld(HOST_NETWORK)
    settle(world, CONFIG, NOW)
    ready = world.conditions()["Ready"]
    assert (ready["status"], ready["reason"]) == ("True", "AddedByPolicy")
    assert "adds spec.template.spec.hostNetwork of the Deployment on every write" in ready["message"]


def test_a_function_that_is_cut_off_is_not_ready() -> None:
    """A Service that no longer selects the pods, has lost the port or names another host makes the Function Stalled."""
    for row in REMOVED:
        if row.kind == "Service" and row.what in ("key added", "number changed", "`ExternalName`"):
            world = PolicyWorld(row)
            settle(world, CONFIG, NOW)
            assert world.conditions()["Stalled"]["reason"] == "AddedByPolicy"


def test_an_addition_that_no_response_can_have_is_ignored() -> None:
    """A field that is nested too deeply to serialize costs no child."""
    world = PolicyWorld(SELECTOR, is_on=False)
    settle(world, CONFIG, NOW)
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    world.child["spec"]["selector"]["theirs"] = deep
    answer = sync(HookRequest.parse(world.request()), CONFIG, now=NOW).to_json()
    (service,) = (child for child in answer["children"] if child["kind"] == "Service")
    assert "theirs" not in service["spec"]["selector"]


FORGED: list[Any] = [
    None, {}, "x", [], [None], [{}], [{"fieldsV1": None}], [{"fieldsV1": {"f:spec": 1}}], [entry("a", {"k:{": {}})],
    [entry("a", {"f:spec": {"f:selector": []}})],
    [entry("a", {"f:spec": {"f:ports": {"k:x": {}, "k:[]": {}, "k:1": 1}}})],
]  # fmt: skip


@pytest.mark.parametrize("managed", FORGED, ids=repr)
def test_without_metacontroller_s_fields_nothing_is_accepted(managed: Any) -> None:
    """managedFields that do not name Metacontroller's record change nothing: the field is removed as ever."""
    world = PolicyWorld(SELECTOR, is_on=False)
    settle(world, CONFIG, NOW)
    before = bare(world.child)
    world.make_change()
    world.child["metadata"]["managedFields"] = managed
    for _ in range(2):
        World.apply(world, respond(world.request(), CONFIG))
    assert bare(world.child) == before


@pytest.mark.parametrize("managed", FORGED, ids=repr)
def test_forged_fields_of_others_do_no_harm(managed: Any) -> None:
    """Malformed entries beside Metacontroller's change nothing but whether an addition is accepted."""
    world = PolicyWorld(SELECTOR, is_on=False)
    settle(world, CONFIG, NOW)
    world.make_change()
    world.child["metadata"]["managedFields"] += managed if isinstance(managed, list) else [managed]
    answer = respond(world.request(), CONFIG)
    (service,) = (child for child in answer["children"] if child["kind"] == "Service")
    assert service["spec"]["selector"] == world.child["spec"]["selector"]


def test_the_rows_are_complete() -> None:
    assert {row.kind for row in REMOVED} == {"Service", "Deployment", "GitRepository"}
    assert drift_rows.SPEC
