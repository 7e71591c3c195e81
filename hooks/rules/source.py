"""Rules for the source and its dependencies."""

from collections.abc import Callable, Iterator, Mapping

import orjson

from hooks.config import Config
from hooks.function import Function
from hooks.rules import requirements
from hooks.rules.rule import Cel, rule
from hooks.rules.size import SOURCE_BYTES, encoded_bytes
from hooks.rules.violation import Violation, invalid, too_long
from hooks.runtimes import DEPENDENCIES, FAMILIES, DependenciesFormat, max_value_bytes

_INLINE = "spec.source.inline"
_DEPENDENCIES_BYTES = max_value_bytes(DEPENDENCIES)


@rule(
    enforced_by="cel",
    cel=[
        Cel(
            "[has(self.inline), has(self.gitRepository), has(self.sourceRef)].filter(given, given).size() == 1",
            at=["spec.source"],
        )
    ],
)
def one_source(function: Function, config: Config) -> Iterator[Violation]:
    """The code is inline, in a Git repository, or in an object of Flux."""
    source = function.spec.source
    if (source.inline, source.git_repository, source.source_ref).count(None) != 2:
        yield invalid("spec.source", "must have exactly one of inline, gitRepository and sourceRef")


@rule(
    enforced_by="cel",
    cel=[
        Cel(r"!self.source.contains('\u0000')", at=[_INLINE]),
        Cel(r"!has(self.dependencies) || !self.dependencies.contains('\u0000')", at=[_INLINE]),
    ],
)
def source_nul(function: Function, config: Config) -> Iterator[Violation]:
    """Source and dependencies hold no NUL, which would end the environment variable that carries them."""
    if inline := function.spec.source.inline:
        for field, text in (("source", inline.source), ("dependencies", inline.dependencies)):
            if text and "\0" in text:
                yield invalid(f"{_INLINE}.{field}", "must not contain a NUL character")


@rule(
    enforced_by="cel",
    cel=[Cel(f"!has(self.dependencies) || size(bytes(self.dependencies)) <= {_DEPENDENCIES_BYTES}", at=[_INLINE])],
)
def dependencies_length(function: Function, config: Config) -> Iterator[Violation]:
    """The dependencies fit into one environment variable."""
    text = _dependencies(function)
    if len(text) > _DEPENDENCIES_BYTES // 4 and len(text.encode()) > _DEPENDENCIES_BYTES:
        yield invalid(f"{_INLINE}.dependencies", f"may not be more than {_DEPENDENCIES_BYTES} bytes")


@rule(enforced_by="hook")
def source_size(function: Function, config: Config) -> Iterator[Violation]:
    """Source and dependencies fit into the annotation where Metacontroller keeps the last applied child."""
    inline = function.spec.source.inline
    # No character is encoded in more than six bytes: most texts are known to fit without encoding them.
    if not inline or 6 * (len(inline.source) + len(inline.dependencies or "")) + 4 <= SOURCE_BYTES:
        return
    if (size := encoded_bytes(inline.source) + encoded_bytes(inline.dependencies or "")) > SOURCE_BYTES:
        yield too_long(_INLINE, SOURCE_BYTES, f"source and dependencies take {size} bytes as JSON")


@rule(enforced_by="hook")
def dependencies_format(function: Function, config: Config) -> Iterator[Violation]:
    """The dependencies are a package.json or a requirements.txt, as the runtime needs."""
    text, runtime = _dependencies(function), config.runtimes.get(function.spec.runtime)
    if not runtime or not text.strip() or "\0" in text:
        return
    check = DEPENDENCY_CHECKS[FAMILIES[runtime.family].dependencies_format]
    yield from (invalid(f"{_INLINE}.dependencies", problem) for problem in check(text))


def _dependencies(function: Function) -> str:
    inline = function.spec.source.inline
    return (inline and inline.dependencies) or ""


def _package_json_problems(text: str) -> Iterator[str]:
    if not _is_json_object(text):
        yield "must be the text of a package.json: a JSON object"


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text.removeprefix("\ufeff")), dict)  # npm accepts a byte order mark
    except orjson.JSONDecodeError:
        return False


DEPENDENCY_CHECKS: Mapping[DependenciesFormat, Callable[[str], Iterator[str]]] = {
    "package.json": _package_json_problems,
    "requirements.txt": requirements.problems,
}
"""By format, a function that yields the problems of a text."""
