"""`buildless diff`: it says "restarts pods" exactly when the pod template changes, and has words for every reason."""

import json
from hashlib import sha256
from random import Random
from typing import Any

import pytest
import yaml
from support.cases import NOW, complete, make_fetched
from support.edited_functions import pair
from support.left_out import RUN_ALL
from support.offline_metacontroller import World

from hooks.cli.comparison.changes import ABSENT, Change, changes, restored
from hooks.cli.comparison.compare import Comparison, Outcome, Side, compare
from hooks.cli.comparison.reasons import REASONS, reasons
from hooks.cli.comparison.text import text
from hooks.cli.document import Document
from hooks.cli.files import Objects
from hooks.config import Config, Git
from hooks.protocol import HookRequest
from hooks.sync import sync

Manifest = dict[str, Any]

CONFIG = Config(git=Git(enabled=True))
SEEDS, PAIRS_OF_A_SEED = range(10 if RUN_ALL else 2), 100 if RUN_ALL else 30


def side(*functions: Manifest, config: Config = CONFIG, others: list[Manifest] | None = None) -> Side:
    head = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function"}
    node = next(yaml.compose_all("{}"))
    documents = [Document(file="a.yaml", value=head | each, node=node) for each in functions]
    made = Side.of(Objects(functions=documents), config)
    return Side(functions=made.functions, others=others or [], config=config)


def template(world: World) -> str:
    """Return the hash of the pod template after every write."""
    for _ in range(12):
        answer = sync(HookRequest.parse(world.request()), CONFIG, now=NOW).to_json()
        if not world.apply(answer) + [True] * make_fetched(world):
            break
    spec = next(child["spec"] for (kind, _), child in world.children.items() if kind == "Deployment")
    return sha256(json.dumps(spec["template"], sort_keys=True).encode()).hexdigest()


def restarts(first: Manifest, second: Manifest) -> bool:
    """Return whether an edit of a Function changes the hash of its pod template."""
    world = World(complete(first), git=True)
    before = template(world)
    world.edit(complete(second)["spec"])
    return template(world) != before


@pytest.mark.parametrize("seed", SEEDS)
def test_pods_restart_exactly_when_the_template_changes(seed: int) -> None:
    """The output has "restarts pods", with words for each reason, exactly when the hash of the template changes."""
    random = Random(seed)
    seen = set()
    for _ in range(PAIRS_OF_A_SEED):
        first, second = pair(random)
        found = list(compare(side(first), side(second)))
        assert all(each.outcome is Outcome.CHANGED for each in found), found
        says = "restarts pods" in "".join(text(found))
        assert says == restarts(first, second) == any(each.restarts for each in found), (first, second)
        assert all(bool(each.reasons) == each.restarts for each in found), (first, second, found)
        words = [words for each in found for words in each.reasons]
        assert not [each for each in words if each.startswith(("spec.", "metadata.", "order")) or "containers" in each]
        seen.add(says)
    assert seen == {True, False}


HELLO: Manifest = {
    "metadata": {"name": "hello"},
    "spec": {"runtime": "nodejs22", "source": {"inline": {"source": "module.exports = {main: () => 1}"}}},
}
GIT = {"gitRepository": {"url": "https://git.example/code.git", "reference": "main", "baseDir": "/"}}
PACKAGES = {"inline": HELLO["spec"]["source"]["inline"] | {"dependencies": '{"dependencies": {"a": "1"}}'}}


def edited(**spec: Any) -> Manifest:
    return HELLO | {"spec": HELLO["spec"] | spec}


