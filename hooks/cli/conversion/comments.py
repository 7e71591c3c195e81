"""
The comments of a YAML document: each one stays, above the key that it stood above, when keys change their places.
"""

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

from hooks.cli.kubectl_yaml import Loader

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Comment:
    """A comment: where it starts, its text, the column of what follows, and whether it has a line of its own."""

    index: int
    text: str
    column: int
    next_column: int
    alone: bool

    @property
    def aligned(self) -> bool:
        """Whether it stands above what follows, in the same column."""
        return self.alone and self.column == self.next_column


def comments(text: str) -> Iterator[Comment]:
    """Yield the comments of one document in their order, but for those in the first line of a block scalar."""
    end = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        start = token.start_mark.index
        while end < start and (index := text.find("#", end, start)) >= 0:
            line = _line(text, index)
            end = text.find("\n", index, start) + 1 or start
            column, alone = index - line, not text[line:index].strip()
            yield Comment(index, text[index:end].strip(), column, token.start_mark.column, alone)
        end = max(end, token.end_mark.index)


def aligned(before: str, after: str) -> str:
    """Return `after` with the comments that stand above a key in `before` in the column of the key below them."""
    found = list(comments(before))
    movable = {each.text for each in found if each.aligned} - {
        each.text for each in found if each.alone and not each.aligned
    }
    found = [each for each in comments(after) if each.alone and each.text in movable]
    return _edited(after, [(each.index - each.column, each.index, " " * each.next_column) for each in found])


def restored(before: str, after: str, place: Callable[[Path], Path]) -> str:
    """
    Return `after` with the comments that only `before` has, each in a line above the next key that both have.

    `place` returns the path in `after` for one in `before`. Without such a key, the comments are at the end.
    """
    left = Counter(each.text for each in comments(after))
    before_keys, after_keys = keys(before), {path: index for index, path in keys(after)}
    edits = []
    places = [(index, after_keys[there]) for index, path in before_keys if (there := place(path)) in after_keys]
    for each in comments(before):
        left[each.text] -= 1
        if left[each.text] < 0:
            number = bisect(places, (each.index,))
            line = _line(after, places[number][1]) if number < len(places) else len(after)
            edits.append((line, line, f"{_indent(after, line)}{each.text}\n"))
    return _edited(after, sorted(edits, key=lambda edit: edit[0]))


def _edited(text: str, edits: list[tuple[int, int, str]]) -> str:
    """Return a text with the parts from start to end replaced; the edits are in the order of their places."""
    parts: list[str] = []
    done = 0
    for start, end, new in edits:
        parts += text[done:start], new
        done = end
    return "".join((*parts, text[done:]))


def _line(text: str, index: int) -> int:
    """Return where the line of an index starts."""
    return text.rfind("\n", 0, index) + 1


def _indent(text: str, line: int) -> str:
    end = line
    while text.startswith(" ", end):
        end += 1
    return text[line:end]


def keys(text: str) -> list[tuple[int, Path]]:
    """Return where each key of a document starts, with its path, in their order."""
    node = Loader(text).get_single_node()
    return sorted(_keys(node, (), set()))


def _keys(node: yaml.Node | None, path: Path, seen: set[int]) -> Iterator[tuple[int, Path]]:
    """Yield the keys below a node; the value of an anchor only where it is defined."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key.start_mark.index, (*path, str(key.value))
            yield from _keys(value, (*path, str(key.value)), seen)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _keys(value, (*path, number), seen)
