"""
The comments of a YAML document: each one stays, above the key that it stood above, when keys change their places.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

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
            line = text.rfind("\n", 0, index) + 1
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
    for each in reversed(list(comments(after))):
        if each.alone and each.text in movable:
            line = each.index - each.column
            after = after[:line] + " " * each.next_column + after[each.index :]
    return after


def restored(before: str, after: str, place: Callable[[Path], Path]) -> str:
    """
    Return `after` with the comments that only `before` has, each in a line above the next key that both have.

    `place` returns the path in `after` for one in `before`. Without such a key, the comments are at the end.
    """
    left = Counter(each.text for each in comments(after))
    for each in comments(before):
        left[each.text] -= 1
        if left[each.text] < 0:
            after = _with_comment(after, each.text, [place(path) for index, path in keys(before) if index > each.index])
    return after


def _with_comment(text: str, comment: str, paths: list[Path]) -> str:
    places = {path: index for index, path in keys(text)}
    index = next((places[path] for path in paths if path in places), None)
    if index is None:
        return f"{text}{comment}\n"
    line = text.rfind("\n", 0, index) + 1
    indent = len(text[line:]) - len(text[line:].lstrip(" "))
    return f"{text[:line]}{' ' * indent}{comment}\n{text[line:]}"


def keys(text: str) -> list[tuple[int, Path]]:
    """Return where each key of a document starts, with its path, in their order."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
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
