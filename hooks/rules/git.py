"""Rules for sources that Flux fetches: Git repositories, and references to objects of Flux."""

import re
from collections.abc import Iterator

from hooks import duration
from hooks.config import Config
from hooks.function import Function
from hooks.patterns import Pattern
from hooks.rules import cel
from hooks.rules.rule import FETCHED, Cel, rule
from hooks.rules.violation import Violation, forbidden, invalid

GIT, SOURCE_REF = "spec.source.gitRepository", "spec.source.sourceRef"
MIN_INTERVAL, MAX_INTERVAL = "10s", "24h"

_URL = re.compile(cel.GIT_URL)
_CLIMBS, _CONTROL = re.compile(r"(^|/)[.][.](/|\Z)"), re.compile(r"[\x00-\x1f\x7f]")
_REFERENCE, _NO_REFERENCE = re.compile(cel.REFERENCE), re.compile(cel.NO_REFERENCE)
_INTERVAL = re.compile(Pattern.INTERVAL)
_IS_INTERVAL = (
    f"!self.matches('{Pattern.INTERVAL}') || "
    f"(duration(self) >= duration('{MIN_INTERVAL}') && duration(self) <= duration('{MAX_INTERVAL}'))"
)


@rule(enforced_by="hook", reads=FETCHED)
def git_enabled(function: Function, config: Config) -> Iterator[Violation]:
    """Sources that Flux fetches need a setting of the operator."""
    source = function.spec.source
    for field, given in ((GIT, source.git_repository), (SOURCE_REF, source.source_ref)):
        if given and not config.git.enabled:
            yield forbidden(field, "disabled: the operator enables it by installing Flux and setting git.enabled")


@rule(enforced_by="cel", reads=FETCHED, cel=[Cel("self.trim() != ''", at=[f"{GIT}.baseDir", f"{GIT}.reference"])])
def blank_git_fields(function: Function, config: Config) -> Iterator[Violation]:
    """The directory and the reference of a Git repository are not blank."""
    if git := function.spec.source.git_repository:
        for field, text in (("baseDir", git.base_dir), ("reference", git.reference)):
            if _is_blank(text):
                yield invalid(f"{GIT}.{field}", "must not be blank", text)


@rule(enforced_by="cel", reads=FETCHED, cel=[Cel(f"self.matches('{cel.escaped(cel.GIT_URL)}')", at=[f"{GIT}.url"])])
def git_url(function: Function, config: Config) -> Iterator[Violation]:
    """The URL of a Git repository is one that Flux can fetch from."""
    git = function.spec.source.git_repository
    if git and not _URL.fullmatch(git.url):
        # without the value, which may hold a password
        yield invalid(f"{GIT}.url", "must be an http://, https:// or ssh:// URL, or git@host:path")


@rule(enforced_by="cel", reads=FETCHED, cel=[Cel(cel.DIRECTORY, at=[f"{GIT}.baseDir", f"{SOURCE_REF}.path"])])
def source_directory(function: Function, config: Config) -> Iterator[Violation]:
    """The directory with the handler is inside the source."""
    source = function.spec.source
    git, reference = source.git_repository, source.source_ref
    for field, path in ((f"{GIT}.baseDir", git and git.base_dir), (f"{SOURCE_REF}.path", reference and reference.path)):
        if path and (_CLIMBS.search(path) or _CONTROL.search(path)):
            yield invalid(field, "must be a directory in the source, without '..' and control characters", path)


@rule(enforced_by="cel", reads=FETCHED, cel=[Cel(cel.IS_REFERENCE, at=[f"{GIT}.reference"])])
def git_reference(function: Function, config: Config) -> Iterator[Violation]:
    """The reference is a name that Git accepts for a branch or a tag, or a commit."""
    git = function.spec.source.git_repository
    if git and not _is_blank(git.reference) and not _is_reference(git.reference):
        detail = "must be a branch, a tag, a commit of 40 digits, or a name that begins with refs/"
        yield invalid(f"{GIT}.reference", detail, git.reference)


@rule(enforced_by="cel", reads=FETCHED, cel=[Cel(_IS_INTERVAL, at=[f"{GIT}.interval"])])
def git_interval(function: Function, config: Config) -> Iterator[Violation]:
    """The interval between two fetches is neither a load for the server nor longer than a day."""
    git = function.spec.source.git_repository
    if git and git.interval and _INTERVAL.fullmatch(git.interval):
        least, most = duration.seconds(MIN_INTERVAL), duration.seconds(MAX_INTERVAL)
        if not least <= duration.seconds(git.interval) <= most:
            yield invalid(f"{GIT}.interval", f"must be from {MIN_INTERVAL} to {MAX_INTERVAL}", git.interval)


def _is_reference(text: str) -> bool:
    return bool(_REFERENCE.fullmatch(text)) and not _NO_REFERENCE.search(text)


def _is_blank(text: str) -> bool:
    """Return whether CEL's trim() leaves nothing; isspace() also counts U+001C to U+001F, which trim() keeps."""
    return text.isspace() and not any("\x1c" <= character <= "\x1f" for character in text)
