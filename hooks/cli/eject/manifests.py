"""The plain manifests of one Function: from its live children, or rendered from its spec."""

from collections.abc import Sequence
from dataclasses import dataclass

from hooks.cli.document import Document
from hooks.cli.eject.plain import complete_children, plain
from hooks.cli.problem import Unusable
from hooks.cli.render import children, request, validated
from hooks.config import Config
from hooks.manifest import Manifest, value_at

_KEEP_PODS = "to keep the pods that run, pass the objects of the cluster (docs/eject.md)"
_NEEDS_FLUX = "its pods fetch their source from Flux' source-controller at each start, which has to stay"


@dataclass(frozen=True, kw_only=True)
class Ejected:
    """`notes` are for the user, one line each; `is_live` is whether the manifests are those of the live children."""

    manifests: list[Manifest]
    notes: list[str]
    is_live: bool


def ejected(document: Document, others: Sequence[Document], config: Config) -> Ejected:
    """
    Return the manifests of a Function.

    With its live Deployment among `others`, its spec is not validated: what runs is what counts. Raises Unusable for an
    invalid Function, or one from Git without the object of Flux.
    """
    if live := complete_children(document, others):
        return Ejected(manifests=plain(document, live), notes=_notes(document), is_live=True)
    function = validated(document, config)
    observed = None if function.spec.source.inline else request(document, [each.value for each in others])
    made = {child["kind"]: child for child in children(function, config, observed)}
    if "Deployment" not in made:
        message = "the object of Flux with its status is not among the objects: print it with kubectl, too"
        raise Unusable([document.problem("spec.source", message)])
    notes = [f"{document.name}: rendered from the file; {_KEEP_PODS}", *_notes(document)]
    return Ejected(manifests=plain(document, made), notes=notes, is_live=False)


def _notes(document: Document) -> list[str]:
    is_inline = value_at(document.value, "spec", "source", "inline") is not None
    return [] if is_inline else [f"{document.name}: {_NEEDS_FLUX}"]
