"""
Rules for security contexts: every pod passes Pod Security "restricted", unless the operator allows otherwise.

LIMITS is the one list of what "restricted" allows; hooks/admission.py writes the policy from it.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hooks.config import Config
from hooks.function import Function, FunctionSpec
from hooks.rules.violation import Rule, Violation, forbidden, rule, shown


@dataclass(frozen=True)
class Limit:
    """What may stand at a path below spec; where a list stands there, what each item (or `item` of each) may be."""

    path: str
    allowed: Sequence[Any]
    is_list: bool = False
    item: str = ""

    @property
    def words(self) -> str:
        known = "1 and above" if isinstance(self.allowed, range) else ", ".join(map(shown, filter(str, self.allowed)))
        return f'is not allowed by Pod Security "restricted", which allows {known or "none"}'


POD, CONTAINER = "podSecurityContext", "containerSecurityContext"
DROP = f"{CONTAINER}.capabilities.drop"
DROP_WORDS = 'must hold ALL for Pod Security "restricted"'
_PROFILES = ("RuntimeDefault", "Localhost")
_SYSCTLS = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
)
LIMITS = (
    *(
        Limit(f"{context}.{path}", allowed)
        for context in (POD, CONTAINER)
        for path, allowed in (
            ("runAsNonRoot", (True,)),
            ("runAsUser", range(1, 2**31)),
            ("seccompProfile.type", _PROFILES),
            ("appArmorProfile.type", _PROFILES),
            ("seLinuxOptions.type", ("", "container_t", "container_init_t", "container_kvm_t")),
            ("seLinuxOptions.user", ("",)),
            ("seLinuxOptions.role", ("",)),
        )
    ),
    Limit(f"{POD}.sysctls", _SYSCTLS, is_list=True, item="name"),
    Limit(f"{CONTAINER}.privileged", (False,)),
    Limit(f"{CONTAINER}.allowPrivilegeEscalation", (False,)),
    Limit(f"{CONTAINER}.capabilities.add", ("NET_BIND_SERVICE",), is_list=True),
)


@rule("policy", "pod_security_context", "container_security_context")
def restricted(function: Function, config: Config) -> Iterator[Violation]:
    """Security contexts ask for nothing that Pod Security "restricted" forbids, unless the operator allows it."""
    spec = function.spec
    if config.allow_unrestricted_security_context or not (spec.pod_security_context or spec.container_security_context):
        return
    for limit in LIMITS:
        for found in _values(spec, limit):
            if found not in limit.allowed:
                yield forbidden(f"spec.{limit.path}", f"{shown(found)} {limit.words}")
    drop = _at(spec, DROP)
    if drop and "ALL" not in drop:
        yield forbidden(f"spec.{DROP}", DROP_WORDS)


def _values(spec: FunctionSpec, limit: Limit) -> list[Any]:
    found = _at(spec, limit.path)
    if found is None:
        return []
    if not limit.is_list:
        return [found]
    return [each[limit.item] if limit.item else each for each in found]


def _at(spec: FunctionSpec, path: str) -> Any:
    context, *steps = path.split(".")
    value: Any = spec.pod_security_context if context == POD else spec.container_security_context
    for step in steps:
        value = (value or {}).get(step)
    return value


RULES: tuple[Rule, ...] = (restricted,)
