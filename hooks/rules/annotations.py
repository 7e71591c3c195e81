"""Rules for labels, annotations and nodeSelector: their keys, and the annotations that Kubernetes itself reads."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hooks.config import Config
from hooks.function import Function
from hooks.kubernetes_names import KEY_SHAPE, is_annotation_key, is_key
from hooks.naming import PREFIX
from hooks.pod_annotations import APPARMOR, SECCOMP, SECCOMP_POD, UNUSABLE, annotation_fault, is_seccomp_key
from hooks.rules import cel, policy
from hooks.rules.rule import Cel, rule
from hooks.rules.violation import Violation, forbidden, invalid

_RESERVED_ANNOTATION = "proxy.istio.io/config"
_ANNOTATIONS = "spec.annotations"
_READ = (
    *(f"!('{key}' in self)" for key in UNUSABLE),
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
_UNCONFINED = 'must not be unconfined: Pod Security "restricted" forbids it'


@rule(
    enforced_by="cel",
    reads=["labels", "annotations", "node_selector"],
    cel=[Cel(cel.KEYS, at=["spec.labels", "spec.nodeSelector"]), Cel(cel.ANNOTATION_KEYS, at=[_ANNOTATIONS])],
)
def metadata_keys(function: Function, config: Config) -> Iterator[Violation]:
    """Keys of labels, annotations and nodeSelector are keys that Kubernetes accepts."""
    spec = function.spec
    yield from _bad_keys("spec.labels", spec.labels, is_key)
    yield from _bad_keys(_ANNOTATIONS, spec.annotations, is_annotation_key)
    yield from _bad_keys("spec.nodeSelector", spec.node_selector, is_key)


@rule(
    enforced_by="cel",
    reads=["labels", "annotations"],
    cel=[
        Cel(f"self.all(key, !key.startsWith('{PREFIX}'))", at=["spec.labels", _ANNOTATIONS]),
        Cel(f"!('{_RESERVED_ANNOTATION}' in self)", at=[_ANNOTATIONS]),
    ],
)
def reserved_keys(function: Function, config: Config) -> Iterator[Violation]:
    """Labels and annotations do not replace those of the hook."""
    spec = function.spec
    for field, given in (("spec.labels", spec.labels), (_ANNOTATIONS, spec.annotations)):
        for key in sorted(given) if given else ():
            if key.startswith(PREFIX):
                yield invalid(field, f"no key may begin with {PREFIX}", key)
    if _RESERVED_ANNOTATION in (spec.annotations or ()):
        yield invalid(_ANNOTATIONS, f"'{_RESERVED_ANNOTATION}' must not be set: it is reserved for the operator")


@rule(enforced_by="cel", reads=["annotations"], cel=(Cel(expression, at=[_ANNOTATIONS]) for expression in _READ))
def pod_annotations(function: Function, config: Config) -> Iterator[Violation]:
    """Annotations that Kubernetes reads have values that it accepts in a pod template."""
    for key, value in sorted((function.spec.annotations or {}).items()):
        if fault := annotation_fault(key, value):
            yield invalid(_ANNOTATIONS, fault)


@rule(enforced_by="cel", reads=["annotations"], cel=(Cel(expression, at=["spec"]) for expression in _AGREE))
def annotated_profiles(function: Function, config: Config) -> Iterator[Violation]:
    """An annotation that names a profile agrees with the security context."""
    annotations = function.spec.annotations or {}
    for key, profile in _profiles(function):
        if key in annotations and profile and annotations[key] not in _spellings(profile):
            yield invalid(_ANNOTATIONS, f"'{key}' must be the profile of the security context")


def _unconfined_expression() -> str:
    """Return the policy's errors for annotations that name an unconfined profile."""
    given, keys = policy.ANNOTATIONS, [policy.text(key) for key in (APPARMOR, SECCOMP, SECCOMP_POD)]
    is_profile = f"key.startsWith({keys[0]}) || key.startsWith({keys[1]}) || key == {keys[2]}"
    message = policy.joined([policy.text(f"{_ANNOTATIONS}: Forbidden: '"), "key", policy.text(f"' {_UNCONFINED}")])
    found = f'{given}.filter(key, ({is_profile}) && {given}[key] == "unconfined").map(key, {message})'
    return f"({policy.UNRESTRICTED} ? [] : {found})"


@rule(enforced_by="policy", reads=["annotations"], policy=_unconfined_expression())
def unconfined_annotations(function: Function, config: Config) -> Iterator[Violation]:
    """No annotation names a profile that Pod Security "restricted" forbids, unless the operator allows it."""
    for key, value in sorted((function.spec.annotations or {}).items()):
        is_profile = key.startswith(APPARMOR) or is_seccomp_key(key)
        if is_profile and value == "unconfined" and not config.allow_unrestricted_security_context:
            yield forbidden(_ANNOTATIONS, f"'{key}' {_UNCONFINED}")


def _profiles(function: Function) -> Iterator[tuple[str, Any]]:
    """Yield each annotation that names a profile, and the profile that the security contexts set, if any."""
    pod, container = function.spec.pod_security_context or {}, function.spec.container_security_context or {}
    yield f"{APPARMOR}function", container.get("appArmorProfile") or pod.get("appArmorProfile")
    yield f"{SECCOMP}function", container.get("seccompProfile")
    yield f"{SECCOMP}install-dependencies", container.get("seccompProfile")
    yield SECCOMP_POD, pod.get("seccompProfile") or {"type": "RuntimeDefault"}


def _spellings(profile: Any) -> tuple[str, ...]:
    """Return the values by which an annotation names a profile."""
    if profile["type"] == "Localhost":
        return (f"localhost/{profile.get('localhostProfile')}",)
    return ("unconfined",) if profile["type"] == "Unconfined" else ("runtime/default", "docker/default")


def _bad_keys(field: str, given: Mapping[str, str] | None, is_accepted: Callable[[str], bool]) -> Iterator[Violation]:
    for key in sorted(given) if given else ():
        if not is_accepted(key):
            yield invalid(field, KEY_SHAPE, key)
