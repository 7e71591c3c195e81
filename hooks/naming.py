"""
Every name, label and selector given to a child; nowhere else spells one.

A Deployment's selector can never change once it exists, so selector() may gain no key. Add to pod_labels() instead.
"""

from collections.abc import Mapping
from hashlib import sha256

from hooks.manifest import Manifest
from hooks.resolve import ResolvedFunction

PREFIX = "serverless.kyma-project.io/"
CONFIGS_VERSION = f"{PREFIX}configs-version"
"""The pod annotation that changes with the Secrets and ConfigMaps that a Function names."""
FUNCTION = "function"
"""The container in which the handler runs."""
INSTALL = "install-dependencies"
"""The container that installs packages before the Function's own starts."""
CONTROLLER_UID = "controller-uid"
"""Metacontroller's own label on every child: a wrong value aborts the whole sync, so we never send one."""


def child(function: ResolvedFunction) -> Manifest:
    """Return the metadata of every child of a Function."""
    return of_child(function.name, function.uid, function.own_labels)


def of_child(name: str, uid: str, own_labels: Mapping[str, str]) -> Manifest:
    """Return the metadata of every child: the Function's name, its own labels below the internal ones."""
    own = {key: value for key, value in own_labels.items() if key != CONTROLLER_UID}
    return {"name": name, "labels": own | internal_labels(name, uid)}


def internal_labels(name: str, uid: str) -> dict[str, str]:
    """Return the three labels by which others find a Function's children."""
    return {
        f"{PREFIX}function-name": name,
        f"{PREFIX}managed-by": "function-controller",
        f"{PREFIX}uuid": uid,
    }


def of_uid(uid: str) -> dict[str, str]:
    """Return the label by which a Function's pods are found when nothing but its UID is known."""
    return {f"{PREFIX}uuid": uid}


def selector(function: ResolvedFunction) -> dict[str, str]:
    """Return the four labels that select a Function's pods; API gateways and dashboards count on exactly these."""
    return internal_labels(function.name, function.uid) | {f"{PREFIX}resource": "deployment"}


def selector_text(function: ResolvedFunction) -> str:
    """Return the selector in kubectl's notation, for the scale subresource."""
    return ",".join(f"{key}={value}" for key, value in sorted(selector(function).items()))


def pod_labels(function: ResolvedFunction) -> dict[str, str]:
    """Return the pods' labels: the user's, below the selector, below the recommended name label."""
    return {**function.labels, **selector(function), "app.kubernetes.io/name": function.name}


def pod_annotations(function: ResolvedFunction) -> dict[str, str]:
    """Return the pods' annotations: the user's, below what has to roll the pods."""
    version = {CONFIGS_VERSION: function.configs_version} if function.configs_version else {}
    return {**function.pod_annotations, **version}


def deployment_reference(function: ResolvedFunction) -> Manifest:
    """Return the reference by which an autoscaler names its target."""
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": function.name}


def volume(kind: str, name: str) -> str:
    """Return a volume name for a mounted object: any name a user may give fits, none meets one of ours."""
    return f"{kind}-{sha256(name.encode()).hexdigest()[:16]}"
