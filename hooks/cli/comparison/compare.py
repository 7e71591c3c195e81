"""Two sets of Functions compared: what changes in the children of each, and why its pods restart."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from hooks.children import KINDS
from hooks.cli.comparison.changes import Change, changes, comparable, same_data, template
from hooks.cli.comparison.children import Children, settled
from hooks.cli.comparison.reasons import reasons
from hooks.cli.comparison.sources import related
from hooks.cli.document import Document
from hooks.cli.files import Objects
from hooks.cli.live_children import live_children
from hooks.cli.problem import Problem, Unusable
from hooks.cli.render import NO_UID, completed, validated
from hooks.config import Config
from hooks.manifest import Manifest, value_at
from hooks.protocol import Unreadable

Key = tuple[str, str]
"""Namespace and name."""


class Outcome(StrEnum):
    """What happens to a Function and its pods."""

    CREATED = "created"
    DELETED = "deleted"
    REFUSED = "refused"
    REPAIRED = "repaired"
    CHANGED = "changed"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """
    One Function whose children differ, or that is refused.

    `restarts` is whether the pod template of an existing Deployment changes, and `reasons` are the words for why.
    `created` and `deleted` are kinds of children, `changed` has the changes by kind. `replicas` is the new number.
    `problems` are those of a refused Function.
    """

    key: Key
    outcome: Outcome
    restarts: bool = False
    reasons: Sequence[str] = ()
    created: Sequence[str] = ()
    deleted: Sequence[str] = ()
    changed: dict[str, list[Change]] = field(default_factory=dict)
    replicas: int = 1
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of two sets of Functions; other objects count if they are live children, or sources of Flux."""

    functions: dict[Key, Document]
    others: list[Manifest]
    config: Config

    @classmethod
    def of(cls, found: Objects, config: Config) -> "Side":
        """Return the objects of some files."""
        return cls(
            functions={_key(each): each for each in found.functions},
            others=[each.value for each in found.others],
            config=config,
        )


Before = Callable[[Manifest, Side], Children]
"""Returns the children that a valid Function has before the change."""


def compare(old: Side, new: Side, before: Before | None = None) -> Iterator[Comparison]:
    """Yield each Function that differs, sorted by namespace and name; raises Unusable for malformed live children."""
    for key in sorted({*old.functions, *new.functions}):
        document = new.functions.get(key, old.functions.get(key))
        try:
            found = _compared(key, old, new, before or _present)
        except (AttributeError, KeyError, TypeError, ValueError, Unreadable):
            if not document or not KINDS.keys() & {each.get("kind") for each in old.others}:
                raise
            raise Unusable([document.problem("", "its children are not as the API server stores them")]) from None
        if found:
            yield found


def _compared(key: Key, old: Side, new: Side, before: Before) -> Comparison | None:
    first, second = old.functions.get(key), new.functions.get(key)
    uid = next(filter(None, (value_at(each and each.value, "metadata", "uid") for each in (first, second))), NO_UID)
    had = _parent(first, uid) if first else None
    present = _before(first, had, old, before) if first and had else None
    if not second:
        return Comparison(key=key, outcome=Outcome.DELETED, deleted=list(present or ()))
    try:
        validated(second, new.config)
    except Unusable as error:
        return Comparison(key=key, outcome=Outcome.REFUSED, problems=error.problems)
    parent = _parent(second, uid)
    wanted = settled(parent, new.config, present or {}, related(parent, new.others, old.others))
    if present:
        return _changed(key, present, wanted)
    return Comparison(key=key, outcome=Outcome.REPAIRED if first else Outcome.CREATED, created=list(wanted))


def _before(document: Document, parent: Manifest, side: Side, before: Before) -> Children:
    """Return the children before the change; of an invalid Function only those that are observed."""
    try:
        validated(document, side.config)
    except Unusable:
        return live_children(side.others, parent)
    return before(parent, side)


def _present(parent: Manifest, side: Side) -> Children:
    """Return the live children, and of kinds that are not among the objects those that the hook returns."""
    live, dumped = live_children(side.others, parent), {each.get("kind") for each in side.others}
    made = settled(parent, side.config, {}, related(parent, side.others))
    return {**{kind: child for kind, child in made.items() if not (live and kind in dumped)}, **live}


def _changed(key: Key, present: Children, wanted: Children) -> Comparison | None:
    if "Deployment" in present and "Deployment" in wanted:
        wanted = {**wanted, "Deployment": same_data(present["Deployment"], wanted["Deployment"])}
    pairs = {kind: (comparable(present[kind]), comparable(wanted[kind])) for kind in wanted if kind in present}
    changed = {kind: found for kind, pair in pairs.items() if (found := changes(*pair))}
    created, deleted = (
        [each for each in wanted if each not in present],
        [each for each in present if each not in wanted],
    )
    if not (changed or created or deleted):
        return None
    before, after = pairs.get("Deployment", ({}, {}))
    return Comparison(
        key=key,
        outcome=Outcome.CHANGED,
        restarts=template(before) != template(after),
        reasons=reasons(changed.get("Deployment", [])),
        created=created,
        deleted=deleted,
        changed=changed,
        replicas=value_at(after, "spec", "replicas"),
    )


def _key(document: Document) -> Key:
    return document.namespace, document.name


def _parent(document: Document, uid: str) -> Manifest:
    """Return the Function as Metacontroller would send it, with the UID that both sides have."""
    parent = completed(document.value)
    metadata = value_at(parent, "metadata")
    known = metadata if isinstance(metadata, dict) else {}
    return {key: value for key, value in parent.items() if key != "status"} | {"metadata": known | {"uid": uid}}
