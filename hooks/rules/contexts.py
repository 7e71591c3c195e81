"""Rules for security contexts that hold for every config: what the API server and the kubelet refuse."""

import re
from collections.abc import Iterator
from typing import Any

from hooks.config import Config
from hooks.function import Function
from hooks.rules import cel, policy
from hooks.rules.rule import Cel, rule
from hooks.rules.violation import Violation, invalid

_NETBIOS = r"[ !#-)+,\-0-9;=@-\[\]-{}~][ !#-)+-.0-9;=@-\[\]-{}~]{0,14}"
_LABEL = r"[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_CHARACTER = r"[ !#-)\-.0-9A-Z^_`a-z{}~]"
_WINDOWS_USER = re.compile(rf"(({_NETBIOS}|{_LABEL}(\.{_LABEL})*)\\)?{_CHARACTER}{{1,104}}")
_SPACES_AND_DOTS = re.compile(r"(.*\\)?[ .]*")
_READS = ("pod_security_context", "container_security_context")
_BOTH = ("spec.podSecurityContext", "spec.containerSecurityContext")
_SECCOMP = tuple(f"{context}.seccompProfile" for context in _BOTH)
_PROFILES = (*(f"{context}.appArmorProfile" for context in _BOTH), *_SECCOMP)
_SECCOMP_PATHS = tuple(f"{path}.localhostProfile" for path in _SECCOMP)
_IS_ROOT = "must be above 0 unless runAsNonRoot is false"


@rule(
    enforced_by="cel",
    reads=_READS,
    cel=[Cel("(self.type == 'Localhost') == has(self.localhostProfile)", at=_PROFILES)],
)
def localhost_profiles(function: Function, config: Config) -> Iterator[Violation]:
    """A profile of type Localhost has a localhostProfile, and no other type has one."""
    for field, profile in _profiles(function):
        if (profile["type"] == "Localhost") != (profile.get("localhostProfile") is not None):
            yield invalid(f"{field}.localhostProfile", "must be set when type is Localhost, and only then")


@rule(
    enforced_by="cel",
    reads=_READS,
    cel=[Cel("!self.startsWith('/') && !self.matches('(^|/)[.][.](/|$)')", at=_SECCOMP_PATHS)],
)
def seccomp_paths(function: Function, config: Config) -> Iterator[Violation]:
    """The localhostProfile of seccomp is a path below the kubelet's directory of profiles."""
    for field, profile in _profiles(function):
        path = profile.get("localhostProfile") or ""
        if field.endswith("seccompProfile") and (path.startswith("/") or ".." in path.split("/")):
            yield invalid(f"{field}.localhostProfile", "must be a relative path without '..'", path)


@rule(enforced_by="cel", reads=_READS, cel=[Cel(cel.ESCALATION, at=["spec.containerSecurityContext"])])
def privilege_escalation(function: Function, config: Config) -> Iterator[Violation]:
    """A container that is privileged or has CAP_SYS_ADMIN sets allowPrivilegeEscalation."""
    context = function.spec.container_security_context or {}
    added = (context.get("capabilities") or {}).get("add") or []
    if (context.get("privileged") or "CAP_SYS_ADMIN" in added) and not context.get("allowPrivilegeEscalation"):
        field = "spec.containerSecurityContext.allowPrivilegeEscalation"
        yield invalid(field, "must be true with privileged: true or the capability CAP_SYS_ADMIN")


@rule(
    enforced_by="cel",
    reads=_READS,
    cel=[Cel("!self", at=[f"{context}.windowsOptions.hostProcess" for context in _BOTH])],
)
def host_process(function: Function, config: Config) -> Iterator[Violation]:
    """The pods are not Windows host processes, which would use the node's network."""
    for field, options in _windows(function):
        if options.get("hostProcess"):
            yield invalid(f"{field}.hostProcess", "must be false: the pods have a network of their own", value=True)


@rule(
    enforced_by="cel",
    reads=_READS,
    cel=[Cel(cel.WINDOWS_USER, at=[f"{context}.windowsOptions.runAsUserName" for context in _BOTH])],
)
def windows_users(function: Function, config: Config) -> Iterator[Violation]:
    """A Windows user name is one that Windows accepts, with or without a domain."""
    for field, options in _windows(function):
        user = options.get("runAsUserName")
        if user is not None and (not _WINDOWS_USER.fullmatch(user) or _SPACES_AND_DOTS.fullmatch(user)):
            yield invalid(f"{field}.runAsUserName", "must be a Windows user name such as DOMAIN\\user", user)


def _root_expression() -> str:
    """Return the policy's error for user 0 without runAsNonRoot: false, where the operator allows root."""

    def in_force(name: str, default: str) -> str:
        return f"variables.{policy.CONTAINER}.?{name}.orValue(variables.{policy.POD}.?{name}.orValue({default}))"

    is_root = f"{in_force('runAsUser', '1')} == 0 && {in_force('runAsNonRoot', 'true')}"
    message = policy.text(f"spec.securityContext: Invalid value: 0: {_IS_ROOT}")
    return f"({policy.UNRESTRICTED} && {is_root} ? [{message}] : [])"


@rule(enforced_by="policy", reads=_READS, policy=_root_expression())
def root_user(function: Function, config: Config) -> Iterator[Violation]:
    """Where the operator allows root, a Function that runs as root sets runAsNonRoot to false."""
    (pod_field, pod), (own_field, own) = _contexts(function)
    field, user = (
        (own_field, own["runAsUser"]) if own.get("runAsUser") is not None else (pod_field, pod.get("runAsUser"))
    )
    non_root = own.get("runAsNonRoot") if own.get("runAsNonRoot") is not None else pod.get("runAsNonRoot")
    if config.allow_unrestricted_security_context and user == 0 and non_root is not False:
        yield invalid(f"{field}.runAsUser", _IS_ROOT, user)


def _contexts(function: Function) -> Iterator[tuple[str, Any]]:
    yield "spec.podSecurityContext", function.spec.pod_security_context or {}
    yield "spec.containerSecurityContext", function.spec.container_security_context or {}


def _profiles(function: Function) -> Iterator[tuple[str, Any]]:
    for field, context in _contexts(function):
        for name in ("appArmorProfile", "seccompProfile"):
            if profile := context.get(name):
                yield f"{field}.{name}", profile


def _windows(function: Function) -> Iterator[tuple[str, Any]]:
    for field, context in _contexts(function):
        if options := context.get("windowsOptions"):
            yield f"{field}.windowsOptions", options
