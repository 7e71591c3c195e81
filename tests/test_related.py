"""What is asked for beside the children, and what is made of it."""

import re
from typing import Any

import pytest
from cases import ROOT, UID, complete
from metacontroller import World

from hooks import cause, related
from hooks.config import Config
from hooks.function import Function
from hooks.protocol import SyncRequest

CONFIGS = Config.model_validate({"related": {"configs": True}})
NEITHER = Config.model_validate({"related": {"pods": False}})
ENV = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}


def function(**spec: Any) -> Function:
    return Function.model_validate(complete({"spec": spec}))


def request(objects: dict[str, dict[str, Any]], **spec: Any) -> SyncRequest:
    """Return a request with these Secrets: a name and what else there is to say of each."""
    secrets = {
        name: {"kind": "Secret", "metadata": {"name": name, "uid": "u"} | about.pop("metadata", {})} | about
        for name, about in objects.items()
    }
    raw = World(complete({"spec": spec})).request() | {"related": {"Secret.v1": secrets}}
    return SyncRequest.parse(raw)


def test_pods_are_found_by_the_functions_uid() -> None:
    """The rule depends on nothing that may change while the generation stays, since the answer is kept."""
    (rule,) = related.rules(function(), Config())
    assert rule["labelSelector"] == {"matchLabels": {"serverless.kyma-project.io/uuid": UID}}
    assert (rule["resource"], rule["namespace"]) == ("pods", "default")
    assert related.rules(function(), NEITHER) == []


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
    assert bool(related.rules(function(**spec), Config())) is asked


def test_only_named_objects_are_asked_for() -> None:
    """Secrets and ConfigMaps are asked for by name, each once, optional ones too."""
    spec = {
        "env": [ENV, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "db", "key": "user", "optional": True}}}],
        "envFrom": [{"configMapRef": {"name": "paint"}}, {"secretRef": {"name": "keys"}}],
        "secretMounts": [{"secretName": "certificates", "mountPath": "/certificates"}],
        "configMapMounts": [{"configMapName": "pages", "mountPath": "/pages"}],
    }
    rules = {rule["resource"]: rule.get("names") for rule in related.rules(function(**spec), CONFIGS)}
    assert rules == {"pods": None, "configmaps": ["pages", "paint"], "secrets": ["certificates", "db", "keys"]}


def test_what_is_missing_is_named() -> None:
    """A missing object and a missing key are told apart; an optional one may be missing."""
    env = [
        ENV,
        ENV | {"name": "B"},
        {"name": "C", "valueFrom": {"secretKeyRef": {"name": "o", "key": "k", "optional": True}}},
    ]
    assert related.missing(request({}, env=env[1:]), CONFIGS) == [
        "spec.env[0].valueFrom.secretKeyRef: Secret db does not exist"
    ]
    assert related.missing(request({"db": {"data": {"user": ""}}}, env=env[:1]), CONFIGS) == [
        "spec.env[0].valueFrom.secretKeyRef: Secret db has no key password"
    ]
    assert related.missing(request({"db": {"data": {"password": ""}}}, env=env), CONFIGS) == []
    assert related.missing(request({}, env=env), Config()) == []


def test_the_version_changes_with_the_objects() -> None:
    """The same objects give the same version, another resourceVersion another; without objects there is none."""

    def version(number: str, config: Config = CONFIGS, **spec: Any) -> str:
        about = {"metadata": {"name": "db", "uid": "u", "resourceVersion": number}, "data": {"password": ""}}
        asked = request({"db": about}, **spec)
        return related.configs_version(asked, config, related.missing(asked, config))

    assert version("1", env=[ENV]) == version("1", env=[ENV]) != version("2", env=[ENV])
    assert version("1") == version("1", Config(), env=[ENV]) == ""


def test_the_docs_know_every_reason() -> None:
    """docs/status.md has a row for each cause, in their order."""
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "status.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [reason for reason in rows if reason in cause.RANKS] == list(cause.RANKS)
