"""
Keeps the pod template when a push changes nothing that the pods run.

Flux makes an artifact of each commit, named for the commit. If all that a new artifact would change in the template is
that name, the pods go on with the earlier one: its digest is the same. A pod that starts after Flux has deleted the
earlier archive finds the content in a newer one (fetch-source in runtimes/).

The earlier commit comes from the record of the Deployment, which other components may have written: 40 hexadecimal
digits of it are used, and only for a URL in the directory of the new artifact.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from hooks import naming
from hooks.children import deployment
from hooks.manifest import Manifest, as_text, mappings_in, value_at
from hooks.protocol import HookRequest
from hooks.records import last_applied
from hooks.resolved import Artifact, ResolvedFunction
from hooks.runtimes import SOURCE_REVISION

_REVISION = re.compile(r"((?:.*@)?sha1:)([0-9a-f]{40})", re.DOTALL)


def keep_artifact(function: ResolvedFunction, request: HookRequest) -> ResolvedFunction:
    """Return the Function with the artifact of its last-applied pod template, if only the commit's name differs."""
    fetch, live = function.source.fetch, request.child("Deployment")
    if not (fetch and fetch.artifact and live):
        return function
    record = last_applied(live)
    earlier = _of_commit(fetch.artifact, commit_in(revision_in(record)))
    if earlier is None or earlier == fetch.artifact:
        return function
    kept = replace(function, source=replace(function.source, fetch=replace(fetch, artifact=earlier)))
    template = [value_at(each, "spec", "template") for each in deployment.build(kept)]
    return kept if template == [value_at(record, "spec", "template")] else function


def commit_in(revision: str) -> str:
    """Return the commit in a revision such as `main@sha1:...`, "" for the revision of another kind of source."""
    found = _REVISION.fullmatch(revision)
    return found[2] if found else ""


def revision_in(manifest: Manifest | None) -> str:
    """Return the revision in the pod template of a Deployment, "" if it fetches none."""
    for container in mappings_in(value_at(manifest, "spec", "template", "spec", "initContainers")):
        if container.get("name") == naming.FETCH_CONTAINER:
            return next(_revisions(container), "")
    return ""


def _revisions(container: Manifest) -> Iterator[str]:
    entries = mappings_in(container.get("env"))
    return (as_text(entry.get("value")) for entry in entries if entry.get("name") == SOURCE_REVISION)


def _of_commit(artifact: Artifact, commit: str) -> Artifact | None:
    """Return the artifact that Flux would have made of another commit, None if it does not name them for commits."""
    found, (directory, _, name) = _REVISION.fullmatch(artifact.revision), artifact.url.rpartition("/")
    if not (commit and found and name == f"{found[2]}.tar.gz"):
        return None
    return replace(artifact, url=f"{directory}/{commit}.tar.gz", revision=f"{found[1]}{commit}")
