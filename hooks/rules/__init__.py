"""
Every rule that a Function has to keep beyond the types and bounds of hooks/function.py, in one table.

A user's mistake is data: every violation is found, none raises, and none repeats a value that may be secret. A refusal
at apply is best, so each rule says what enforces it first (violation.py); a rule that stands in crds/functions.yaml or
the admission policy too has the same words there.

source.py       name, account, runtime, image, source   resources.py   scale, profile, requests and limits
requirements.py the lines of a requirements.txt         env.py         variables
annotations.py  labels, annotations, nodeSelector       scheduling.py  tolerations
pod.py          nothing twice, nothing too large        mounts.py      mounted files
contexts.py     what the API server wants of contexts   security.py    what Pod Security "restricted" forbids
size.py         bytes as they are stored                violation.py   Violation, Cel and Rule themselves
cel.py          longer expressions of the CRD
"""

from functools import lru_cache
from itertools import chain

from hooks.config import Config
from hooks.function import Function
from hooks.rules import annotations, contexts, env, mounts, pod, resources, scheduling, security, source
from hooks.rules.violation import Find, Rule, Violation

__all__ = ["RULES", "Rule", "Violation", "validate"]

_PARTS = (source, resources, env, annotations, scheduling, pod, mounts, contexts, security)
RULES: tuple[Rule, ...] = tuple(chain.from_iterable(part.RULES for part in _PARTS))


def validate(function: Function, config: Config) -> list[Violation]:
    """Return every violation, in the order of the rules; an empty list if the Function is sound."""
    given = frozenset(function.spec.model_fields_set)
    return list(chain.from_iterable([find(function, config) for find in _finders(given)]))


@lru_cache(maxsize=1024)
def _finders(given: frozenset[str]) -> tuple[Find, ...]:
    """Return what can find something in a spec with these fields."""
    return tuple(rule.find for rule in RULES if not rule.fields or rule.fields & given)
