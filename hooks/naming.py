"""
Every name, label, selector, annotation key and port of a Function's objects.

A Deployment's selector is immutable, so selector() may never gain a key. Add to pod_labels() instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from hooks.manifest import Manifest

GROUP = "serverless.kyma-project.io"
"""The API group of Functions."""
PREFIX = f"{GROUP}/"
"""Prefix of the hook's labels and annotations; a Function must not set keys with it."""
CONFIGS_VERSION = f"{PREFIX}configs-version"
"""Pod annotation that changes with the data of the Secrets and ConfigMaps that a Function references."""
MISSING_TAG = f"{PREFIX}missing-tag"
"""Annotation of a child GitRepository: the name of the tag that was not found (flux.missing_tag)."""
REQUESTED_AT = "reconcile.fluxcd.io/requestedAt"
"""Annotation with which a user makes Flux fetch at once: that of a Function is passed on to its GitRepository."""
CONTROLLER_UID = "controller-uid"
"""Label that Metacontroller sets on every child. A wrong value aborts the whole sync, so the hook never sends one."""
MAIN_CONTAINER = "function"
"""The container that runs the handler."""
INSTALL_CONTAINER = "install-dependencies"
"""The init container that installs packages."""
FETCH_CONTAINER = "fetch-source"
"""The init container that downloads and unpacks a source."""
PORT = 8080
"""The port on which the runtime's server listens."""
SOURCES_VOLUME = "sources"
TMP_VOLUME = "tmp"
REGISTRY_CONFIG_VOLUME = "package-registry-config"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The Function object that owns the children; `labels` are the labels of that object, not those of its pods."""

    name: str
    namespace: str
    uid: str
    labels: Mapping[str, str]


def child_metadata(identity: Identity) -> Manifest:
    """Return the metadata of every child: the Function's name and labels; the internal labels take precedence."""
    own = {key: value for key, value in identity.labels.items() if key != CONTROLLER_UID}
    return {"name": identity.name, "labels": own | internal_labels(identity)}


def is_child_annotation(key: str) -> bool:
    """Return whether the hook sets this annotation on a child."""
    return key in (MISSING_TAG, REQUESTED_AT)


def internal_labels(identity: Identity) -> dict[str, str]:
    """Return the three labels by which other components find a Function's children."""
    return {
        f"{PREFIX}function-name": identity.name,
        f"{PREFIX}managed-by": "function-controller",
        **uid_label(identity.uid),
    }


def uid_label(uid: str) -> dict[str, str]:
    """Return the label that selects all objects of the Function with this UID."""
    return {f"{PREFIX}uuid": uid}


def selector(identity: Identity) -> dict[str, str]:
    """Return the four labels that select a Function's pods; API gateways and dashboards rely on exactly these."""
    return internal_labels(identity) | {f"{PREFIX}resource": "deployment"}


def selector_text(identity: Identity) -> str:
    """Return the selector in kubectl's notation, for the scale subresource."""
    return ",".join(f"{key}={value}" for key, value in sorted(selector(identity).items()))


def pod_labels(identity: Identity, own: Mapping[str, str]) -> dict[str, str]:
    """Return the pods' labels: the user's `own`, then the selector and the recommended name label."""
    return {**own, **selector(identity), "app.kubernetes.io/name": identity.name}


def deployment_reference(identity: Identity) -> Manifest:
    """Return the reference by which an autoscaler names its target."""
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": identity.name}


def mount_volume(kind: str, name: str) -> str:
    """Return the volume name for a mounted object of any name: at most 63 characters, and unlike any volume above."""
    return f"{kind}-{sha256(name.encode()).hexdigest()[:16]}"
