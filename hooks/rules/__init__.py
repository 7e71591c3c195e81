"""
Every rule that a Function has to keep beyond the types and bounds of hooks/function.py, in one table.

A user's mistake is data: every violation is found, none raises, and none repeats a value that may be secret. Each rule
names the component that enforces it first (rule.py); a rule of the CRD or of the admission policy has the same message
there. A new rule is a function with @rule in one of these modules, and its examples in tests/core/broken_specs.yaml.

identity.py     name, account, runtime, image           env.py          names and values of variables
source.py       source and dependencies                 env_sources.py  variables from fields, files, Secrets
git.py          sources that Flux fetches
scaling.py      the autoscaler                          annotations.py  labels, annotations, nodeSelector
resources.py    profile or resources                    scheduling.py   tolerations
amounts.py      requests and limits                     pod.py          duplicates, sizes
contexts.py     security contexts, for every config     mounts.py       mounted files
security.py     security contexts, Pod Security

rule.py         Rule and @rule                          violation.py    Violation and its messages
cel.py          longer expressions of the CRD           policy.py       expressions of the admission policy
size.py         size in the annotation                  requirements.py lines of a requirements.txt
"""

from functools import lru_cache
from itertools import chain

from hooks.config import Config
from hooks.function import Function
from hooks.rules import (
    amounts,
    annotations,
    contexts,
    env,
    env_sources,
    git,
    identity,
    mounts,
    pod,
    resources,
    scaling,
    scheduling,
    security,
    source,
)
from hooks.rules.rule import FETCHED, Find, Rule
from hooks.rules.violation import Violation

__all__ = ["RULES", "Rule", "Violation", "validate"]

_MODULES = (
    *(identity, source, git, scaling, resources, amounts, env, env_sources),
    *(annotations, scheduling, pod, mounts, contexts, security),
)
RULES = tuple(value for module in _MODULES for value in vars(module).values() if isinstance(value, Rule))
"""In the order of their definitions, which is the order of the violations in a status."""


def validate(function: Function, config: Config) -> list[Violation]:
    """Return every violation, in the order of the rules; an empty list for a valid Function."""
    spec, source = function.spec, function.spec.source
    is_fetched = source.git_repository or source.source_ref
    given = frozenset(spec.model_fields_set | FETCHED if is_fetched else spec.model_fields_set)
    return list(chain.from_iterable([find(function, config) for find in _finders(given)]))


@lru_cache(maxsize=1024)
def _finders(given: frozenset[str]) -> tuple[Find, ...]:
    """Return the functions of the rules that can find something in a spec with these fields."""
    return tuple(rule.find for rule in RULES if not rule.reads or rule.reads & given)