# An edit: the fields before, the fields after, and why pods restart ("" if none does).
EDITS: list[tuple[Manifest, Manifest, str]] = [
    ({}, {}, ""),
    ({}, {"replicas": 3}, ""),
    ({}, {"replicas": 0}, ""),
    ({}, {"scaleConfig": {"minReplicas": 1, "maxReplicas": 3}}, ""),
    (
        {"scaleConfig": {"minReplicas": 1, "maxReplicas": 3}},
        {"scaleConfig": {"minReplicas": 2, "maxReplicas": 3}},
        "",
    ),
    ({}, {"runtimeImageOverride": "example.com/a:1"}, "image"),
    ({}, {"source": {"inline": {"source": "x"}}}, "source"),
    ({}, {"source": {"inline": {"source": "x" * 140_000}}}, "source"),
    ({}, {"source": PACKAGES}, "dependencies"),
    ({"source": PACKAGES}, {}, "dependencies"),
    ({}, {"runtime": "python312", "source": {"inline": {"source": "x"}}}, "runtime, source"),
    ({}, {"runtime": "nodejs24"}, "runtime"),
    ({}, {"env": [{"name": "A", "value": "1"}]}, "environment variable A"),
    ({}, {"env": [{"name": "__A", "value": "1"}]}, "environment variable __A"),
    ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A"}]}, "environment variable A"),
    ({"env": [{"name": "A", "value": ""}]}, {"env": [{"name": "A"}]}, ""),
    (
        {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        {"env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]},
        "",
    ),
    (
        {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}]},
        {"env": [{"name": "B", "value": "$(A)"}, {"name": "A", "value": "1"}]},
        "order of env",
    ),
    ({}, {"envFrom": [{"secretRef": {"name": "a"}}]}, "envFrom"),
    ({}, {"resourceConfiguration": {"function": {"profile": "S"}}}, "resources"),
    (
        {"source": PACKAGES},
        {"source": PACKAGES, "resourceConfiguration": {"build": {"resources": {"limits": {"cpu": "9"}}}}},
        "resources of the install step",
    ),
    ({}, {"startupTimeoutSeconds": 200}, "startupTimeoutSeconds"),
    (
        {},
        {"secretMounts": [{"secretName": "s", "mountPath": "/etc/s"}]},
        "mount at /etc/s, mounted Secrets and ConfigMaps",
    ),
    ({}, {"labels": {"a": "b"}}, "label a"),
    ({}, {"annotations": {"a.b/c": "d"}}, "annotation a.b/c"),
    ({}, {"serviceAccountName": "robot"}, "ServiceAccount, token of the ServiceAccount"),
    ({}, {"podSecurityContext": {"runAsUser": 7}}, "podSecurityContext"),
    ({}, {"containerSecurityContext": {"runAsUser": 7}}, "containerSecurityContext"),
    ({}, {"imagePullSecrets": [{"name": "p"}]}, "imagePullSecrets"),
    ({}, {"nodeSelector": {"a": "b"}}, "nodeSelector"),
    ({}, {"tolerations": [{"operator": "Exists"}]}, "tolerations"),
    ({}, {"priorityClassName": "high"}, "priorityClassName"),
    ({}, {"source": GIT}, "source, dependencies"),
    ({"source": GIT}, {"source": {"gitRepository": GIT["gitRepository"] | {"reference": "other"}}}, "source"),
    ({"source": GIT}, {"source": {"gitRepository": GIT["gitRepository"] | {"baseDir": "/a"}}}, "source"),
    ({"source": GIT}, {"source": {"gitRepository": GIT["gitRepository"] | {"interval": "9m"}}}, ""),
    ({}, {"source": {"sourceRef": {"kind": "Bucket", "name": "b"}}}, "source, dependencies"),
]


@pytest.mark.parametrize(("before", "after", "expected"), EDITS, ids=[str(number) for number in range(len(EDITS))])
def test_reasons(before: Manifest, after: Manifest, expected: str) -> None:
    """Each field that restarts pods is named, and no other."""
    first, second = edited(**before), edited(**after)
    found = list(compare(side(first), side(second)))
    assert ", ".join(words for each in found for words in each.reasons) == expected
    assert any(each.restarts for each in found) == bool(expected) == restarts(first, second)


def test_a_label_of_the_function_restarts_no_pod() -> None:
    """The children get the labels of their Function, and the pods do not."""
    (found,) = compare(side(HELLO), side(HELLO | {"metadata": {"name": "hello", "labels": {"team": "a"}}}))
    assert not found.restarts
    assert {kind: [change.path for change in rows] for kind, rows in found.changed.items()} == {
        kind: [("metadata", "labels", "team")] for kind in ("ServiceAccount", "Service", "Deployment")
    }


