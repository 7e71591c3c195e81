"""Every default of resolve(), one row each: a spec, and a field of the resolved Function."""

from collections import Counter
from dataclasses import fields, is_dataclass
from operator import attrgetter
from typing import Any

import pytest
from support.cases import complete, overlaid

from hooks.config import Config
from hooks.function import Function
from hooks.resolve import CONTAINER_SECURITY, POD_SECURITY, resolve
from hooks.resolved import Autoscaling, ResolvedFunction

Manifest = dict[str, Any]

OURS = Config(image_pull_secrets=("corp", "shared"), pod_annotations={"a": "operator", "b": "operator"})
SCALE = {"minReplicas": 2, "maxReplicas": 5}


def resolved(spec: Manifest, config: Config = OURS, observed: int | None = None) -> ResolvedFunction:
    parent = complete({"spec": {}})
    parent["spec"] = overlaid(parent["spec"], spec)
    return resolve(Function.model_validate(parent), config, observed_replicas=observed)


ROWS: list[tuple[Manifest, str, Any]] = [
    ({}, "source.image", "ghcr.io/buildless-functions/runtime-nodejs22:0.1.0"),
    ({"runtimeImageOverride": " "}, "source.image", "ghcr.io/buildless-functions/runtime-nodejs22:0.1.0"),
    ({"runtimeImageOverride": " example.com/a:1 "}, "source.image", "example.com/a:1"),
    ({}, "source.is_deprecated", False),
    ({"runtime": "nodejs20"}, "source.is_deprecated", True),
    ({}, "install", None),
    ({"source": {"inline": {"dependencies": " \n\t"}}}, "install", None),
    ({"source": {"inline": {"dependencies": " {}\n"}}}, "install.dependencies", " {}\n"),
    ({}, "scaling.replicas", 1),
    ({"replicas": 0}, "scaling.replicas", 0),
    ({}, "scaling.autoscaling", None),
    ({"scaleConfig": SCALE}, "scaling.autoscaling", Autoscaling(min_replicas=2, max_replicas=5, cpu=50, memory=0)),
    (
        {"scaleConfig": SCALE | {"targetCPUUtilizationPercentage": 80, "targetMemoryUtilizationPercentage": 70}},
        "scaling.autoscaling",
        Autoscaling(min_replicas=2, max_replicas=5, cpu=80, memory=70),
    ),
    ({"scaleConfig": SCALE, "replicas": 0}, "scaling.autoscaling", None),
    ({}, "pod.service_account_name", "hello"),
    ({}, "pod.has_own_account", True),
    ({}, "pod.automounts_token", False),
    ({"automountServiceAccountToken": True}, "pod.automounts_token", True),
    ({"serviceAccountName": "robot"}, "pod.service_account_name", "robot"),
    ({"serviceAccountName": "robot"}, "pod.has_own_account", False),
    ({"serviceAccountName": "robot"}, "pod.automounts_token", True),
    (
        {"serviceAccountName": "robot", "automountServiceAccountToken": False},
        "pod.automounts_token",
        False,
    ),
    ({}, "pod.image_pull_secrets", ("corp", "shared")),
    (
        {"imagePullSecrets": [{"name": "mine"}, {"name": "shared"}]},
        "pod.image_pull_secrets",
        ("mine", "shared", "corp"),
    ),
    ({}, "pod.annotations", {"a": "operator", "b": "operator"}),
    ({"annotations": {"b": "user", "c": ""}}, "pod.annotations", {"a": "operator", "b": "user", "c": ""}),
    ({"annotations": {"b": "user"}}, "pod.user_annotations", {"b": "user"}),
    ({}, "pod.pod_security", POD_SECURITY),
    ({"podSecurityContext": {"runAsUser": 7, "sysctls": []}}, "pod.pod_security", POD_SECURITY | {"runAsUser": 7}),
    (
        {"containerSecurityContext": {"readOnlyRootFilesystem": False}},
        "pod.container_security",
        CONTAINER_SECURITY | {"readOnlyRootFilesystem": False},
    ),
    ({"env": [{"name": "A", "value": "", "valueFrom": None}]}, "pod.env", ({"name": "A"},)),
    (
        {"tolerations": [{"key": "a", "value": "", "tolerationSeconds": 0}]},
        "pod.tolerations",
        ({"key": "a", "tolerationSeconds": 0},),
    ),
    ({"tolerations": [{}]}, "pod.tolerations", ()),
    (
        {"envFrom": [{"prefix": "", "secretRef": {"name": "s", "optional": False}}]},
        "pod.env_from",
        ({"secretRef": {"name": "s", "optional": False}},),
    ),
    ({}, "pod.priority_class_name", ""),
    ({}, "pod.startup_timeout_seconds", 150),
]


