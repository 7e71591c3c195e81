"""Rules for what runs: the name, the runtime, the image, the source and its dependencies."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain

import orjson

from hooks.config import Config
from hooks.function import Function
from hooks.kubernetes_names import IMAGE_SHAPE, is_image
from hooks.rules import cel, requirements
from hooks.rules.size import SOURCE_BYTES, encoded_bytes
from hooks.rules.violation import Cel, Rule, Violation, forbidden, invalid, rule, unsupported
from hooks.runtimes import DEPENDENCIES, FAMILIES, DependenciesFormat, max_value_bytes

_DNS_1035_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_INLINE = "spec.source.inline"
_DEPENDENCIES_BYTES = max_value_bytes(DEPENDENCIES)


@rule(
    "cel",
    cel=[
        Cel(
            "oldSelf.hasValue() || (self.metadata.name.size() <= 63 && "
            "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$'))",
            ["."],
        )
    ],
)
def name(function: Function, config: Config) -> Iterator[Violation]:
    """The Function's name becomes the Service's, so it is a DNS-1035 label."""
    found = function.metadata.name
    if not _DNS_1035_LABEL.fullmatch(found):
        yield invalid(
            "metadata.name", "cannot name a Service: must be at most 63 of a-z, 0-9 and '-', first a letter", found
        )


@rule(
    "cel",
    "service_account_name",
    cel=[
        Cel(
            "self.?spec.serviceAccountName.orValue('') != self.metadata.name || "
            "oldSelf.?spec.serviceAccountName.orValue('') == self.metadata.name",
            ["."],
        )
    ],
)
def account(function: Function, config: Config) -> Iterator[Violation]:
    """A ServiceAccount that the user brings has not the name of the Function's own, which would be deleted."""
    if function.spec.service_account_name == function.metadata.name:
        yield forbidden(
            "spec.serviceAccountName", "the account of this name is the Function's own: leave the field out"
        )


@rule("policy")
def known_runtime(function: Function, config: Config) -> Iterator[Violation]:
    """The runtime is one of the operator's."""
    runtime = function.spec.runtime
    if runtime not in config.runtimes:
        yield unsupported("spec.runtime", runtime, chain.from_iterable(map(config.runtime_names, FAMILIES)))


@rule("cel", "runtime_image_override", cel=[Cel(cel.IMAGE, ["spec.runtimeImageOverride"])])
def image(function: Function, config: Config) -> Iterator[Violation]:
    """An image override is a reference that a kubelet can pull."""
    reference = (function.spec.runtime_image_override or "").strip()
    if reference and not is_image(reference):
        yield invalid("spec.runtimeImageOverride", IMAGE_SHAPE)  # never repeated: a URL may hold a password


@rule("policy", "runtime_image_override")
def allowed_image(function: Function, config: Config) -> Iterator[Violation]:
    """An image override is one that the operator allows."""
    image = (function.spec.runtime_image_override or "").strip()
    if image and not any(_matches(image, pattern) for pattern in config.allowed_image_overrides):
        yield unsupported("spec.runtimeImageOverride", image, config.allowed_image_overrides)


@rule("cel", cel=[Cel("has(self.inline) != has(self.gitRepository)", ["spec.source"])])
def one_source(function: Function, config: Config) -> Iterator[Violation]:
    """The code is inline or in a repository."""
    source = function.spec.source
    if (source.inline is None) == (source.git_repository is None):
        yield invalid("spec.source", "expected exactly one of inline and gitRepository")


@rule(
    "cel", cel=[Cel("self.trim() != ''", ["spec.source.gitRepository.baseDir", "spec.source.gitRepository.reference"])]
)
def git_fields(function: Function, config: Config) -> Iterator[Violation]:
    """A repository's directory and reference are not blank."""
    if git := function.spec.source.git_repository:
        for field, text in (("baseDir", git.base_dir), ("reference", git.reference)):
            if _is_blank(text):
                yield invalid(f"spec.source.gitRepository.{field}", f"{field} is required and cannot be blank", text)