def test_a_changed_config_restarts_pods() -> None:
    """Both sides may have the same Functions and different settings."""
    other = CONFIG.model_copy(update={"registry": "mirror.example.com"})
    (found,) = compare(side(HELLO), side(HELLO, config=other))
    assert list(found.reasons) == ["image"]


def one(found: Comparison) -> tuple[Outcome, bool, list[str]]:
    return found.outcome, found.restarts, [*found.created, *found.deleted]


BROKEN = edited(runtime="cobol")
CHILDREN = ["ServiceAccount", "Service", "Deployment"]
OUTCOMES = [
    ([], [HELLO], (Outcome.CREATED, False, CHILDREN)),
    ([HELLO], [], (Outcome.DELETED, False, CHILDREN)),
    ([HELLO], [BROKEN], (Outcome.REFUSED, False, [])),
    ([], [BROKEN], (Outcome.REFUSED, False, [])),
    ([BROKEN], [BROKEN], (Outcome.REFUSED, False, [])),
    ([BROKEN], [HELLO], (Outcome.REPAIRED, False, CHILDREN)),
    ([BROKEN], [], (Outcome.DELETED, False, [])),
]


@pytest.mark.parametrize(("old", "new", "expected"), OUTCOMES)
def test_outcomes(old: list[Manifest], new: list[Manifest], expected: tuple[Outcome, bool, list[str]]) -> None:
    """Added, removed, broken and repaired Functions restart no pods."""
    assert [one(each) for each in compare(side(*old), side(*new))] == [expected]


def test_functions_are_matched_by_namespace_and_name() -> None:
    """The same name in another namespace is another Function; no namespace is `default`."""
    there = HELLO | {"metadata": {"name": "hello", "namespace": "there"}}
    here = HELLO | {"metadata": {"name": "hello", "namespace": "default"}}
    assert [each.key for each in compare(side(HELLO, there), side(here))] == [("there", "hello")]


VALUES: list[tuple[Any, Any, list[tuple[tuple[str, ...], Any, Any]]]] = [
    ({"a": 1}, {"a": 1}, []),
    ({"a": 1}, {"a": True}, [(("a",), 1, True)]),
    ({"a": "1"}, {"a": 1}, [(("a",), "1", 1)]),
    (
        {"a": 1, "b": 2, "c": 3},
        {"d": 4},
        [(("a",), 1, ABSENT), (("b",), 2, ABSENT), (("c",), 3, ABSENT), (("d",), ABSENT, 4)],
    ),
    ({"__a": 1}, {"__a": 2}, [(("__a",), 1, 2)]),
    (
        [{"name": "a", "v": 1}],
        [{"name": "b"}, {"name": "a", "v": 2}],
        [(("[a]", "v"), 1, 2), (("[b]",), ABSENT, {"name": "b"})],
    ),
    ([1, 2], [1], [(("[1]",), 2, ABSENT)]),
    ({"a": {}}, {"a": {"b": [1]}}, [(("a",), {}, {"b": [1]})]),
    ([{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}], [((), ["a", "b"], ["b", "a"])]),
    ([{"name": ["a"]}], [{"name": ["b"]}], [(("[0]", "name", "[0]"), "a", "b")]),
]


@pytest.mark.parametrize(("old", "new", "expected"), VALUES)
def test_changes(old: Any, new: Any, expected: list[tuple[tuple[str, ...], Any, Any]]) -> None:
    """Values differ with their types, items of lists are found by name, and a new order is a change."""
    found = [(each.path, restored(each.old), restored(each.new)) for each in changes(old, new)]
    assert found == expected


def test_equal_texts_of_any_size_are_compared_in_linear_time() -> None:
    """Texts of many lines, which difflib compares in quadratic time, are one value."""
    old, new = ("\n".join(str(number % 90) for number in range(size)) for size in (60_000, 60_001))
    assert [each.path for each in changes({"a": old}, {"a": new})] == [("a",)]


def test_every_part_of_the_template_has_words() -> None:
    """A part that no row covers is named by its path."""
    change = Change(path=("spec", "template", "spec", "hostUsers"), old=ABSENT, new=False)
    assert reasons([change]) == ["spec.hostUsers"]
    assert reasons([Change(path=("spec", "replicas"), old=1, new=2)]) == []
    assert len({row.pattern for row in REASONS}) == len(REASONS)
