"""The values of a converted Function, each as the text had it: with its comments, quotes and style."""

import re
from functools import cache
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString
from ruamel.yaml.tokens import CommentToken

from hooks.cli.conversion.comments import Path
from hooks.cli.conversion.round_trip import scalar
from hooks.convert import KEPT
from hooks.moved_fields import MOVED

_MISSING = object()


@cache
def places(target: int) -> dict[Path, Path]:
    """Return the path of each moved field in the target version, with its path in the other one."""
    found: dict[Path, Path] = {}
    for group in MOVED.values():
        for pair in group.fields:
            after, before = (("spec", group.parent, *pair[side].split(".")) for side in (target, 1 - target))
            found[after] = before
    return found


def moved(path: Path, target: int) -> Path:
    """Return the path in the target version for one in the other version."""
    for after, before in places(target).items():
        if path[: len(before)] == before:
            return after + path[len(before) :]
    return path


class Graft:
    """Makes a document of a converted value, from the value before and the document that it was read from."""

    def __init__(self, value: Any, document: Any, target: int) -> None:
        self.before, self.document, self.places = value, document, places(target)
        self.moved = set(self.places.values())
        self.keys: dict[int, dict[Any, Any]] = {}

    def value(self, wanted: Any, path: Path = ()) -> Any:
        """Return the part at `path` in the target version: what the document has for it, or what it lacks as new."""
        place = self.places.get(path, path)
        found, part = at(self.before, place), at(self.document, place)
        if found is wanted and part is not _MISSING:
            return part
        if isinstance(wanted, dict):
            return self._map(wanted, path)
        if isinstance(wanted, list) and isinstance(part, CommentedSeq) and len(part) == len(wanted):
            for number, each in enumerate(wanted):
                part[number] = self.value(each, (*path, number))
            return part
        if isinstance(wanted, str) and isinstance(part, DoubleQuotedScalarString | SingleQuotedScalarString):
            return type(part)(wanted)
        return scalar(wanted)

    def _map(self, wanted: dict[str, Any], path: Path) -> CommentedMap:
        made, base = CommentedMap(), at(self.document, path)
        if isinstance(base, CommentedMap):
            made.ca.comment, made.ca.end = base.ca.comment, base.ca.end
            _ = base.fa.flow_style() and made.fa.set_flow_style()
        for key in sorted(wanted, key=lambda key: not self._is_first(key, path)):
            self._add(made, (*path, key), wanted[key])
        return made

    def _add(self, made: CommentedMap, path: Path, wanted: Any) -> None:
        """Add a key with its value, its quotes, and the comments behind it; those of a moved field go with it."""
        *above, last = self.places.get(path, path)
        around = at(self.document, tuple(above))
        keys = self._keys(around)
        key = keys[last] if last == path[-1] and last in keys else scalar(path[-1])
        made[key] = self.value(wanted, path)
        if last in keys and last in around.ca.items and (path in self.places or path not in self.moved):
            made.ca.items[key] = around.ca.items[last]
            if path in self.places:
                _outdent(around.ca.items[last])

    def _keys(self, around: Any) -> dict[Any, Any]:
        """Return the keys of a map of the document, each with its quotes."""
        if not isinstance(around, CommentedMap):
            return {}
        if id(around) not in self.keys:
            self.keys[id(around)] = {key: key for key in around}
        return self.keys[id(around)]

    def _is_first(self, key: str, path: Path) -> bool:
        """Return whether a key is new in the metadata: comments after the last key belong to what follows there."""
        new = at(self.before, (*path, key)) is _MISSING
        return new and path[:1] in ((), ("metadata",)) and key in ("annotations", KEPT)


def _outdent(tokens: list[Any]) -> None:
    """Move comments below a value to the start of their lines: else they may become part of a block that moves."""
    for token in tokens:
        if isinstance(token, CommentToken):
            token.value = re.sub(r"\n +#", "\n#", token.value)


def at(value: Any, path: Path) -> Any:
    """Return what is at a path, _MISSING if nothing is."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return _MISSING
    return value