@rule("hook")
def git(function: Function, config: Config) -> Iterator[Violation]:
    """Repositories are not supported yet."""
    if function.spec.source.git_repository:
        yield forbidden("spec.source.gitRepository", "git sources are not supported yet, use spec.source.inline")


@rule(
    "cel",
    cel=[
        Cel(r"!self.source.contains('\u0000')", [_INLINE]),
        Cel(r"!has(self.dependencies) || !self.dependencies.contains('\u0000')", [_INLINE]),
    ],
)
def no_nul(function: Function, config: Config) -> Iterator[Violation]:
    """Source and dependencies travel in environment variables, which end at a NUL."""
    if inline := function.spec.source.inline:
        for field, text in (("source", inline.source), ("dependencies", inline.dependencies)):
            if text and "\0" in text:
                yield invalid(f"{_INLINE}.{field}", "holds a NUL character, which no environment variable can")


@rule(
    "cel",
    cel=[Cel(f"!has(self.dependencies) || size(bytes(self.dependencies)) <= {_DEPENDENCIES_BYTES}", [_INLINE])],
)
def dependencies_length(function: Function, config: Config) -> Iterator[Violation]:
    """The dependencies fit into one environment variable."""
    text = _dependencies(function)
    if len(text) > _DEPENDENCIES_BYTES // 4 and (size := len(text.encode())) > _DEPENDENCIES_BYTES:
        yield invalid(
            f"{_INLINE}.dependencies", f"is {size} bytes long, at most {_DEPENDENCIES_BYTES} fit into one variable"
        )


@rule("hook")
def source_size(function: Function, config: Config) -> Iterator[Violation]:
    """Source and dependencies fit into an annotation, where Metacontroller keeps its copy."""
    inline = function.spec.source.inline
    # No character takes more than six bytes, so that most texts need not be encoded to be found small.
    if not inline or 6 * (len(inline.source) + len(inline.dependencies or "")) + 4 <= SOURCE_BYTES:
        return
    if (size := encoded_bytes(inline.source) + encoded_bytes(inline.dependencies or "")) > SOURCE_BYTES:
        yield invalid(
            _INLINE,
            f"source and dependencies take {size} bytes when encoded, at most {SOURCE_BYTES} fit: "
            "shorten them or keep the code in a Git repository",
        )


@rule("hook")
def dependencies(function: Function, config: Config) -> Iterator[Violation]:
    """The dependencies are a package.json or a requirements.txt, as the runtime needs."""
    text, runtime = _dependencies(function), config.runtimes.get(function.spec.runtime)
    if not runtime or not text.strip() or "\0" in text:
        return
    check = DEPENDENCY_CHECKS[FAMILIES[runtime.family].dependencies_format]
    yield from (invalid(f"{_INLINE}.dependencies", fault) for fault in check(text))


def _dependencies(function: Function) -> str:
    inline = function.spec.source.inline
    return (inline and inline.dependencies) or ""


def _is_blank(text: str) -> bool:
    """Python, unlike the API server, takes four control characters for white space."""
    return text.isspace() and not any("\x1c" <= character <= "\x1f" for character in text)


def _package_json_problems(text: str) -> Iterator[str]:
    if not _is_json_object(text):
        yield "is not a JSON object; expected the text of a package.json"


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text.removeprefix("\ufeff")), dict)  # npm takes a byte order mark too
    except orjson.JSONDecodeError:
        return False


def _matches(image: str, pattern: str) -> bool:
    return image.startswith(pattern[:-1]) if pattern.endswith("*") else image == pattern


DEPENDENCY_CHECKS: Mapping[DependenciesFormat, Callable[[str], Iterator[str]]] = {
    "package.json": _package_json_problems,
    "requirements.txt": requirements.problems,
}
"""Each yields what is wrong with a text in that format."""

RULES: tuple[Rule, ...] = (
    name,
    account,
    known_runtime,
    image,
    allowed_image,
    one_source,
    git_fields,
    git,
    no_nul,
    dependencies_length,
    source_size,
    dependencies,
)
