"""
Rules for security contexts: every pod passes Pod Security "restricted", unless the operator allows otherwise.

LIMITS is the one list of what "restricted" allows: the hook and the admission policy both read it.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hooks.config import Config
from hooks.function import Function, FunctionSpec
from hooks.rules import policy
from hooks.rules.policy import CONTAINER, POD
from hooks.rules.rule import rule
from hooks.rules.violation import Violation, forbidden, shown


@dataclass(frozen=True)
class Limit:
    """The values allowed at a path below spec; with `is_list`, of each item; with `item`, of that field of an item."""

    path: str
    allowed: Sequence[Any]
    is_list: bool = False
    item: str = ""

    @property
    def words(self) -> str:
        known = "1 and above" if isinstance(self.allowed, range) else ", ".join(map(shown, filter(str, self.allowed)))
        return f'is not allowed by Pod Security "restricted", which allows {known or "none"}'


_DROP = f"{CONTAINER}.capabilities.drop"
_MUST_DROP_ALL = 'must contain ALL for Pod Security "restricted"'
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


def _restricted_expression() -> str:
    """Return the policy's errors for what "restricted" forbids."""
    drop = f"variables.{policy.optional(_DROP)}.orValue([])"
    dropped = policy.unless(
        f'{drop}.size() == 0 || "ALL" in {drop}', policy.text(f"spec.{_DROP}: Forbidden: {_MUST_DROP_ALL}")
    )
    return f"({policy.UNRESTRICTED} ? [] : {policy.joined([*map(_limit_expression, LIMITS), dropped])})"


def _limit_expression(limit: Limit) -> str:
    """Return the policy's errors for the values that a limit does not allow."""
    at = f"variables.{policy.optional(limit.path)}"
    values = f"{at}.orValue([])" if limit.is_list else f"({at}.hasValue() ? [{at}.value()] : [])"
    if limit.item:
        values += f".map(each, each.{limit.item})"
    is_allowed = "found >= 1" if isinstance(limit.allowed, range) else f"found in {policy.text(limit.allowed)}"
    shown_value = policy.quoted("found") if isinstance(limit.allowed[0], str) else "string(found)"
    message = policy.joined(
        [policy.text(f"spec.{limit.path}: Forbidden: "), shown_value, policy.text(f" {limit.words}")]
    )
    return f"{values}.filter(found, !({is_allowed})).map(found, {message})"


@rule(
    enforced_by="policy", reads=["pod_security_context", "container_security_context"], policy=_restricted_expression()
)
def restricted(function: Function, config: Config) -> Iterator[Violation]:
    """Security contexts set nothing that Pod Security "restricted" forbids, unless the operator allows it."""
    spec = function.spec
    if config.allow_unrestricted_security_context or not (spec.pod_security_context or spec.container_security_context):
        return
    for limit in LIMITS:
        for found in _values(spec, limit):
            if found not in limit.allowed:
                yield forbidden(f"spec.{limit.path}", f"{shown(found)} {limit.words}")
    drop = _value_at(spec, _DROP)
    if drop and "ALL" not in drop:
        yield forbidden(f"spec.{_DROP}", _MUST_DROP_ALL)


def _values(spec: FunctionSpec, limit: Limit) -> list[Any]:
    found = _value_at(spec, limit.path)
    if found is None:
        return []
    if not limit.is_list:
        return [found]
    return [each[limit.item] if limit.item else each for each in found]


def _value_at(spec: FunctionSpec, path: str) -> Any:
    context, *steps = path.split(".")
    value: Any = spec.pod_security_context if context == POD else spec.container_security_context
    for step in steps:
        value = (value or {}).get(step)
    return value
