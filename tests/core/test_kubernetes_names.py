"""The names that Kubernetes accepts; the expected values are those of API server 1.36 and its kubelet."""

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


@pytest.mark.parametrize(("image", "accepted"), IMAGES.items())
def test_images(image: str, accepted: bool) -> None:
    """An image reference has a registry, a name in lower case, a tag and a digest; all but the name are optional."""
    assert names.is_image(image) == accepted


@pytest.mark.parametrize(("name", "accepted"), RESOURCES.items())
def test_resources(name: str, accepted: bool) -> None:
    """A container can request standard resources, huge pages and extended resources."""
    assert names.is_resource(name) == accepted


@pytest.mark.parametrize(("resource", "amount", "fault"), AMOUNTS)
def test_amounts(resource: str, amount: str | int, fault: str) -> None:
    """Amounts of extended resources are integers, those of huge pages multiples of the page size."""
    assert names.amount_fault(resource, amount) == fault


KINDS = {
    "object": names.is_object_name,
    "key": names.is_key,
    "variable": names.is_variable_name,
}


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("a", "object key variable"),
        ("1", "object key variable"),
        ("a.b-c", "object key variable"),
        ("A_b", "key variable"),
        ("a/b", "key variable"),
        ("a b", "variable"),
        ("a=b", ""),
        ("", ""),
        (".", "variable"),
        ("a\n", ""),
        ("é", ""),
        ("a" * 64, "object variable"),
        ("a" * 254, "variable"),
    ],
)
def test_names(text: str, accepted: str) -> None:
    """Each kind of name has its own alphabet and length."""
    assert {kind for kind, test in KINDS.items() if test(text)} == set(accepted.split())


def test_annotation_keys() -> None:
    """Kubernetes validates an annotation's key in lower case, but only ASCII: the Kelvin sign is not a k."""
    assert names.is_annotation_key("EXAMPLE.com/A")
    assert not names.is_annotation_key("\u212a")
