"""
The GitRepository for spec.source.gitRepository, and the names of Flux' objects.

Source: Flux source-controller 1.9, api/v1.
"""

import re

from hooks import duration, naming
from hooks.config import Config
from hooks.function import Function, GitRepository
from hooks.manifest import Manifest
from hooks.resolved import Repository

API_VERSION = "source.toolkit.fluxcd.io/v1"
RESOURCES = {
    "GitRepository": "gitrepositories",
    "OCIRepository": "ocirepositories",
    "Bucket": "buckets",
    "ExternalArtifact": "externalartifacts",
}
"""The kinds that spec.source.sourceRef may name, and their names in the API."""
IGNORED = "/.git/"
"""Flux' default also leaves out images, archives and CI files, which a handler may need."""

_COMMIT = re.compile(r"[0-9A-Fa-f]{40}")
_SSH = re.compile(r"git@([^:/]+):/*(.+)", re.DOTALL)
_REQUEST = re.compile(r"[0-9A-Za-z:.,_+-]{1,64}")


def repository(
    function: Function, config: Config, *, as_tag: bool = False, lacks_tag: bool = False
) -> Repository | None:
    """
    Return the GitRepository of a Function, None if its source is another one.

    A reference that is neither a commit nor a full name is a branch, or a tag if `as_tag`; `lacks_tag` is whether it is
    known that there is no such tag.
    """
    git = function.spec.source.git_repository
    if git is None:
        return None
    spec: Manifest = {
        "url": url(git.url),
        "ref": _reference(git.reference, as_tag=as_tag),
        "interval": duration.canonical(git.interval) if git.interval else config.git.interval,
        "timeout": config.git.timeout,
        "ignore": IGNORED,
    }
    if (path := directory(git.base_dir)) != ".":
        # Flux takes each file whose path begins with this text: without the slash also those of "hello-world".
        spec["sparseCheckout"] = [f"{path}/"]
    if git.auth:
        spec["secretRef"] = {"name": git.auth.secret_name}
    return Repository(spec=spec, annotations=_annotations(function, missing_tag(function) if lacks_tag else ""))


def url(given: str) -> str:
    """Return the URL that Flux accepts: `git@host:path` is `ssh://git@host/path`."""
    return f"ssh://git@{found[1]}/{found[2]}" if (found := _SSH.fullmatch(given)) else given


def directory(path: str) -> str:
    """Return a directory without a slash at its start and end, "." for the root."""
    return "/".join(part for part in path.split("/") if part not in ("", ".")) or "."


def names_branch_or_tag(git: GitRepository) -> bool:
    """Return whether a reference may be either a branch or a tag."""
    return "branch" in _reference(git.reference, as_tag=False)


def _reference(text: str, *, as_tag: bool) -> Manifest:
    if _COMMIT.fullmatch(text):
        return {"commit": text.lower()}
    if text.startswith("refs/"):
        return {"name": text}
    return {"tag" if as_tag else "branch": text}


def missing_tag(function: Function) -> str:
    """
    Return the annotation of a GitRepository for whose name there was no tag.

    It also names the requested fetch: after another request the tag is tried again.
    """
    git = function.spec.source.git_repository
    return f"{git.reference} {_requested(function)}".strip() if git else ""


def _annotations(function: Function, missing: str) -> dict[str, str]:
    found = {naming.MISSING_TAG: missing} if missing else {}
    if requested_at := _requested(function):
        found[naming.REQUESTED_AT] = requested_at
    return found


def _requested(function: Function) -> str:
    """Return the Function's annotation that makes Flux fetch at once, "" if it has none or one of another form."""
    text = function.metadata.annotations.requested_at or "" if function.metadata.annotations else ""
    return text if _REQUEST.fullmatch(text) else ""
