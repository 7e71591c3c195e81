"""What an upgrade of the hook changes: as the changelog announces it, as both versions render it, or from what runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from hooks.cli.comparison import older
from hooks.cli.comparison.children import rendered_in, settled
from hooks.cli.comparison.compare import Comparison, Key, Outcome, Side, compare
from hooks.cli.comparison.sources import related
from hooks.cli.document import Document
from hooks.cli.problem import Problem, Unusable
from hooks.cli.releases import Section
from hooks.cli.render import completed, validated
from hooks.manifest import Manifest, as_mapping, value_at


def announced(side: Side, since: Iterable[Section]) -> Iterator[Comparison]:
    """Yield each Function whose restart a release announces, and each that this version refuses."""
    releases = list(since)
    for key, document in sorted(side.functions.items()):
        spec = as_mapping(value_at(document.value, "spec"))
        reasons = [f"{release.version}: {what}" for release in releases for what in release.announced(spec)]
        if problems := _problems(document, side):
            yield Comparison(key=key, outcome=Outcome.REFUSED, problems=problems)
        elif reasons:
            yield Comparison(key=key, outcome=Outcome.CHANGED, restarts=True, reasons=reasons)


def as_rendered_by(package: str, config: str | None, old: Side, new: Side) -> Iterator[Comparison]:
    """
    Yield each Function whose children differ from those that another version renders.

    `package` is a wheel or a source tree, `config` the file of its settings. Raises OlderFailed.
    """
    old, new = (replace(side, functions=_with_uids(side.functions)) for side in (old, new))
    valid = [completed(each.value) for each in new.functions.values() if not _problems(each, new)]
    functions = [{key: value for key, value in each.items() if key != "status"} for each in valid]
    children = older.rendered(package, functions, [*_sources(valid, new)], config)
    yield from compare(old, new, lambda parent, _: rendered_in(children, parent))


def _problems(document: Document, side: Side) -> Sequence[Problem]:
    try:
        validated(document, side.config)
    except Unusable as error:
        return error.problems
    return []


def _with_uids(functions: Mapping[Key, Document]) -> dict[Key, Document]:
    """Give each Function a UID of its own: rendered children have no namespace."""
    return {key: _with_uid(document, number) for number, (key, document) in enumerate(sorted(functions.items()))}


def _with_uid(document: Document, number: int) -> Document:
    metadata = value_at(document.value, "metadata")
    if not isinstance(metadata, dict):
        return document
    uid = f"00000000-0000-0000-0000-{number:012}"
    return replace(document, value=document.value | {"metadata": {"uid": uid} | metadata})


def _sources(parents: Iterable[Manifest], side: Side) -> Iterator[Manifest]:
    """Yield what Flux would have fetched: without it, no Deployment is rendered for a source from Git."""
    for parent in parents:
        if "inline" not in parent["spec"]["source"]:
            found = related(parent, side.others)
            yield from (each for group in found.values() for each in group.values())
            children = settled(parent, side.config, {}, found)
            yield from (child for kind, child in children.items() if kind == "GitRepository")
