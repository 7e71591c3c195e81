"""The related objects that a sync needs, and the messages and version made from them."""

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


def missing(parsed: HookRequest, config: Config) -> list[str]:
    assert parsed.function is not None
    return references.missing(parsed.function, parsed, config)


def version(objects: dict[str, dict[str, Any]], config: Config = CONFIGS, **spec: Any) -> str:
    """Return the version for these Secrets and this spec."""
    parsed = request(objects, **spec)
    assert parsed.function is not None
    return references.referenced_data_version(parsed.function, parsed, config, missing(parsed, config))


def request(objects: dict[str, dict[str, Any]], **spec: Any) -> HookRequest:
    """Return a request with these Secrets, by name; each value is merged into its object."""
    secrets = {
        name: {"kind": "Secret", "metadata": {"name": name, "uid": "u"} | about.pop("metadata", {})} | about
        for name, about in objects.items()
    }
    raw = World(complete({"spec": spec})).request() | {"related": {"Secret.v1": secrets}}
    return HookRequest.parse(raw)


def test_pods_are_found_by_the_functions_uid() -> None:
    """The rule depends only on the spec and UID, since Metacontroller caches it for a generation."""
    (rule,) = related_rules(function(), Config())
    assert rule["labelSelector"] == {"matchLabels": {"serverless.kyma-project.io/uuid": UID}}
    assert (rule["resource"], rule["namespace"]) == ("pods", "default")
    assert related_rules(function(), NEITHER) == []


@pytest.mark.parametrize(
    ("spec", "requested"),
    [
        ({"replicas": 80}, True),
        ({"replicas": 200}, False),
        ({"scaleConfig": {"minReplicas": 1, "maxReplicas": 200}}, False),
        ({"replicas": 5, "source": {"inline": {"source": "x" * 200_000}}}, True),
        ({"replicas": 8, "source": {"inline": {"source": "x" * 200_000}}}, False),
    ],
)
def test_pods_above_the_size_limit_are_not_requested(spec: dict[str, Any], requested: bool) -> None:
    """Each pod contains the source, so many large pods would not fit into one request."""
    assert bool(related_rules(function(**spec), Config())) is requested


def test_only_referenced_objects_are_requested() -> None:
    """Secrets and ConfigMaps are requested by name, each once, optional ones too."""
    spec = {
        "env": [ENV, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "db", "key": "user", "optional": True}}}],
        "envFrom": [{"configMapRef": {"name": "paint"}}, {"secretRef": {"name": "keys"}}],
        "secretMounts": [{"secretName": "certificates", "mountPath": "/certificates"}],
        "configMapMounts": [{"configMapName": "pages", "mountPath": "/pages"}],
    }
    rules = {rule["resource"]: rule.get("names") for rule in related_rules(function(**spec), CONFIGS)}
    assert rules == {"pods": None, "configmaps": ["pages", "paint"], "secrets": ["certificates", "db", "keys"]}


def test_missing_references_are_reported() -> None:
    """A missing object and a missing key have different messages; an optional one has none."""
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
def test_the_version_depends_on_the_used_data(spec: dict[str, Any]) -> None:
    """New metadata, or a new object with the same data, does not change the version."""
    before = version({"db": SECRET}, **spec)
    assert re.fullmatch("[0-9a-f]{16}", before)
    metadata = {"name": "db", "uid": "new", "resourceVersion": "9", "labels": {"a": "b"}, "annotations": {"c": "d"}}
    assert version({"db": SECRET | {"metadata": metadata}}, **spec) == before
    assert version({"db": {"data": dict(reversed(SECRET["data"].items()))}}, **spec) == before
    assert version({"db": {"data": SECRET["data"] | {"password": "Yw=="}}}, **spec) != before
    assert version({"db": SECRET}, Config(), **spec) == ""


def test_only_referenced_keys_count() -> None:
    """A change of another key changes the version only if the Function references the whole object."""
    other = {"data": SECRET["data"] | {"user": "Yw=="}}
    assert version({"db": SECRET}, env=[ENV]) == version({"db": other}, env=[ENV])
    assert version({"db": SECRET}, **USES[1]) != version({"db": other}, **USES[1])


def test_the_order_of_keys_does_not_count() -> None:
    """The same data in another order has the same version."""
    data = SECRET["data"] | {"user": "Yw=="}
    turned = dict(reversed(data.items()))
    assert list(turned) != list(data)
    assert version({"db": {"data": data}}, **USES[1]) == version({"db": {"data": turned}}, **USES[1])


def test_the_version_is_salted() -> None:
    """The same data has another version in another Function, and none without a reference."""
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
def test_malformed_objects_do_not_raise(odd: Any) -> None:
    """A malformed object counts as missing, or as one without the key."""
    raw = World(complete({"spec": {"env": [ENV]}})).request() | {"related": {"Secret.v1": {"db": odd}}}
    if isinstance(odd, dict):
        raw["related"]["Secret.v1"]["db"] = {"kind": "Secret", "metadata": {"name": "db"}} | odd
    parsed = HookRequest.parse(raw)
    assert parsed.function is not None
    assert isinstance(
        references.referenced_data_version(parsed.function, parsed, CONFIGS, missing(parsed, CONFIGS)), str
    )


@pytest.mark.parametrize("live", [None, 1, "x" * 100_000, "0123456789abcdeg", {"a": "b"}])
def test_a_malformed_live_version_is_not_kept(live: Any) -> None:
    """While an object is missing the live version is kept, if it has the format of a version."""
    parsed = request({}, env=[ENV])
    assert parsed.function is not None
    template = {"metadata": {"annotations": {"serverless.kyma-project.io/configs-version": live}}}
    parsed.observed["Deployment"] = {"spec": {"template": template}}
    assert references.referenced_data_version(parsed.function, parsed, CONFIGS, ["missing"]) == ""
    template["metadata"]["annotations"]["serverless.kyma-project.io/configs-version"] = "0123456789abcdef"
    assert references.referenced_data_version(parsed.function, parsed, CONFIGS, ["missing"]) == "0123456789abcdef"
