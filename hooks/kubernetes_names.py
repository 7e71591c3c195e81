"""
What Kubernetes takes as a name: of objects, keys, resources, variables, images; and the annotations it reads itself.

Every function is linear in its input. The users' rules (rules/) and the operator's (config.py) share them.
Source: k8s.io/apimachinery pkg/util/validation, k8s.io/kubernetes pkg/apis/core/validation (1.36); for images
github.com/distribution/reference.
"""

import re
from collections.abc import Callable

from hooks import quantity

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL_SHAPE = re.compile(_LABEL)
_SUBDOMAIN_SHAPE = re.compile(_SUBDOMAIN)
_KEY = re.compile(rf"({_SUBDOMAIN}/)?{_NAME}")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_VARIABLE = re.compile(r"[ -<>-~]+")
_PATH = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?"
_REGISTRY = rf"({_HOST}(\.{_HOST})*|\[[0-9a-fA-F:]+\])(:[0-9]+)?"
_IMAGE = re.compile(
    rf"({_REGISTRY}/)?{_PATH}(/{_PATH})*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(@sha(256:[a-f0-9]{64}|384:[a-f0-9]{96}|512:[a-f0-9]{128}))?"
)
_LOCAL = re.compile(r"localhost/[!-~]([ -~]*[!-~])?")
_PAGE = re.compile(r"hugepages-([1-9][0-9]{0,3}[KMG]i)")
_MOST = 10**15
"""Amounts from here on are not looked at digit by digit: CEL could not either."""
_DELETION_COST = re.compile(r"0|-?[1-9][0-9]{0,9}|-0[0-9]{0,9}")

STANDARD_RESOURCES = ("cpu", "memory", "ephemeral-storage")
RESOURCE_SHAPE = (
    "must be cpu, memory, ephemeral-storage, hugepages-<size> or an extended resource such as example.com/gpu"
)
IMAGE_SHAPE = "must be an image reference: [registry/]name[:tag][@digest], the name in lower case"
KEY_SHAPE = "must be at most 63 of A-Z, a-z, 0-9, '-', '_', '.', after an optional DNS name and '/'"
VARIABLE_SHAPE = "must consist of printable ASCII characters other than '='"
CONFIG_KEY_SHAPE = "must consist of letters, digits, '-', '_' or '.', and be neither '.' nor begin with '..'"
SUBDOMAIN_SHAPE = "must be a DNS name: a-z, 0-9, '-' and '.', first and last a letter or digit"

APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP = "container.seccomp.security.alpha.kubernetes.io/"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
BANDWIDTHS = ("kubernetes.io/egress-bandwidth", "kubernetes.io/ingress-bandwidth")
UNUSABLE_ANNOTATIONS = (
    "kubernetes.io/config.mirror",
    "pod.alpha.kubernetes.io/init-container-statuses",
    "pod.alpha.kubernetes.io/init-containers",
    "pod.beta.kubernetes.io/init-container-statuses",
    "pod.beta.kubernetes.io/init-containers",
    "scheduler.alpha.kubernetes.io/tolerations",
)
"""The API server refuses, drops or parses them; each has a field of its own or no use in a pod template."""


def is_dns_label(text: str) -> bool:
    """Tell whether this names a container, a volume or a namespace."""
    return len(text) <= 63 and bool(_LABEL_SHAPE.fullmatch(text))


def is_object_name(text: str) -> bool:
    """Tell whether this names a Secret, a ConfigMap or a ServiceAccount: an RFC 1123 subdomain."""
    return len(text) <= 253 and bool(_SUBDOMAIN_SHAPE.fullmatch(text))


def is_key(text: str) -> bool:
    """Tell whether this is the key of a label; of an annotation, if it is so in lower case."""
    return text.find("/") <= 253 and bool(_KEY.fullmatch(text))


def is_annotation_key(text: str) -> bool:
    """Tell whether this is the key of an annotation, at which Kubernetes looks in lower case."""
    return text.isascii() and is_key(text.lower())


