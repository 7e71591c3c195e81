"""
Rules that no schema can say: those that span fields, ask Config, or weigh text as it will be encoded.

A user's mistake is data: every violation is found, none raises, and none repeats a value that may be secret.
What schema or CEL can say stands in crds/functions.yaml too, for users are best told at apply.

source.py     name, runtime, source, dependencies    resources.py  scale, profile, requests and limits
pod.py        env, labels, annotations, mounts       violation.py  Violation and Rule themselves
"""

import re
from collections.abc import Iterator
from itertools import chain

from hooks.config import Config
from hooks.function import Function
from hooks.validate import pod, resources, source
from hooks.validate.violation import Rule, Violation

__all__ = ["RULES", "Violation", "validate"]

RULES: tuple[Rule, ...] = (*source.RULES, *resources.RULES, *pod.RULES)

_DNS_1035_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


def validate(function: Function, config: Config) -> list[Violation]:
    """Return every violation, in the order of the rules; an empty list if the Function is sound."""
    return [*_name(function), *chain.from_iterable(rule(function.spec, config) for rule in RULES)]


def _name(function: Function) -> Iterator[Violation]:
    if not _DNS_1035_LABEL.fullmatch(function.metadata.name):
        yield Violation(
            "metadata.name",
            f"{function.metadata.name!r} cannot name a Service: at most 63 of a-z, 0-9 and '-', first a letter",
        )
