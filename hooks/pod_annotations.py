"""
The annotations of a pod that Kubernetes itself reads, and the values that it accepts.

Source: k8s.io/kubernetes pkg/apis/core/validation and pkg/registry/core/pod (1.36).
"""

import re
from collections.abc import Callable

from hooks import quantity

APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP = "container.seccomp.security.alpha.kubernetes.io/"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
BANDWIDTHS = ("kubernetes.io/egress-bandwidth", "kubernetes.io/ingress-bandwidth")
UNUSABLE = (
    "kubernetes.io/config.mirror",
    "pod.alpha.kubernetes.io/init-container-statuses",
    "pod.alpha.kubernetes.io/init-containers",
    "pod.beta.kubernetes.io/init-container-statuses",
    "pod.beta.kubernetes.io/init-containers",
    "scheduler.alpha.kubernetes.io/tolerations",
)
"""The API server refuses, drops or parses them; each has a field of its own or no use in a pod template."""

_LOCAL = re.compile(r"localhost/[!-~]([ -~]*[!-~])?")
_DELETION_COST = re.compile(r"0|-?[1-9][0-9]{0,9}|-0[0-9]{0,9}")


def annotation_fault(key: str, value: str) -> str:
    """Return why Kubernetes refuses this annotation of a pod whose container is `function`, or ""."""
    faults = (words.format(key=key) for is_read, accepts, words in _READ if is_read(key) and not accepts(value))
    return next(faults, "")


def is_seccomp_key(key: str) -> bool:
    """Return whether an annotation of this key names a seccomp profile."""
    return key == SECCOMP_POD or key.startswith(SECCOMP)


def _is_deletion_cost(value: str) -> bool:
    return bool(_DELETION_COST.fullmatch(value)) and -(2**31) <= int(value) < 2**31


def _is_bandwidth(value: str) -> bool:
    """Return whether a network plugin can limit traffic to this; with another value no node starts the pod."""
    try:
        return 10**3 <= quantity.parse(value) <= 10**15
    except ValueError:
        return False


def _is_apparmor_profile(value: str) -> bool:
    return value in ("", "runtime/default", "unconfined") or bool(_LOCAL.fullmatch(value))


def _is_seccomp_profile(value: str) -> bool:
    path = value.removeprefix("localhost/")
    is_local = path != value and not path.startswith("/") and ".." not in path.split("/")
    return is_local or value in ("runtime/default", "docker/default", "unconfined")


def _is_of_other_container(key: str) -> bool:
    return key.startswith(APPARMOR) and key != f"{APPARMOR}function"


_READ: tuple[tuple[Callable[[str], bool], Callable[[str], bool], str], ...] = (
    (UNUSABLE.__contains__, lambda _: False, "'{key}' must not be set in a pod template"),
    (DELETION_COST.__eq__, _is_deletion_cost, "'{key}' must be a 32 bit integer"),
    (BANDWIDTHS.__contains__, _is_bandwidth, "'{key}' must be a quantity from 1k to 1P"),
    (_is_of_other_container, lambda _: False, f"a key that begins with {APPARMOR} must end with function"),
    (
        f"{APPARMOR}function".__eq__,
        _is_apparmor_profile,
        "'{key}' must be runtime/default, unconfined or localhost/<profile>",
    ),
    (
        is_seccomp_key,
        _is_seccomp_profile,
        "a seccomp profile must be runtime/default, docker/default, unconfined or localhost/<relative path>",
    ),
)
"""Which keys Kubernetes reads, which values it accepts for them, and the message for all other values."""
