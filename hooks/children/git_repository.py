"""The GitRepository, from which Flux' source-controller makes an artifact for each new commit."""

from collections.abc import Iterator

from hooks import naming
from hooks.manifest import Manifest
from hooks.resolved import ResolvedFunction


def build(function: ResolvedFunction) -> Iterator[Manifest]:
    """Yield the GitRepository of a Function whose source is in Git."""
    if repository := function.source.repository:
        metadata = naming.child_metadata(function.identity)
        if repository.annotations:
            metadata["annotations"] = dict(repository.annotations)
        yield {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": metadata,
            "spec": repository.spec,
        }
