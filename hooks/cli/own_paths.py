"""The paths and messages of the rules, which read v1alpha2, for a file that has v2alpha1."""

from collections.abc import Iterator
from itertools import accumulate, takewhile

from hooks.moved_fields import MOVED, Group


def in_v2alpha1(path: str, message: str = "") -> tuple[str, str]:
    """Return the path and the message in v2alpha1; a map that v2alpha1 lacks is the map that has its fields there."""
    if own := _MESSAGES.get((path, message)):
        return own
    for before, after in _PATHS.items():
        if path == before or path.startswith((f"{before}.", f"{before}[")):
            return after + path[len(before) :], message
    return path, message


def _paths(group: Group) -> Iterator[tuple[str, str]]:
    """Yield the path of each field of v1alpha2 and of each map around it, with its path in v2alpha1."""
    afters: dict[str, list[list[str]]] = {}
    for before, after in group.fields:
        for place in accumulate(before.split("."), "{}.{}".format):
            afters.setdefault(place, []).append(after.split("."))
    parent = ["spec", *filter(None, [group.parent])]
    for place, others in afters.items():
        common = takewhile(lambda keys: len(set(keys)) == 1, zip(*others, strict=False))
        yield ".".join((*parent, place)), ".".join((*parent, *(keys[0] for keys in common)))


_PATHS = dict(sorted((pair for group in MOVED.values() for pair in _paths(group)), key=lambda pair: -len(pair[0])))
_MESSAGES = {
    ("spec.resourceConfiguration.function", "Invalid value: must have exactly one of profile and resources"): (
        "spec.resourceConfiguration",
        "Invalid value: must not have both profile and requests or limits",
    ),
    ("spec.source.inline.source", "Required value"): (
        "spec.source.dependencies",
        "Forbidden: may only be set with inline",
    ),
}
"""Errors that have another cause in v2alpha1: dependencies, for example, make an inline source of v1alpha2."""
