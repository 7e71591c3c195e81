"""Every default in the house, one row each: what a Function says, and what it then is."""

from dataclasses import fields
from typing import Any

import pytest
from support.cases import complete, overlaid

from hooks.config import Config
from hooks.function import Function
from hooks.resolve import CONTAINER_SECURITY, POD_SECURITY, ResolvedFunction, Scale, resolve

Manifest = dict[str, Any]

OURS = Config(image_pull_secrets=("corp", "shared"), pod_annotations={"a": "operator", "b": "operator"})
SCALE = {"minReplicas": 2, "maxReplicas": 5}


def resolved(spec: Manifest, config: Config = OURS, observed: int | None = None) -> ResolvedFunction:
    parent = complete({"spec": {}})
    parent["spec"] = overlaid(parent["spec"], spec)
    return resolve(Function.model_validate(parent), config, observed)


ROWS: list[tuple[Manifest, str, Any]] = [
    ({}, "image", "ghcr.io/buildless-functions/runtime-nodejs22:0.1.0"),
    ({"runtimeImageOverride": " "}, "image", "ghcr.io/buildless-functions/runtime-nodejs22:0.1.0"),
    ({"runtimeImageOverride": " example.com/a:1 "}, "image", "example.com/a:1"),
    ({}, "runtime_deprecated", False),
    ({"runtime": "nodejs20"}, "runtime_deprecated", True),
    ({"source": {"inline": {"dependencies": " \n\t"}}}, "dependencies", ""),
    ({"source": {"inline": {"dependencies": " {}\n"}}}, "dependencies", " {}\n"),
    ({}, "replicas", 1),
    ({"replicas": 0}, "replicas", 0),
    ({}, "scale", None),
    ({"scaleConfig": SCALE}, "scale", Scale(min_replicas=2, max_replicas=5, cpu=50, memory=0)),
    (
        {"scaleConfig": SCALE | {"targetCPUUtilizationPercentage": 80, "targetMemoryUtilizationPercentage": 70}},
        "scale",
        Scale(min_replicas=2, max_replicas=5, cpu=80, memory=70),
    ),
    ({"scaleConfig": SCALE, "replicas": 0}, "scale", None),
    ({}, "service_account_name", "hello"),
    ({}, "own_service_account", True),
    ({}, "automount_service_account_token", False),
    ({"automountServiceAccountToken": True}, "automount_service_account_token", True),
    ({"serviceAccountName": "robot"}, "service_account_name", "robot"),
    ({"serviceAccountName": "robot"}, "own_service_account", False),
    ({"serviceAccountName": "robot"}, "automount_service_account_token", True),
    (
        {"serviceAccountName": "robot", "automountServiceAccountToken": False},
        "automount_service_account_token",
        False,
    ),
    ({}, "image_pull_secrets", ("corp", "shared")),
    ({"imagePullSecrets": [{"name": "mine"}, {"name": "shared"}]}, "image_pull_secrets", ("mine", "shared", "corp")),
    ({}, "pod_annotations", {"a": "operator", "b": "operator"}),
    ({"annotations": {"b": "user", "c": ""}}, "pod_annotations", {"a": "operator", "b": "user", "c": ""}),
    ({"annotations": {"b": "user"}}, "annotations", {"b": "user"}),
    ({}, "pod_security", POD_SECURITY),
    ({"podSecurityContext": {"runAsUser": 7, "sysctls": []}}, "pod_security", POD_SECURITY | {"runAsUser": 7}),
    (
        {"containerSecurityContext": {"readOnlyRootFilesystem": False}},
        "container_security",
        CONTAINER_SECURITY | {"readOnlyRootFilesystem": False},
    ),
    ({"env": [{"name": "A", "value": "", "valueFrom": None}]}, "env", ({"name": "A"},)),
    (
        {"tolerations": [{"key": "a", "value": "", "tolerationSeconds": 0}]},
        "tolerations",
        ({"key": "a", "tolerationSeconds": 0},),
    ),
    ({"tolerations": [{}]}, "tolerations", ()),
    (
        {"envFrom": [{"prefix": "", "secretRef": {"name": "s", "optional": False}}]},
        "env_from",
        ({"secretRef": {"name": "s", "optional": False}},),
    ),
    ({}, "priority_class_name", ""),
    ({}, "startup_timeout_seconds", 150),
]


@pytest.mark.parametrize(("spec", "field", "value"), ROWS, ids=[f"{row[1]}-{n}" for n, row in enumerate(ROWS)])
def test_defaults(spec: Manifest, field: str, value: Any) -> None:
    """What a Function leaves open is decided here, and what it says is kept."""
    assert getattr(resolved(spec), field) == value


@pytest.mark.parametrize(("observed", "replicas"), [(None, 2), (0, 2), (1, 1), (2, 2), (9, 9)])
def test_autoscaled_replicas_are_observed(observed: int | None, replicas: int) -> None:
    """An autoscaler's number is echoed whatever it is; minReplicas stands in where nothing runs."""
    assert resolved({"scaleConfig": SCALE}, observed=observed).replicas == replicas


@pytest.mark.parametrize("spec", [{}, {"replicas": 3}, {"replicas": 0, "scaleConfig": SCALE}])
def test_other_replicas_are_the_users(spec: Manifest) -> None:
    """Without an autoscaler at work, what is observed does not count."""
    assert resolved(spec, observed=7).replicas == spec.get("replicas", 1)


@pytest.mark.parametrize(("written", "canonical"), [("1024Ki", "1Mi"), (1, "1"), ("1000m", "1")])
def test_divisors_are_canonical(written: str | int, canonical: str) -> None:
    """A divisor is a quantity too: another spelling would be written on every sync."""
    reference = {"resource": "limits.memory", "divisor": written}
    (entry,) = resolved({"env": [{"name": "A", "valueFrom": {"resourceFieldRef": reference}}]}).env
    assert entry["valueFrom"]["resourceFieldRef"]["divisor"] == canonical


def test_mounts_keep_their_order() -> None:
    """Secrets come first, then ConfigMaps, each in the user's order."""
    spec = {
        "configMapMounts": [{"configMapName": "c", "mountPath": "/c"}],
        "secretMounts": [{"secretName": "b", "mountPath": "/b"}, {"secretName": "a", "mountPath": "/a"}],
    }
    assert [(mount.kind, mount.name) for mount in resolved(spec).mounts] == [
        ("secret", "b"),
        ("secret", "a"),
        ("configmap", "c"),
    ]


def test_no_gap_is_left() -> None:
    """Only a missing autoscaler is None: builders never have to ask."""
    smallest = resolved({}, Config())
    assert [field.name for field in fields(smallest) if getattr(smallest, field.name) is None] == ["scale"]
