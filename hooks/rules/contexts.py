"""Rules for security contexts that hold whatever the operator allows: what the API server and the kubelet refuse."""

import re
from collections.abc import Iterator
from typing import Any

from hooks.config import Config
from hooks.function import Function
from hooks.rules import cel
from hooks.rules.violation import Cel, Rule, Violation, invalid, rule

_NETBIOS = r"[ !#-)+,\-0-9;=@-\[\]-{}~][ !#-)+-.0-9;=@-\[\]-{}~]{0,14}"
_LABEL = r"[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_CHARACTER = r"[ !#-)\-.0-9A-Z^_`a-z{}~]"
_WINDOWS_USER = re.compile(rf"(({_NETBIOS}|{_LABEL}(\.{_LABEL})*)\\)?{_CHARACTER}{{1,104}}")
_BOTH = ("spec.podSecurityContext", "spec.containerSecurityContext")
_SECCOMP = tuple(f"{context}.seccompProfile" for context in _BOTH)
_PROFILES = (*(f"{context}.appArmorProfile" for context in _BOTH), *_SECCOMP)
ROOT_WORDS = "must be above 0 unless runAsNonRoot is false"
_SPACES_AND_DOTS = re.compile(r"(.*\\)?[ .]*")


@rule(
    "cel",
    "pod_security_context",
    "container_security_context",
    cel=[Cel("(self.type == 'Localhost') == has(self.localhostProfile)", _PROFILES)],
)
def localhost_profiles(function: Function, config: Config) -> Iterator[Violation]:
    """A profile of the node is named for type Localhost, and for no other type."""
    for field, profile in _profiles(function):
        if (profile["type"] == "Localhost") != (profile.get("localhostProfile") is not None):
            yield invalid(f"{field}.localhostProfile", "must be set when type is Localhost, and only then")


@rule(
    "cel",
    "pod_security_context",
    "container_security_context",
    cel=[
        Cel(
            "!self.startsWith('/') && !self.matches('(^|/)[.][.](/|$)')",
            [f"{path}.localhostProfile" for path in _SECCOMP],
        )
    ],
)
def seccomp_paths(function: Function, config: Config) -> Iterator[Violation]:
    """A seccomp profile of the node is named by a path below the kubelet's directory of profiles."""
    for field, profile in _profiles(function):
        path = profile.get("localhostProfile") or ""
        if field.endswith("seccompProfile") and (path.startswith("/") or ".." in path.split("/")):
            yield invalid(f"{field}.localhostProfile", "must be a relative path without '..'", path)


@rule(
    "cel",
    "pod_security_context",
    "container_security_context",
    cel=[Cel(cel.ESCALATION, ["spec.containerSecurityContext"])],
)
def escalation(function: Function, config: Config) -> Iterator[Violation]:
    """A privileged container, or one that may administer the system, can gain rights and has to say so."""
    context = function.spec.container_security_context or {}
    added = (context.get("capabilities") or {}).get("add") or []
    if (context.get("privileged") or "CAP_SYS_ADMIN" in added) and not context.get("allowPrivilegeEscalation"):
        field = "spec.containerSecurityContext.allowPrivilegeEscalation"
        yield invalid(field, "must be true with privileged: true or the capability CAP_SYS_ADMIN")


@rule(
    "cel",
    "pod_security_context",
    "container_security_context",
    cel=[Cel("!self", [f"{context}.windowsOptions.hostProcess" for context in _BOTH])],
)
def host_process(function: Function, config: Config) -> Iterator[Violation]:
    """A Function's pod is no Windows host process: it has a network of its own."""
    for field, options in _windows(function):
        if options.get("hostProcess"):
            yield invalid(f"{field}.hostProcess", "must be false: the pods have a network of their own", value=True)


@rule(
    "cel",
    "pod_security_context",
    "container_security_context",
    cel=[Cel(cel.WINDOWS_USER, [f"{context}.windowsOptions.runAsUserName" for context in _BOTH])],
)
def windows_users(function: Function, config: Config) -> Iterator[Violation]:
    """A Windows user's name is one that Windows takes, with or without a domain."""
    for field, options in _windows(function):
        user = options.get("runAsUserName")
        if user is not None and (not _WINDOWS_USER.fullmatch(user) or _SPACES_AND_DOTS.fullmatch(user)):
            yield invalid(f"{field}.runAsUserName", "must be a user's name of Windows, such as DOMAIN\\user", user)


@rule("policy", "pod_security_context", "container_security_context")
def root(function: Function, config: Config) -> Iterator[Violation]:
    """Where the operator allows root, a Function that runs as root says that it may."""
    (pod_field, pod), (own_field, own) = _contexts(function)
    field, user = (
        (own_field, own["runAsUser"]) if own.get("runAsUser") is not None else (pod_field, pod.get("runAsUser"))
    )
    asked = own.get("runAsNonRoot") if own.get("runAsNonRoot") is not None else pod.get("runAsNonRoot")
    if config.allow_unrestricted_security_context and user == 0 and asked is not False:
        yield invalid(f"{field}.runAsUser", ROOT_WORDS, user)


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


RULES: tuple[Rule, ...] = (localhost_profiles, seccomp_paths, escalation, host_process, windows_users, root)
