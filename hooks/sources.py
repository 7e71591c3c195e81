"""
What is observed of a source that Flux fetches, and which artifact counts.

A source's status is another component's data. It counts only on an object of the expected kind, name and namespace, for
the current generation of its spec and, for the GitRepository of a Function, if that is owned by the Function and its
spec is the one that the hook returns. URL, digest and revision go into the pod as data.
Source: Flux source-controller 1.9, internal/controller and internal/reconcile.
"""

import re
from dataclasses import dataclass

from hooks import flux, naming
from hooks.config import Config
from hooks.function import Function
from hooks.manifest import Manifest, as_count, as_text, find_condition, mappings_in, value_at
from hooks.protocol import HookRequest
from hooks.records import last_applied
from hooks.resolved import Artifact, Repository

_ADDED_CONTENT = ("include", "sparseCheckout")
"""Fields that change what is in an artifact; without them in the hook's spec, no other component may set them."""
_FAILURES = (("Stalled", "True"), ("Ready", "False"), ("FetchFailed", "True"), ("StorageOperationFailed", "True"))
_URL, _DIGEST = re.compile(r"https?://[!-~]{1,2000}"), re.compile(r"sha256:[0-9a-f]{64}")
_MAX_REVISION_CHARACTERS = 512


@dataclass(frozen=True, kw_only=True)
class Source:
    """
    The object that fetches a Function's source, as observed.

    `title` is its kind and name. `repository` is the child to return, None for spec.source.sourceRef. `artifact` is the
    one that counts, if any. `is_lost`: Flux has fetched the current spec but lost the artifact, as in a restart without
    its storage. `exists` is false if spec.source.sourceRef names an object that is not there. `failure` is Flux' reason
    and message for the current spec, unchanged, "" for none. `missing_reference` is the name that is neither a branch
    nor a tag, "" if there is no such name.
    """

    title: str
    repository: Repository | None = None
    artifact: Artifact | None = None
    exists: bool = False
    is_lost: bool = False
    is_suspended: bool = False
    failure: str = ""
    missing_reference: str = ""


def observed_source(function: Function, request: HookRequest, config: Config) -> Source | None:
    """Return the source of a valid Function, None for an inline source."""
    source = function.spec.source
    if source.git_repository:
        return _of_child(function, request.child("GitRepository"), config)
    if not (reference := source.source_ref):
        return None
    title = f"{reference.kind} {reference.name}"
    found = request.related.get((reference.kind, reference.name))
    if found is None or found.get("apiVersion") != flux.API_VERSION:
        return Source(title=title)
    return _observed(title, found, counts=not value_at(found, "metadata", "deletionTimestamp"))


def _of_child(function: Function, child: Manifest | None, config: Config) -> Source:
    title = f"GitRepository {function.metadata.name}"
    repository = _next_attempt(function, child, config)
    if child is None or repository is None:
        return Source(title=title, repository=repository, exists=True)
    counts = _is_own(child, function.metadata.uid) and _is_as_requested(child, repository)
    missing = repository.annotations.get(naming.MISSING_TAG, "").partition(" ")[0]
    is_missing = counts and _lacks(child, f"refs/heads/{missing}")
    return _observed(title, child, counts=counts, repository=repository, missing=missing if is_missing else "")


def _observed(
    title: str, found: Manifest, *, counts: bool, repository: Repository | None = None, missing: str = ""
) -> Source:
    reported, is_current = value_at(found, "status", "artifact"), counts and _is_current(found)
    artifact = _artifact(reported) if is_current else None
    failure = _failure(found) if counts else ""
    is_lost = is_current and reported is None and find_condition(found, "Ready").get("status") != "True"
    if is_current and not (artifact or failure or is_lost):
        failure = "the artifact has no http URL, no sha256 digest or no revision"
    return Source(
        title=title,
        repository=repository,
        artifact=artifact,
        exists=True,
        is_lost=is_lost,
        is_suspended=value_at(found, "spec", "suspend") is True,
        failure=failure,
        missing_reference=missing,
    )


