"""Rules for the names and values of variables; env_sources.py has the rules for other sources."""

from collections.abc import Iterator

from hooks.config import Config
from hooks.function import Function
from hooks.kubernetes_names import VARIABLE_SHAPE, is_variable_name
from hooks.rules import policy
from hooks.rules.rule import Cel, rule
from hooks.rules.violation import Violation, invalid
from hooks.runtimes import FAMILIES, RESERVED_ENV

_NAME, _ITEM = "spec.env[*].name", "spec.env[*]"
_KEEPS_PATH = "must have the value that the runtime sets"


@rule(enforced_by="cel", reads=["env"], cel=[Cel("self.matches('^[ -<>-~]+$')", at=[_NAME])])
def env_names(function: Function, config: Config) -> Iterator[Violation]:
    """A variable's name is one that Kubernetes accepts."""
    for index, entry in enumerate(function.spec.env or ()):
        if not is_variable_name(entry["name"]):
            yield invalid(f"spec.env[{index}].name", VARIABLE_SHAPE, entry["name"])


@rule(enforced_by="cel", reads=["env"], cel=[Cel(f"!(self in {sorted(RESERVED_ENV)})", at=[_NAME])])
def env_reserved(function: Function, config: Config) -> Iterator[Violation]:
    """A variable does not replace one that makes the Function run."""
    for index, entry in enumerate(function.spec.env or ()):
        if entry["name"] in RESERVED_ENV:
            yield invalid(f"spec.env[{index}].name", "must not be a name that the hook reserves", entry["name"])


def _paths_expression(family: str) -> str:
    """Return the policy's errors for the family's paths with another value than the runtime's."""
    own = policy.text({name: FAMILIES[family].env[name] for name in sorted(FAMILIES[family].paths)})
    is_other = f"each.name in {own} && each.?value.orValue('') != {own}[each.name]"
    message = policy.invalid("spec.env", policy.quoted("each.name"), _KEEPS_PATH)
    found = f"object.spec.?env.orValue([]).filter(each, {is_other}).map(each, {message})"
    return policy.for_family(family, found)


@rule(enforced_by="policy", reads=["env"], policy=policy.joined(map(_paths_expression, FAMILIES)))
def env_paths(function: Function, config: Config) -> Iterator[Violation]:
    """A variable does not change where the runtime looks for the handler."""
    runtime = config.runtimes.get(function.spec.runtime)
    family = FAMILIES[runtime.family] if runtime else None
    for index, entry in enumerate(function.spec.env or ()):
        if family and entry["name"] in family.paths and entry.get("value") != family.env[entry["name"]]:
            yield invalid(f"spec.env[{index}].name", _KEEPS_PATH, entry["name"])


@rule(
    enforced_by="cel",
    reads=["env"],
    cel=[Cel("!has(self.value) || self.value == '' || !has(self.valueFrom)", at=[_ITEM])],
)
def env_values(function: Function, config: Config) -> Iterator[Violation]:
    """A variable has a value or a source, not both."""
    for index, entry in enumerate(function.spec.env or ()):
        if entry.get("value") and entry.get("valueFrom"):
            yield invalid(f"spec.env[{index}].valueFrom", "may not be specified when value is not empty")


@rule(enforced_by="cel", reads=["env"], cel=[Cel(r"!has(self.value) || !self.value.contains('\u0000')", at=[_ITEM])])
def env_nul(function: Function, config: Config) -> Iterator[Violation]:
    """A value holds no NUL: the API server would accept it, and no container could start."""
    for index, entry in enumerate(function.spec.env or ()):
        if "\0" in (entry.get("value") or ""):
            yield invalid(f"spec.env[{index}].value", "must not contain a NUL character")
