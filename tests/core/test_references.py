"""What is asked for beside the children, and what is made of it."""

import re
from typing import Any

import pytest
from support.cases import UID, complete
from support.offline_metacontroller import World

from hooks import references
from hooks.config import Config
from hooks.customize import related_rules
from hooks.function import Function
from hooks.protocol import HookRequest

CONFIGS = Config.model_validate({"related": {"configs": True}})
NEITHER = Config.model_validate({"related": {"pods": False}})
ENV = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}


def function(**spec: Any) -> Function:
    return Function.model_validate(complete({"spec": spec}))


def missing(asked: HookRequest, config: Config) -> list[str]:
    assert asked.function is not None
    return references.missing(asked.function, asked, config)


def version(objects: dict[str, dict[str, Any]], config: Config = CONFIGS, **spec: Any) -> str:
    """Return the version that pods with these Secrets and this spec have."""
    asked = request(objects, **spec)
    assert asked.function is not None
    return references.referenced_data_version(asked.function, asked, config, missing(asked, config))


def request(objects: dict[str, dict[str, Any]], **spec: Any) -> HookRequest:
    """Return a request with these Secrets: a name and what else there is to say of each."""
    secrets = {
        name: {"kind": "Secret", "metadata": {"name": name, "uid": "u"} | about.pop("metadata", {})} | about
        for name, about in objects.items()
    }
    raw = World(complete({"spec": spec})).request() | {"related": {"Secret.v1": secrets}}
    return HookRequest.parse(raw)


def test_pods_are_found_by_the_functions_uid() -> None:
    """The rule depends on nothing that may change while the generation stays, since the answer is kept."""
    (rule,) = related_rules(function(), Config())
    assert rule["labelSelector"] == {"matchLabels": {"serverless.kyma-project.io/uuid": UID}}
    assert (rule["resource"], rule["namespace"]) == ("pods", "default")
    assert related_rules(function(), NEITHER) == []


@pytest.mark.parametrize(
    ("spec", "asked"),
    [
        ({"replicas": 80}, True),
        ({"replicas": 200}, False),
        ({"scaleConfig": {"minReplicas": 1, "maxReplicas": 200}}, False),
        ({"replicas": 5, "source": {"inline": {"source": "x" * 200_000}}}, True),
        ({"replicas": 8, "source": {"inline": {"source": "x" * 200_000}}}, False),
    ],
)
def test_pods_that_weigh_too_much_are_not_asked_for(spec: dict[str, Any], asked: bool) -> None:
    """Each pod carries the source: many large ones would not fit into one request."""
    assert bool(related_rules(function(**spec), Config())) is asked


def test_only_named_objects_are_asked_for() -> None:
    """Secrets and ConfigMaps are asked for by name, each once, optional ones too."""
    spec = {
        "env": [ENV, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "db", "key": "user", "optional": True}}}],
        "envFrom": [{"configMapRef": {"name": "paint"}}, {"secretRef": {"name": "keys"}}],
        "secretMounts": [{"secretName": "certificates", "mountPath": "/certificates"}],
        "configMapMounts": [{"configMapName": "pages", "mountPath": "/pages"}],
    }
    rules = {rule["resource"]: rule.get("names") for rule in related_rules(function(**spec), CONFIGS)}
    assert rules == {"pods": None, "configmaps": ["pages", "paint"], "secrets": ["certificates", "db", "keys"]}


def test_what_is_missing_is_named() -> None:
    """A missing object and a missing key are told apart; an optional one may be missing."""
    env = [
        ENV,
        ENV | {"name": "B"},
        {"name": "C", "valueFrom": {"secretKeyRef": {"name": "o", "key": "k", "optional": True}}},
    ]
    assert missing(request({}, env=env[1:]), CONFIGS) == [
        "spec.env[0].valueFrom.secretKeyRef: Secret db does not exist"
    ]
    assert missing(request({"db": {"data": {"user": ""}}}, env=env[:1]), CONFIGS) == [
        "spec.env[0].valueFrom.secretKeyRef: Secret db has no key password"
    ]
    assert missing(request({"db": {"data": {"password": ""}}}, env=env), CONFIGS) == []
    assert missing(request({}, env=env), Config()) == []