def _next_attempt(function: Function, child: Manifest | None, config: Config) -> Repository | None:
    """
    Return the GitRepository of the current attempt: a name is a branch, or else a tag, or else a branch again.

    Each step needs Flux' answer to the one before, as the record of the child names it. So the steps end, and a branch
    that is pushed later is found.
    """
    git, branch = function.spec.source.git_repository, flux.repository(function, config)
    if child is None or git is None or branch is None or not flux.names_branch_or_tag(git):
        return branch
    name, tag = git.reference, flux.repository(function, config, as_tag=True)
    recorded = (last_applied(child) or {}).get("spec", {})
    if tag and _same_reference(recorded, tag):
        if _same_reference(child.get("spec"), tag) and _lacks(child, f"refs/tags/{name}"):
            return flux.repository(function, config, lacks_tag=True)
        return tag
    if not _same_reference(recorded, branch):
        return branch
    if value_at(child, "metadata", "annotations", naming.MISSING_TAG) == flux.missing_tag(function):
        return flux.repository(function, config, lacks_tag=True)
    return tag if _same_reference(child.get("spec"), branch) and _lacks(child, f"refs/heads/{name}") else branch


def _same_reference(spec: object, repository: Repository) -> bool:
    return all(value_at(spec, key) == repository.spec[key] for key in ("url", "ref"))


def _lacks(child: Manifest, reference: str) -> bool:
    """Return whether Flux could not find a reference for the current spec, from which it has never fetched."""
    if _is_current(child):
        return False
    failed = _failed_condition(child)
    message = as_text(failed.get("message"))
    is_failure = failed.get("reason") == "GitOperationFailed"
    return is_failure and any(f"remote ref {quote}{reference}{quote}" in message for quote in "\"'")


def _is_own(child: Manifest, uid: str) -> bool:
    """Return whether Metacontroller made the child for this Function, and it is not being deleted."""
    metadata = child["metadata"]
    owners = mappings_in(metadata.get("ownerReferences"))
    return (
        value_at(metadata, "labels", naming.CONTROLLER_UID) == uid
        and any(owner.get("controller") is True and owner.get("uid") == uid for owner in owners)
        and not metadata.get("deletionTimestamp")
    )


def _is_as_requested(child: Manifest, repository: Repository) -> bool:
    """Return whether the spec is the one that the hook returns; other components may add what changes no content."""
    spec, wanted = child.get("spec"), repository.spec
    return all(value_at(spec, key) == value for key, value in wanted.items()) and not any(
        value_at(spec, key) for key in _ADDED_CONTENT if key not in wanted
    )


def _is_current(found: Manifest) -> bool:
    """
    Return whether the artifact is that of the current spec.

    An ExternalArtifact has the generation in its condition only. A stalled source has observed its spec without
    fetching it.
    """
    generation = as_count(value_at(found, "metadata", "generation"))
    observed = value_at(found, "status", "observedGeneration")
    if found["kind"] == "ExternalArtifact":
        observed = find_condition(found, "Ready").get("observedGeneration")
    is_stalled = find_condition(found, "Stalled").get("status") == "True"
    return generation > 0 and as_count(observed) == generation and not is_stalled


def _artifact(value: object) -> Artifact | None:
    url, digest, revision = (as_text(value_at(value, key)) for key in ("url", "digest", "revision"))
    is_revision = 0 < len(revision) <= _MAX_REVISION_CHARACTERS and revision.isprintable()
    if not (is_revision and _URL.fullmatch(url) and _DIGEST.fullmatch(digest)):
        return None
    return Artifact(url=url, digest=digest, revision=revision)


def _failure(found: Manifest) -> str:
    """Return why the current spec could not be fetched, or not again; "" if Flux reports no failure."""
    failed = _failed_condition(found)
    return f"{as_text(failed.get('reason'))}: {as_text(failed.get('message'))}" if failed else ""


def _failed_condition(found: Manifest) -> Manifest:
    """
    Return the condition that says why the current spec could not be fetched, an empty map if there is none.

    While Flux tries again, Ready is Unknown; the conditions of the attempt before stay until it succeeds.
    """
    for kind, failed in _FAILURES:
        condition = _current_condition(found, kind)
        if condition.get("status") == failed:
            return condition
    return {}


def _current_condition(found: Manifest, kind: str) -> Manifest:
    """Return a condition of the current generation, an empty map if there is none."""
    condition, generation = find_condition(found, kind), as_count(value_at(found, "metadata", "generation"))
    return condition if generation > 0 and as_count(condition.get("observedGeneration")) == generation else {}
