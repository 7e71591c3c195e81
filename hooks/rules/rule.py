"""A rule: a function that finds violations, and the component that enforces it before the hook does."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from hooks.config import Config
from hooks.function import Function
from hooks.rules.violation import Violation

EnforcedBy = Literal["schema", "cel", "policy", "hook"]
"""
Which component enforces a rule first; the hook checks every rule again.

schema  types, bounds and list keys of crds/functions.yaml, at apply
cel     x-kubernetes-validations of crds/functions.yaml, at apply
policy  the admission policy (hooks/admission.py), at apply, for rules that depend on the operator's config
hook    the hook only, in the Function's status: the others cannot express the rule
"""


FETCHED = frozenset({"git_repository", "source_ref"})
"""The attributes of Source for sources that Flux fetches. A spec with one of them counts as a spec with both."""


@dataclass(frozen=True)
class Cel:
    """An expression of crds/functions.yaml with white space folded, and the paths of the schemas that hold it."""

    expression: str
    at: Sequence[str]


class Find(Protocol):
    """Yields the violations of one rule. Its docstring is the rule in one sentence, for docs/rules.md."""

    __name__: str

    def __call__(self, function: Function, config: Config) -> Iterator[Violation]: ...


@dataclass(frozen=True, kw_only=True)
class Rule:
    """
    One row of the table of rules; tests/core/broken_specs.yaml has examples for each `name`.

    `reads` are attributes of FunctionSpec, or those of FETCHED: if a spec sets none of them, `find` would yield nothing
    and is not called. A rule without `reads` is always called. `cel`, `schema` and `policy` are set for the component
    of that name: its expressions, the paths of its keywords, or the CEL list of messages that becomes a variable of the
    policy.
    """

    find: Find
    enforced_by: EnforcedBy
    reads: frozenset[str] = frozenset()
    cel: tuple[Cel, ...] = ()
    schema: tuple[str, ...] = ()
    policy: str = ""

    @property
    def name(self) -> str:
        return self.find.__name__

    @property
    def sentence(self) -> str:
        return (self.find.__doc__ or "").strip()


def rule(
    *,
    enforced_by: EnforcedBy,
    reads: Iterable[str] = (),
    cel: Iterable[Cel] = (),
    schema: Iterable[str] = (),
    policy: str = "",
) -> Callable[[Find], Rule]:
    """Make a function the `find` of a Rule with these fields."""
    return lambda find: Rule(
        find=find,
        enforced_by=enforced_by,
        reads=frozenset(reads),
        cel=tuple(cel),
        schema=tuple(schema),
        policy=policy,
    )
