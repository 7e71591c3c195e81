"""One broken rule, as data, and what a rule is."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from hooks.config import Config
from hooks.function import Function

EnforcedBy = Literal["schema", "cel", "policy", "hook"]
"""
What enforces a rule first; the hook checks every rule again.

schema  the types, bounds and list keys of crds/functions.yaml    at apply
cel     its x-kubernetes-validations                              at apply
policy  chart/files/validatingadmissionpolicy.yaml, for what the operator's config decides
hook    nowhere but here, since neither of them could say it      in the Function's status
"""


@dataclass(frozen=True)
class Violation:
    """One broken rule: the field's path in the user's spelling, what was found and what would be accepted."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


@dataclass(frozen=True)
class Cel:
    """An expression of crds/functions.yaml, with white space folded, and the paths of the schemas where it stands."""

    expression: str
    at: Sequence[str]


class Find(Protocol):
    """A function of a Function and the operator's config."""

    __name__: str

    def __call__(self, function: Function, config: Config) -> Iterator[Violation]: ...


@dataclass(frozen=True)
class Rule:
    """
    `find` yields each breach; its docstring says the rule in one line.

    It finds nothing in a spec that has none of `fields`, and is not called then; without any it is called always.
    `cel` is what enforces a rule of the CRD's expressions, `schema` the keywords that enforce one of its schema; a rule
    of the policy is the variable of its name in hooks/admission.py.
    """

    enforced_by: EnforcedBy
    find: Find
    fields: frozenset[str]
    cel: tuple[Cel, ...] = ()
    schema: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.find.__name__

    @property
    def sentence(self) -> str:
        return (self.find.__doc__ or "").strip()


def rule(
    enforced_by: EnforcedBy, *fields: str, cel: Iterable[Cel] = (), schema: Iterable[str] = ()
) -> Callable[[Find], Rule]:
    """Make a rule of a function, given the attributes of FunctionSpec that it reads."""
    return lambda find: Rule(enforced_by, find, frozenset(fields), tuple(cel), tuple(schema))


def invalid(field: str, detail: str, value: str | int | None = None) -> Violation:
    """Return the API server's error for a wrong value; it is repeated only if it is given here."""
    return Violation(field, "Invalid value: " + ("" if value is None else f"{shown(value)}: ") + detail)


def unsupported(field: str, value: str | int, supported: Iterable[str]) -> Violation:
    """Return the API server's error for a value that is none of a list."""
    listed = ", ".join(map(shown, supported)) or "none"
    return Violation(field, f"Unsupported value: {shown(value)}: supported values: {listed}")


def forbidden(field: str, detail: str) -> Violation:
    """Return the API server's error for what may not stand there at all."""
    return Violation(field, f"Forbidden: {detail}")


def required(field: str, detail: str) -> Violation:
    """Return the API server's error for what is missing."""
    return Violation(field, f"Required value: {detail}")


def shown(value: str | int) -> str:
    """Return a value as JSON writes it: on one line, texts in quotes."""
    return json.dumps(value, ensure_ascii=False)
