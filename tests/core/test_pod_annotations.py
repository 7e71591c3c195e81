"""The annotations that Kubernetes reads; the expected values are those of API server 1.36 and its kubelet."""

import pytest

from hooks.pod_annotations import APPARMOR, DELETION_COST, SECCOMP, SECCOMP_POD, annotation_fault

ANNOTATIONS = [
    ("example.com/a", "x", ""),
    ("kubernetes.io/config.mirror", "x", "must not be set"),
    ("scheduler.alpha.kubernetes.io/tolerations", "[]", "must not be set"),
    (DELETION_COST, "-5", ""),
    (DELETION_COST, "0", ""),
    (DELETION_COST, "+5", "integer"),
    (DELETION_COST, "008", "integer"),
    (DELETION_COST, "2147483647", ""),
    (DELETION_COST, "2147483648", "integer"),
    (DELETION_COST, "-2147483648", ""),
    (DELETION_COST, "-2147483649", "integer"),
    (f"{APPARMOR}function", "runtime/default", ""),
    (f"{APPARMOR}function", "localhost/a", ""),
    (f"{APPARMOR}function", "", ""),
    (f"{APPARMOR}function", "localhost/", "must be runtime/default"),
    (f"{APPARMOR}function", "docker/default", "must be runtime/default"),
    (SECCOMP_POD, "docker/default", ""),
    (SECCOMP_POD, "Runtime", "a seccomp profile must be"),
    (f"{SECCOMP}app", "localhost/a/b.json", ""),
    (f"{SECCOMP}app", "localhost//a", "a seccomp profile must be"),
    (f"{SECCOMP}app", "localhost/a/..", "a seccomp profile must be"),
    (f"{APPARMOR}app", "runtime/default", "must end with function"),
]


@pytest.mark.parametrize(("key", "value", "fault"), ANNOTATIONS)
def test_annotations(key: str, value: str, fault: str) -> None:
    """An annotation that Kubernetes reads has a format of its own; any other may have any value."""
    found = annotation_fault(key, value)
    assert fault in found
    assert bool(found) == bool(fault)
