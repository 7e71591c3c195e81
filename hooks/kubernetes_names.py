"""
The names that Kubernetes accepts: of objects, keys, resources, variables and images.

Every function is linear in its input. The rules for Functions (rules/) and for the operator's config share them.
Source: k8s.io/apimachinery pkg/util/validation, k8s.io/kubernetes pkg/apis/core/validation (1.36); for images
github.com/distribution/reference.
"""

import re

from hooks import quantity

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_OBJECT_NAME = re.compile(_SUBDOMAIN)
_KEY = re.compile(rf"({_SUBDOMAIN}/)?{_NAME}")
_VARIABLE = re.compile(r"[ -<>-~]+")
_PATH = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?"
_REGISTRY = rf"({_HOST}(\.{_HOST})*|\[[0-9a-fA-F:]+\])(:[0-9]+)?"
_IMAGE = re.compile(
    rf"({_REGISTRY}/)?{_PATH}(/{_PATH})*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(@sha(256:[a-f0-9]{64}|384:[a-f0-9]{96}|512:[a-f0-9]{128}))?"
)
_PAGE = re.compile(r"hugepages-([1-9][0-9]{0,3}[KMG]i)")
_LARGEST_EXACT = 10**15
"""Larger amounts are not checked for being integers: CEL, which the CRD uses, has only floats for them."""

STANDARD_RESOURCES = ("cpu", "memory", "ephemeral-storage")
RESOURCE_SHAPE = (
    "must be cpu, memory, ephemeral-storage, hugepages-<size> or an extended resource such as example.com/gpu"
)
IMAGE_SHAPE = "must be an image reference: [registry/]name[:tag][@digest], with the name in lower case"
KEY_SHAPE = "must be at most 63 letters, digits, '-', '_' or '.', after an optional DNS name and '/'"
VARIABLE_SHAPE = "must consist of printable ASCII characters other than '='"
SUBDOMAIN_SHAPE = "must be a DNS name: a-z, 0-9, '-' and '.', first and last a letter or digit"


def is_object_name(text: str) -> bool:
    """Return whether this can name a Secret, a ConfigMap or a ServiceAccount: an RFC 1123 subdomain."""
    return len(text) <= 253 and bool(_OBJECT_NAME.fullmatch(text))


def is_key(text: str) -> bool:
    """Return whether this can be the key of a label."""
    return text.find("/") <= 253 and bool(_KEY.fullmatch(text))


def is_annotation_key(text: str) -> bool:
    """Return whether this can be the key of an annotation, which Kubernetes validates in lower case."""
    return text.isascii() and is_key(text.lower())


def is_variable_name(text: str) -> bool:
    """Return whether this can be the name of an environment variable, or a prefix of envFrom."""
    return bool(_VARIABLE.fullmatch(text))


def is_image(text: str) -> bool:
    """Return whether a kubelet can parse this image; with any other a pod stays in InvalidImageName."""
    return len(text.split("@", 1)[0]) <= 255 and bool(_IMAGE.fullmatch(text))


def is_overcommitted(resource: str) -> bool:
    """Return whether a request of this resource may be below its limit."""
    is_native = "/" not in resource or "kubernetes.io/" in resource
    return is_native and not is_page(resource)


def is_page(resource: str) -> bool:
    """Return whether this resource is huge pages, with the size spelled as nodes spell it."""
    return bool(_PAGE.fullmatch(resource))


def is_resource(name: str) -> bool:
    """Return whether a container can request a resource of this name."""
    if not is_key(name):
        return False
    if "/" not in name:
        return name in STANDARD_RESOURCES or is_page(name)
    return "kubernetes.io/" in name or not (name.startswith("requests.") or name.find("/") > 244)


def amount_fault(resource: str, amount: str | int) -> str:
    """Return what is wrong with an amount of a resource, in the API server's words; "" if nothing is."""
    try:
        number = quantity.parse(amount)
    except ValueError:
        return ""  # another rule reports it
    if (page := _PAGE.fullmatch(resource)) and (number >= _LARGEST_EXACT or number % quantity.parse(page[1])):
        return "must be a multiple of its page size"
    if "/" in resource and not is_overcommitted(resource) and number < _LARGEST_EXACT and number % 1:
        return "must be an integer"
    return ""