def is_label_value(text: str) -> bool:
    return len(text) <= 63 and bool(_LABEL_VALUE.fullmatch(text))


def is_config_key(text: str) -> bool:
    """Tell whether this is a key in a ConfigMap or a Secret."""
    return len(text) <= 253 and bool(_CONFIG_KEY.fullmatch(text)) and text != "." and not text.startswith("..")


def is_variable_name(text: str) -> bool:
    """Tell whether this names an environment variable, or begins the names of an envFrom."""
    return bool(_VARIABLE.fullmatch(text))


def is_image(text: str) -> bool:
    """Tell whether a kubelet could pull this: any other text is InvalidImageName for ever."""
    return len(text.split("@", 1)[0]) <= 255 and bool(_IMAGE.fullmatch(text))


def is_overcommitted(resource: str) -> bool:
    """Tell whether a request of this resource may be below its limit."""
    is_native = "/" not in resource or "kubernetes.io/" in resource
    return is_native and not is_page(resource)


def is_page(resource: str) -> bool:
    """Tell whether these are huge pages, of a size as nodes write it."""
    return bool(_PAGE.fullmatch(resource))


def is_resource(name: str) -> bool:
    """Tell whether a container can ask for a resource of this name."""
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
        return ""  # another rule names it
    if (page := _PAGE.fullmatch(resource)) and (number >= _MOST or number % quantity.parse(page[1])):
        return "must be a multiple of its page size"
    if "/" in resource and not is_overcommitted(resource) and number < _MOST and number % 1:
        return "must be an integer"
    return ""


def is_deletion_cost(value: str) -> bool:
    return bool(_DELETION_COST.fullmatch(value)) and -(2**31) <= int(value) < 2**31


def is_bandwidth(value: str) -> bool:
    """Tell whether a network plugin can limit traffic to this; with another value no node starts the pod."""
    try:
        return 10**3 <= quantity.parse(value) <= 10**15
    except ValueError:
        return False


def is_profile(value: str) -> bool:
    """Tell whether an annotation's value names an AppArmor profile."""
    return value in ("", "runtime/default", "unconfined") or bool(_LOCAL.fullmatch(value))


def is_seccomp_key(key: str) -> bool:
    """Tell whether an annotation of this key names a seccomp profile."""
    return key == SECCOMP_POD or key.startswith(SECCOMP)


def is_seccomp_profile(value: str) -> bool:
    """Tell whether an annotation's value names a seccomp profile."""
    path = value.removeprefix("localhost/")
    is_local = path != value and not path.startswith("/") and ".." not in path.split("/")
    return is_local or value in ("runtime/default", "docker/default", "unconfined")


def _is_other_container(key: str) -> bool:
    return key.startswith(APPARMOR) and key != f"{APPARMOR}function"


_READ: tuple[tuple[Callable[[str], bool], Callable[[str], bool], str], ...] = (
    (UNUSABLE_ANNOTATIONS.__contains__, lambda _: False, "'{key}' must not be set in a pod template"),
    (DELETION_COST.__eq__, is_deletion_cost, "'{key}' must be a 32 bit integer"),
    (BANDWIDTHS.__contains__, is_bandwidth, "'{key}' must be a quantity from 1k to 1P"),
    (_is_other_container, lambda _: False, f"no container but 'function' can have a key that begins with {APPARMOR}"),
    (f"{APPARMOR}function".__eq__, is_profile, "{key} must be runtime/default, unconfined or localhost/<profile>"),
    (
        is_seccomp_key,
        is_seccomp_profile,
        "a seccomp profile must be runtime/default, docker/default, unconfined or localhost/<relative path>",
    ),
)
"""Of which keys, which values Kubernetes takes, and the words for all others."""


def annotation_fault(key: str, value: str) -> str:
    """Return why Kubernetes refuses this annotation of a pod whose container is `function`, or ""."""
    faults = (words.format(key=key) for is_read, fits, words in _READ if is_read(key) and not fits(value))
    return next(faults, "")