@pytest.mark.parametrize(("spec", "field", "value"), ROWS, ids=[f"{row[1]}-{n}" for n, row in enumerate(ROWS)])
def test_defaults(spec: Manifest, field: str, value: Any) -> None:
    """A field that the spec omits has its default, and one that it sets keeps its value."""
    assert attrgetter(field)(resolved(spec)) == value


@pytest.mark.parametrize(("observed", "replicas"), [(None, 2), (0, 2), (1, 1), (2, 2), (9, 9)])
def test_autoscaled_replicas_are_observed(observed: int | None, replicas: int) -> None:
    """The autoscaler's number is kept; it is minReplicas while nothing runs."""
    assert resolved({"scaleConfig": SCALE}, observed=observed).scaling.replicas == replicas


@pytest.mark.parametrize("spec", [{}, {"replicas": 3}, {"replicas": 0, "scaleConfig": SCALE}])
def test_other_replicas_are_the_users(spec: Manifest) -> None:
    """Without an autoscaler the observed number is ignored."""
    assert resolved(spec, observed=7).scaling.replicas == spec.get("replicas", 1)


@pytest.mark.parametrize(("written", "canonical"), [("1024Ki", "1Mi"), (1, "1"), ("1000m", "1")])
def test_divisors_are_canonical(written: str | int, canonical: str) -> None:
    """A divisor is a quantity too: a non-canonical one would be written on every sync."""
    reference = {"resource": "limits.memory", "divisor": written}
    (entry,) = resolved({"env": [{"name": "A", "valueFrom": {"resourceFieldRef": reference}}]}).pod.env
    assert entry["valueFrom"]["resourceFieldRef"]["divisor"] == canonical


def test_mounts_keep_their_order() -> None:
    """Secrets come first, then ConfigMaps, each in the user's order."""
    spec = {
        "configMapMounts": [{"configMapName": "c", "mountPath": "/c"}],
        "secretMounts": [{"secretName": "b", "mountPath": "/b"}, {"secretName": "a", "mountPath": "/a"}],
    }
    assert [(mount.kind, mount.name) for mount in resolved(spec).pod.mounts] == [
        ("secret", "b"),
        ("secret", "a"),
        ("configmap", "c"),
    ]


def paths_of_none(value: Any, path: str = "") -> list[str]:
    """Return the path of each field that is None."""
    if not is_dataclass(value):
        return [path] if value is None else []
    return [
        found for field in fields(value) for found in paths_of_none(getattr(value, field.name), f"{path}.{field.name}")
    ]


def test_no_gap_is_left() -> None:
    """Only what a Function does not have is None, so builders need no defaults."""
    nothing = [".source.fetch", ".source.repository", ".scaling.autoscaling", ".install"]
    assert paths_of_none(resolved({}, Config())) == nothing


def test_no_field_is_held_twice() -> None:
    """Two names recur for different objects: labels of the Function and its pods, resources of the two containers."""
    groups = vars(resolved({"source": {"inline": {"dependencies": "{}"}}})).values()
    names = Counter(field.name for group in groups for field in fields(group))
    assert [name for name, count in names.items() if count > 1] == ["labels", "resources"]


def test_a_fetched_source_always_has_an_install_step() -> None:
    """Whether the source has a list of packages is known in the pod only."""
    repository = {"url": "https://example.com/a.git", "baseDir": "/", "reference": "main"}
    parent = complete({"spec": {}})
    parent["spec"]["source"] = {"gitRepository": repository}
    found = resolve(Function.model_validate(parent), Config())
    assert found.install is not None
    assert (found.install.dependencies, found.source.text) == ("", "")
    assert found.source.fetch is not None
    assert found.source.fetch.resources == found.install.resources