SECRET = {"data": {"password": "YQ==", "user": "Yg=="}}
USES: list[dict[str, Any]] = [
    {"env": [ENV]},
    {"envFrom": [{"secretRef": {"name": "db"}}]},
    {"secretMounts": [{"secretName": "db", "mountPath": "/db"}]},
]


@pytest.mark.parametrize("spec", USES)
def test_the_version_is_of_the_data_that_is_used(spec: dict[str, Any]) -> None:
    """Other metadata, as a rotated encryption key or a label brings, or a new object of the same data rolls nothing."""
    before = version({"db": SECRET}, **spec)
    assert re.fullmatch("[0-9a-f]{16}", before)
    metadata = {"name": "db", "uid": "new", "resourceVersion": "9", "labels": {"a": "b"}, "annotations": {"c": "d"}}
    assert version({"db": SECRET | {"metadata": metadata}}, **spec) == before
    assert version({"db": {"data": SECRET["data"] | {"password": "Yw=="}}}, **spec) != before
    assert version({"db": SECRET}, Config(), **spec) == ""


def test_only_named_keys_count() -> None:
    """A key that the Function does not use is nothing to its pods; one that it gets all of is."""
    other = {"data": SECRET["data"] | {"user": "Yw=="}}
    assert version({"db": SECRET}, env=[ENV]) == version({"db": other}, env=[ENV])
    assert version({"db": SECRET}, **USES[1]) != version({"db": other}, **USES[1])


def test_the_version_tells_nothing_of_the_data() -> None:
    """The same data has another version in another Function, and none where no object is named."""
    one, other = request({"db": SECRET}, env=[ENV]), request({"db": SECRET}, env=[ENV])
    assert one.function
    assert other.function
    renamed = other.function.model_copy(update={"metadata": other.metadata.model_copy(update={"uid": "other"})})
    assert references.referenced_data_version(one.function, one, CONFIGS, []) != references.referenced_data_version(
        renamed, other, CONFIGS, []
    )
    assert version({"db": SECRET}) == ""


ODD: list[Any] = [None, [], "x", 1, {}, {"data": "x"}, {"data": {"password": 1}}, {"data": {"password": None}}]


@pytest.mark.parametrize("odd", ODD)
def test_odd_objects_are_no_error(odd: Any) -> None:
    """An object of another shape than the API server's is missing, or has no such key."""
    raw = World(complete({"spec": {"env": [ENV]}})).request() | {"related": {"Secret.v1": {"db": odd}}}
    if isinstance(odd, dict):
        raw["related"]["Secret.v1"]["db"] = {"kind": "Secret", "metadata": {"name": "db"}} | odd
    asked = HookRequest.parse(raw)
    assert asked.function is not None
    assert isinstance(references.referenced_data_version(asked.function, asked, CONFIGS, missing(asked, CONFIGS)), str)


@pytest.mark.parametrize("live", [None, 1, "x" * 100_000, "0123456789abcdeg", {"a": "b"}])
def test_a_forged_version_is_not_taken_over(live: Any) -> None:
    """While an object is missing the live version stays, if it is one."""
    asked = request({}, env=[ENV])
    assert asked.function is not None
    template = {"metadata": {"annotations": {"serverless.kyma-project.io/configs-version": live}}}
    asked.observed["Deployment"] = {"spec": {"template": template}}
    assert references.referenced_data_version(asked.function, asked, CONFIGS, ["missing"]) == ""
    template["metadata"]["annotations"]["serverless.kyma-project.io/configs-version"] = "0123456789abcdef"
    assert references.referenced_data_version(asked.function, asked, CONFIGS, ["missing"]) == "0123456789abcdef"
