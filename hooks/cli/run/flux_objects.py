"""The repository that a Function names: in spec.source.gitRepository, or in an object of Flux in the given files."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hooks import flux
from hooks.cli.document import Document
from hooks.cli.problem import Unusable
from hooks.function import Function
from hooks.manifest import as_text, value_at
from hooks.rules import cel

_COMMIT = re.compile(r"[0-9A-Fa-f]{40}")
_URL, _NAME, _NO_NAME = re.compile(cel.GIT_URL), re.compile(cel.REFERENCE), re.compile(cel.NO_REFERENCE)
_GROUP = flux.API_VERSION.partition("/")[0]


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A URL, and the full names of references of which the first one that exists counts, or one commit."""

    url: str
    references: tuple[str, ...]


def repository(function: Function, others: Iterable[Document]) -> Repository | None:
    """
    Return the repository of a valid Function.

    None if its sourceRef names an object that is no GitRepository, or is not in `others`. Raises Unusable for an
    object that Flux or Git would reject.
    """
    source = function.spec.source
    if git := source.git_repository:
        return Repository(url=flux.url(git.url), references=_references(git.reference))
    reference = source.source_ref
    if reference is None or reference.kind != "GitRepository":
        return None
    wanted = (reference.name, function.metadata.namespace)
    found = [each for each in others if _is_git_repository(each) and _identity(each) == wanted]
    return _of_flux(found[0]) if found else None


def _references(text: str) -> tuple[str, ...]:
    if _COMMIT.fullmatch(text):
        return (text.lower(),)
    return (text,) if text.startswith("refs/") else (f"refs/heads/{text}", f"refs/tags/{text}")


def _is_git_repository(document: Document) -> bool:
    group = as_text(value_at(document.value, "apiVersion")).partition("/")[0]
    return document.kind == "GitRepository" and group == _GROUP


def _identity(document: Document) -> tuple[str, str]:
    return document.name, document.namespace


def _of_flux(document: Document) -> Repository:
    url = as_text(value_at(document.value, "spec", "url"))
    if not _URL.fullmatch(url):
        # without the value, which may hold a password
        raise Unusable([document.problem("spec.url", "Invalid value: must be an http://, https:// or ssh:// URL")])
    return Repository(url=flux.url(url), references=(_reference(document),))


def _reference(document: Document) -> str:
    """Return the reference that has precedence in Flux: commit, name, semver, tag, branch, or the branch master."""
    given = {
        field: as_text(value_at(document.value, "spec", "ref", field))
        for field in ("commit", "name", "semver", "tag", "branch")
    }
    field = next((field for field, text in given.items() if text), "")
    text = given.get(field, "")
    path = f"spec.ref.{field}"
    if field == "semver":
        raise Unusable([document.problem(path, "Unsupported value: supported values: branch, tag, name, commit")])
    if field == "commit":
        if not _COMMIT.fullmatch(text):
            raise Unusable([document.problem(path, "Invalid value: must be a commit of 40 digits")])
        return text.lower()
    if field and (not _NAME.fullmatch(text) or _NO_NAME.search(text)):
        raise Unusable([document.problem(path, "Invalid value: must be a name that Git accepts")])
    if field == "name":
        if not text.startswith("refs/"):
            raise Unusable([document.problem(path, "Invalid value: must begin with refs/")])
        return text
    return f"refs/tags/{text}" if field == "tag" else f"refs/heads/{text or 'master'}"
