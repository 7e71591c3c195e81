"""Rules for labels, annotations and nodeSelector: their keys, and the annotations that Kubernetes reads itself."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hooks.config import Config
from hooks.function import Function
from hooks.kubernetes_names import (
    APPARMOR,
    KEY_SHAPE,
    SECCOMP,
    SECCOMP_POD,
    UNUSABLE_ANNOTATIONS,
    annotation_fault,
    is_annotation_key,
    is_key,
    is_seccomp_key,
)
from hooks.naming import PREFIX
from hooks.rules import cel
from hooks.rules.violation import Cel, Rule, Violation, forbidden, invalid, rule

_RESERVED_ANNOTATION = "proxy.istio.io/config"
_READ = (
    *(f"!('{key}' in self)" for key in UNUSABLE_ANNOTATIONS),
    cel.deletion_cost("controller.kubernetes.io/pod-deletion-cost"),
    cel.bandwidth("kubernetes.io/egress-bandwidth"),
    cel.bandwidth("kubernetes.io/ingress-bandwidth"),
    f"self.all(key, !key.startsWith('{APPARMOR}') || key == '{APPARMOR}function')",
    cel.apparmor(f"{APPARMOR}function"),
    cel.SECCOMP,
)
_POD, _CONTAINER = "podSecurityContext", "containerSecurityContext"
_AGREE = (
    cel.agrees(f"{APPARMOR}function", "appArmorProfile", (_CONTAINER, _POD)),
    cel.agrees(f"{SECCOMP}function", "seccompProfile", (_CONTAINER,)),
    cel.agrees(f"{SECCOMP}install-dependencies", "seccompProfile", (_CONTAINER,)),
    cel.agrees(SECCOMP_POD, "seccompProfile", (_POD,), "{} in ['runtime/default', 'docker/default']"),
)
UNCONFINED_WORDS = 'must not be unconfined for Pod Security "restricted"'


@rule(
    "cel",
    "labels",
    "annotations",
    "node_selector",
    cel=[Cel(cel.KEYS, ["spec.labels", "spec.nodeSelector"]), Cel(cel.ANNOTATION_KEYS, ["spec.annotations"])],
)
def keys(function: Function, config: Config) -> Iterator[Violation]:
    """Keys of labels, annotations and nodeSelector are keys to Kubernetes."""
    spec = function.spec
    yield from _bad_keys("spec.labels", spec.labels, is_key)
    yield from _bad_keys("spec.annotations", spec.annotations, is_annotation_key)
    yield from _bad_keys("spec.nodeSelector", spec.node_selector, is_key)


@rule(
    "cel",
    "labels",
    "annotations",
    cel=[
        Cel(f"self.all(key, !key.startsWith('{PREFIX}'))", ["spec.labels", "spec.annotations"]),
        Cel(f"!('{_RESERVED_ANNOTATION}' in self)", ["spec.annotations"]),
    ],
)
def keys_reserved(function: Function, config: Config) -> Iterator[Violation]:
    """Labels and annotations do not take the place of ours."""
    spec = function.spec
    for field, given in (("spec.labels", spec.labels), ("spec.annotations", spec.annotations)):
        for key in sorted(given) if given else ():
            if key.startswith(PREFIX):
                yield invalid(field, f"no key may begin with {PREFIX}", key)
    if _RESERVED_ANNOTATION in (spec.annotations or ()):
        yield invalid("spec.annotations", f"'{_RESERVED_ANNOTATION}' is reserved")


@rule("cel", "annotations", cel=(Cel(expression, ["spec.annotations"]) for expression in _READ))
def annotations_read(function: Function, config: Config) -> Iterator[Violation]:
    """Annotations that Kubernetes reads are such as it takes in a pod template."""
    for key, value in sorted((function.spec.annotations or {}).items()):
        if fault := annotation_fault(key, value):
            yield invalid("spec.annotations", fault)


@rule("cel", "annotations", cel=(Cel(expression, ["spec"]) for expression in _AGREE))
def profiles_agree(function: Function, config: Config) -> Iterator[Violation]:
    """An annotation with a profile says the same as the security context that it stands for."""
    annotations = function.spec.annotations or {}
    for key, profile in _profiles(function):
        if key in annotations and profile and annotations[key] not in _written(profile):
            yield invalid("spec.annotations", f"'{key}' must be the profile of the security context")


@rule("policy", "annotations")
def confined(function: Function, config: Config) -> Iterator[Violation]:
    """Annotations ask for no profile that Pod Security "restricted" forbids, unless the operator allows it."""
    for key, value in sorted((function.spec.annotations or {}).items()):
        is_profile = key.startswith(APPARMOR) or is_seccomp_key(key)
        if is_profile and value == "unconfined" and not config.allow_unrestricted_security_context:
            yield forbidden("spec.annotations", f"{key} {UNCONFINED_WORDS}")


def _profiles(function: Function) -> Iterator[tuple[str, Any]]:
    """Yield each annotation that stands for a profile, with the profile in force where there is one."""
    pod, container = function.spec.pod_security_context or {}, function.spec.container_security_context or {}
    yield f"{APPARMOR}function", container.get("appArmorProfile") or pod.get("appArmorProfile")
    yield f"{SECCOMP}function", container.get("seccompProfile")
    yield f"{SECCOMP}install-dependencies", container.get("seccompProfile")
    yield SECCOMP_POD, pod.get("seccompProfile") or {"type": "RuntimeDefault"}


def _written(profile: Any) -> tuple[str, ...]:
    """Return the ways to write a profile into an annotation."""
    if profile["type"] == "Localhost":
        return (f"localhost/{profile.get('localhostProfile')}",)
    return ("unconfined",) if profile["type"] == "Unconfined" else ("runtime/default", "docker/default")


def _bad_keys(field: str, given: Mapping[str, str] | None, fits: Callable[[str], bool]) -> Iterator[Violation]:
    for key in sorted(given) if given else ():
        if not fits(key):
            yield invalid(field, KEY_SHAPE, key)


RULES: tuple[Rule, ...] = (keys, keys_reserved, annotations_read, profiles_agree, confined)
