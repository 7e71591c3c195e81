"""What Kubernetes takes as a name, row by row: the right column is what API server 1.36 and its kubelet say."""

import pytest

from hooks import kubernetes_names as names

IMAGES = {
    "nginx": True,
    "example.com/a:1": True,
    "localhost:5000/a/b_c__d-e--f.g:Tag_1.2-x": True,
    "[::1]:5000/a": True,
    "Example.com/a": True,
    "a@sha256:" + "0" * 64: True,
    "a:1@sha512:" + "0" * 128: True,
    "a/" * 100 + "b": True,
    "": False,
    "A": False,
    "example.com/A": False,
    "https://example.com/a": False,
    "example.com//a": False,
    "example.com/a/": False,
    "a b": False,
    "a:": False,
    "a:" + "x" * 129: False,
    "a@sha256:0": False,
    "a\n": False,
    "x" * 256: False,
}
RESOURCES = {
    "cpu": True,
    "memory": True,
    "ephemeral-storage": True,
    "hugepages-2Mi": True,
    "hugepages-0.5": False,
    "hugepages-2M": False,
    "hugepages-": False,
    "hugepages-x": False,
    "storage": False,
    "mem": False,
    "": False,
    "Foo Bar": False,
    "nvidia.com/gpu": True,
    "kubernetes.io/x": True,
    "requests.nvidia.com/gpu": False,
    "x" * 63 + "/a": True,
    ".".join(["x" * 60] * 4) + ".c/a": False,
}
AMOUNTS = [
    ("cpu", "250m", ""),
    ("cpu", "much", ""),
    ("nvidia.com/gpu", "1500m", "must be an integer"),
    ("nvidia.com/gpu", 2, ""),
    ("example.kubernetes.io/x", "500m", ""),
    ("hugepages-2Mi", "4Mi", ""),
    ("hugepages-2Mi", 0, ""),
    ("hugepages-2Mi", "3Mi", "must be a multiple of its page size"),
]
ANNOTATIONS = [
    ("example.com/a", "x", ""),
    ("kubernetes.io/config.mirror", "x", "must not be set"),
    ("scheduler.alpha.kubernetes.io/tolerations", "[]", "must not be set"),
    (names.DELETION_COST, "-5", ""),
    (names.DELETION_COST, "0", ""),
    (names.DELETION_COST, "+5", "integer"),
    (names.DELETION_COST, "008", "integer"),
    (names.DELETION_COST, "2147483648", "integer"),
    (f"{names.APPARMOR}function", "runtime/default", ""),
    (f"{names.APPARMOR}function", "localhost/a", ""),
    (f"{names.APPARMOR}function", "", ""),
    (f"{names.APPARMOR}function", "localhost/", "must be runtime/default"),
    (f"{names.APPARMOR}function", "docker/default", "must be runtime/default"),
    (names.SECCOMP_POD, "docker/default", ""),
    (names.SECCOMP_POD, "Runtime", "a seccomp profile must be"),
    (f"{names.SECCOMP}app", "localhost/a/b.json", ""),
    (f"{names.SECCOMP}app", "localhost//a", "a seccomp profile must be"),
    (f"{names.SECCOMP}app", "localhost/a/..", "a seccomp profile must be"),
    (f"{names.APPARMOR}app", "runtime/default", "no container but 'function'"),
]


@pytest.mark.parametrize(("image", "fits"), IMAGES.items())
def test_images(image: str, fits: bool) -> None:
    """An image reference has a registry, a name in lower case, a tag and a digest; all but the name are optional."""
    assert names.is_image(image) == fits


@pytest.mark.parametrize(("name", "fits"), RESOURCES.items())
def test_resources(name: str, fits: bool) -> None:
    """A container asks for standard resources, huge pages and extended resources."""
    assert names.is_resource(name) == fits


@pytest.mark.parametrize(("resource", "amount", "fault"), AMOUNTS)
def test_amounts(resource: str, amount: str | int, fault: str) -> None:
    """Extended resources come whole, huge pages in pages."""
    assert names.amount_fault(resource, amount) == fault


@pytest.mark.parametrize(("key", "value", "fault"), ANNOTATIONS)
def test_annotations(key: str, value: str, fault: str) -> None:
    """Annotations that Kubernetes reads have a form of their own."""
    found = names.annotation_fault(key, value)
    assert fault in found
    assert bool(found) == bool(fault)


KINDS = {
    "label": names.is_dns_label,
    "object": names.is_object_name,
    "key": names.is_key,
    "value": names.is_label_value,
    "config": names.is_config_key,
    "variable": names.is_variable_name,
}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a", "label object key value config variable"),
        ("1", "label object key value config variable"),
        ("a.b-c", "object key value config variable"),
        ("A_b", "key value config variable"),
        ("a/b", "key variable"),
        ("a b", "variable"),
        ("a=b", ""),
        ("", "value"),
        (".", "variable"),
        ("..a", "variable"),
        ("a\n", ""),
        ("é", ""),
        ("a" * 64, "object config variable"),
        ("a" * 254, "variable"),
    ],
)
def test_names(text: str, fits: str) -> None:
    """Each kind of name has its own alphabet and length."""
    assert {kind for kind, test in KINDS.items() if test(text)} == set(fits.split())


def test_annotation_keys() -> None:
    """Kubernetes looks at an annotation's key in lower case; the Kelvin sign is no k."""
    assert names.is_annotation_key("EXAMPLE.com/A")
    assert not names.is_annotation_key("\u212a")
