"""
Where the files of a Function from Git are on this machine or elsewhere.

A repository that is checked out here is used with its uncommitted files: one of --repository, or the one that the
Function's YAML is in if the Function's url is a remote of it. Any other one is fetched.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path

from hooks import flux
from hooks.cli import git
from hooks.cli.checkouts import Checkout, checkout_of, key
from hooks.cli.document import Document
from hooks.cli.files import SKIPPED
from hooks.cli.problem import Problem, Unusable
from hooks.cli.run import flux_objects
from hooks.cli.run.flux_objects import Repository
from hooks.function import Function

_UNUSED = "no Function from Git has a remote of it as url; --repository NAME=DIR chooses the Function NAME"
_UNUSED_NAME = "no Function from Git is called {}"
MAX_WATCHED = 100_000
_NOT_WATCHED = SKIPPED | {".git", ".venv"}


@dataclass(frozen=True, kw_only=True)
class Origin:
    """
    The files below `path` ("." for all) of the working tree at `place` or, with `references`, of a repository.

    The first of the `references` that the repository at `place`, a URL or a directory, has is fetched; they are full
    names, or one commit. `instead` names what a working tree replaces. `saved` changes whenever the files have to be
    read again.
    """

    place: str
    path: str
    references: tuple[str, ...] = ()
    instead: str = ""
    saved: int = 0

    @property
    def directory(self) -> Path | None:
        """The directory of the handler in the working tree, None if the repository is fetched."""
        return None if self.references else Path(self.place, self.path)

    @property
    def about(self) -> str:
        """Which files of a working tree run, for the output."""
        return f"runs the files of the working tree {os.path.relpath(self.place)}, not {self.instead}"


class Origins:
    """Finds the origin of each Function. `given` is from --repository; with `fetch` no other checkout is used."""

    def __init__(self, given: Sequence[tuple[str, Checkout]] = (), *, fetch: bool = False) -> None:
        self._given = given
        self._fetch = fetch
        self._checkout_of = cache(checkout_of)
        self._unused = {checkout.place: name for name, checkout in given}

    def of(self, document: Document, function: Function, others: Iterable[Document]) -> Origin | None:
        """Return the origin, None for an inline source; raises Unusable for a source that is in no file."""
        source = function.spec.source
        if source.inline:
            return None
        repository = flux_objects.repository(function, others)
        path = source.git_repository.base_dir if source.git_repository else (_path(function) or "/")
        path = flux.directory(path)
        checkout = next(self._candidates(document, repository, path), None)
        if checkout:
            self._unused.pop(checkout.place, None)
        if checkout and not checkout.is_bare:
            origin = Origin(place=checkout.place, path=path, instead=_title(function, repository))
            return replace(origin, saved=saved(origin))
        if checkout is None and repository is None:
            raise Unusable([document.problem("spec.source.sourceRef.name", _missing(function))])
        return Origin(
            place=checkout.place if checkout else repository.url if repository else "",
            path=path,
            references=repository.references if repository else ("HEAD",),
            saved=_saved_file(document),
        )

    def unused(self) -> list[Problem]:
        """Return a problem for each repository of --repository that no Function has used, once."""
        found, self._unused = self._unused, {}
        return [
            Problem(file=place, message=_UNUSED_NAME.format(name) if name else _UNUSED) for place, name in found.items()
        ]

    def _candidates(self, document: Document, repository: Repository | None, path: str) -> Iterator[Checkout]:
        """Yield the repositories on this machine that have the source, the first choice first."""
        yield from (checkout for name, checkout in self._given if name == document.name)
        wanted = key(repository.url) if repository else None
        given = [checkout for name, checkout in self._given if not name]
        own = None if self._fetch or document.file == "-" else self._checkout_of(Path(document.file).parent)
        yield from (checkout for checkout in [*given, *filter(None, [own])] if wanted in checkout.remotes)
        # Without its object the URL of a sourceRef is not known.
        if wanted is None:
            yield from given
            if own and not own.is_bare and Path(own.place, path).is_dir():
                yield own


def saved(origin: Origin) -> int:
    """
    Return a number that changes when a file of a working tree changes; 0 for a repository that is fetched.

    Of more than MAX_WATCHED files the others are not watched, and nothing is if a link leads out of the working tree.
    """
    if not origin.directory or not origin.directory.resolve().is_relative_to(Path(origin.place).resolve()):
        return 0
    return hash(tuple(islice(_stamps(origin.directory), MAX_WATCHED)))


def _saved_file(document: Document) -> int:
    """Return a number that changes when the Function's file is saved: then a repository is fetched again."""
    try:
        return Path(document.file).stat().st_mtime_ns
    except OSError:
        return 0


def _path(function: Function) -> str | None:
    return function.spec.source.source_ref.path if function.spec.source.source_ref else None


def _title(function: Function, repository: Repository | None) -> str:
    """Return which files the Function has in a cluster."""
    if repository:
        return f"{short(repository.references[0])} of {git.without_user(repository.url)}"
    reference = function.spec.source.source_ref
    return f"{reference.kind} {reference.name}" if reference else ""


def short(reference: str) -> str:
    """Return a reference as the author writes it."""
    return reference.removeprefix("refs/heads/").removeprefix("refs/tags/")


def _stamps(directory: Path) -> Iterable[tuple[str, int, int]]:
    for place, below, files in os.walk(directory):
        below[:] = [name for name in below if name not in _NOT_WATCHED]
        for name in files:
            file = os.path.join(place, name)
            try:
                stat = os.lstat(file)
            except OSError:
                continue
            yield file, stat.st_mtime_ns, stat.st_size


def _missing(function: Function) -> str:
    reference = function.spec.source.source_ref
    title = f"{reference.kind} {reference.name}" if reference else ""
    is_git = reference is not None and reference.kind == "GitRepository"
    files = "is in none of the files: add it, or" if is_git else "cannot be fetched here:"
    return f"{title} {files} give a checkout with --repository {function.metadata.name}=DIR"
