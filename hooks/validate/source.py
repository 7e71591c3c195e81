"""Rules for what runs: the runtime, the source and its dependencies."""

from collections.abc import Iterator

import orjson

from hooks.config import Config
from hooks.function import FunctionSpec
from hooks.runtimes import DEPENDENCIES, FAMILIES, room
from hooks.validate.size import SOURCE_BYTES, encoded_bytes
from hooks.validate.violation import Rule, Violation


def _runtime(spec: FunctionSpec, config: Config) -> Iterator[Violation]:
    if spec.runtime not in config.runtimes:
        known = ", ".join(sorted(config.runtimes))
        yield Violation("spec.runtime", f"cannot find runtime {spec.runtime!r}, known are: {known}")


def _source(spec: FunctionSpec, config: Config) -> Iterator[Violation]:
    if (spec.source.inline is None) == (spec.source.git_repository is None):
        yield Violation("spec.source", "expected exactly one of inline and gitRepository")
    if spec.source.git_repository:
        yield Violation("spec.source.gitRepository", "git sources are not supported yet, use spec.source.inline")
    if spec.source.inline and "\0" in spec.source.inline.source:
        yield Violation("spec.source.inline.source", "holds a NUL character, which no environment variable can")


def _source_size(spec: FunctionSpec, config: Config) -> Iterator[Violation]:
    inline = spec.source.inline
    if inline and (size := encoded_bytes(inline.source) + encoded_bytes(inline.dependencies or "")) > SOURCE_BYTES:
        yield Violation(
            "spec.source.inline",
            f"source and dependencies take {size} bytes when encoded, at most {SOURCE_BYTES} fit: "
            "shorten them or keep the code in a Git repository",
        )


def _dependencies(spec: FunctionSpec, config: Config) -> Iterator[Violation]:
    field = "spec.source.inline.dependencies"
    text = spec.source.inline.dependencies or "" if spec.source.inline else ""
    if not text.strip():
        return
    if "\0" in text:
        yield Violation(field, "holds a NUL character, which no environment variable can")
    if (size := len(text.encode())) > room(DEPENDENCIES):
        yield Violation(field, f"is {size} bytes long, at most {room(DEPENDENCIES)} fit into one variable")
    runtime = config.runtimes.get(spec.runtime)
    if runtime and FAMILIES[runtime.family].dependencies_are_json and not _is_json_object(text):
        yield Violation(field, "is not a JSON object; expected the text of a package.json")


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


RULES: tuple[Rule, ...] = (_runtime, _source, _source_size, _dependencies)
