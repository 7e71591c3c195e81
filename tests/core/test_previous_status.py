"""Parsing of a status that Kyma, an earlier version or any other writer has left."""

from typing import Any

import pytest
import yaml
from support.cases import NOW, ROOT, complete, settle
from support.offline_metacontroller import World

from hooks.config import Config
from hooks.previous_status import KnownStatus, carried_over, parse_conditions
from hooks.protocol import HookRequest
from hooks.sync import sync

Manifest = dict[str, Any]
RUNNING = {
    "type": "Running",
    "status": "True",
    "reason": "DeploymentReady",
    "message": "Deployment hello is ready",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}
UNREADABLE: list[Any] = [
    None,
    "x",
    [],
    {},
    RUNNING | {"type": None},
    RUNNING | {"status": "Maybe"},
    RUNNING | {"status": ["True"]},
    RUNNING | {"reason": 1},
    RUNNING | {"lastTransitionTime": None},
    RUNNING | {"lastTransitionTime": "yesterday"},
    RUNNING | {"lastTransitionTime": "2026-01-01"},
    RUNNING | {"lastTransitionTime": "2026-01-01T00:00:00"},
    RUNNING | {"lastTransitionTime": "2026-13-01T00:00:00Z"},
    RUNNING | {"lastTransitionTime": "2026-W01-1T00:00:00Z"},
    RUNNING | {"lastTransitionTime": 1767225600},
]


@pytest.mark.parametrize("condition", UNREADABLE, ids=str)
def test_an_unreadable_condition_is_absent(condition: Any) -> None:
    """A condition without a valid type, status, reason and time is ignored; other conditions stay."""
    found = parse_conditions({"conditions": [condition, RUNNING | {"type": "Ready"}]})
    assert list(found) == ["Ready"]


@pytest.mark.parametrize("value", [None, "x", 1, {}, {"type": "Ready"}])
def test_conditions_of_another_type_are_absent(value: Any) -> None:
    """A value that is not a list of conditions has none."""
    assert parse_conditions({"conditions": value}) == {}


def test_a_condition_without_a_message_keeps_its_time() -> None:
    """Message and generation are optional."""
    del (bare := dict(RUNNING))["message"]
    (found,) = parse_conditions({"conditions": [bare | {"observedGeneration": "x"}]}).values()
    assert (found.message, found.observed_generation) == ("", 0)
    assert found.last_transition_time == RUNNING["lastTransitionTime"]


@pytest.mark.parametrize("status", [None, "x", [], 1, {"conditions": UNREADABLE}, {"observedGeneration": "x"}])
def test_a_malformed_status_changes_nothing(status: Any) -> None:
    """The response to a Function with a malformed status is that to one without a status."""
    world = World(complete({"spec": {}}))
    settle(world, Config(), NOW)
    world.parent.pop("status")
    wanted = sync(HookRequest.parse(world.request()), Config(), now=NOW)
    world.parent["status"] = status
    assert sync(HookRequest.parse(world.request()), Config(), now=NOW) == wanted


BROKEN = {
    "runtime": 1,
    "runtimeImage": "x" * 5000,
    "replicas": "many",
    "podSelector": None,
    "functionAnnotations": {"a": 1},
    "podSecurityContext": {"runAsUser": -1},
    "gitRepository": [],
    "commit": ["a"],
    "unknown": "x",
    "observedGeneration": 3,
    "conditions": [RUNNING | {"reason": "no reason"}, RUNNING | {"type": "x" * 400}, *UNREADABLE],
}


def test_invalid_fields_are_not_carried_over() -> None:
    """A frozen Function keeps only the valid fields of its status, so that the API server accepts it."""
    sound = {"runtime": "nodejs22", "replicas": 2, "commit": "abc", "podSecurityContext": {"fsGroup": 1}}
    assert carried_over(BROKEN, parse_conditions(BROKEN)) == {}
    assert carried_over(BROKEN | sound, parse_conditions(BROKEN)) == sound
    full = sound | {"conditions": [RUNNING | {"observedGeneration": 1}]}
    assert carried_over(full | {"observedGeneration": 1}, parse_conditions(full)) == full


@pytest.mark.parametrize(
    ("field", "longest", "kept"),
    [
        ("type", "t" * 316, True),
        ("type", "t" * 317, False),
        ("reason", "r" * 1024, True),
        ("reason", "r" * 1025, False),
    ],
    ids=["type", "too long a type", "reason", "too long a reason"],
)
def test_conditions_at_the_bounds_of_the_schema(field: str, longest: str, kept: bool) -> None:
    """A condition whose type or reason is longer than the schema allows is left out."""
    assert bool(carried_over({}, parse_conditions({"conditions": [RUNNING | {field: longest}]}))) == kept


def test_conditions_are_cut_to_the_bounds_of_the_schema() -> None:
    """At most 16 conditions are kept, with messages of at most 32,768 characters and no negative generation."""
    many = [RUNNING | {"type": f"t{n}", "message": "m" * 32769, "observedGeneration": n - 1} for n in range(17)]
    found = carried_over({}, parse_conditions({"conditions": many}))["conditions"]
    assert [(each["type"], each["observedGeneration"]) for each in found] == [
        (f"t{n}", max(0, n - 1)) for n in range(16)
    ]
    assert {each["message"] for each in found} == {"m" * 32768}


def test_every_field_of_the_schema_is_known() -> None:
    """KnownStatus has exactly the status fields of the CRD."""
    crd = yaml.safe_load((ROOT / "crds" / "functions.yaml").read_text(encoding="utf-8"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    known = {field.alias or name for name, field in KnownStatus.model_fields.items()}
    assert known | {"observedGeneration", "conditions"} == set(schema["properties"])
