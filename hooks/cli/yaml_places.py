"""The lines of YAML nodes: where a field path such as `spec.env[0].name` is in a file."""

import re

import yaml


def line_of(node: yaml.Node, path: str) -> int:
    """Return the line, from 1, of the deepest node that `path` leads to."""
    line: int = node.start_mark.line + 1
    while found := step(node, path):
        line, node, path = found
    return line


def line_in_text(node: yaml.Node, path: str, number: int) -> int:
    """
    Return the line in the file of line `number` of the text at `path`.

    It is known for a block that keeps line breaks (`|`); for any other notation it is the line of the path.
    """
    text = node_at(node, path)
    if number and isinstance(text, yaml.ScalarNode) and text.style == "|":
        first: int = text.start_mark.line + 1
        return first + number
    return line_of(node, path)


def node_at(node: yaml.Node, path: str) -> yaml.Node | None:
    """Return the node at a path, None if there is none."""
    while path:
        if not (found := step(node, path)):
            return None
        _, node, path = found
    return node


def step(node: yaml.Node, path: str) -> tuple[int, yaml.Node, str] | None:
    """Return line and node of the path's first step, and the rest of the path; None if the node has no such step."""
    path = path.lstrip(".[]\"'")
    if isinstance(node, yaml.SequenceNode) and (index := re.match(r"\d{1,9}", path)):
        items = node.value[int(index[0]) : int(index[0]) + 1]
        return (items[0].start_mark.line + 1, items[0], path[index.end() :]) if items else None
    if isinstance(node, yaml.MappingNode):
        matching = [(key, value) for key, value in node.value if _starts_with(path, str(key.value))]
        if matching:
            key, value = max(matching, key=lambda pair: len(pair[0].value))
            return key.start_mark.line + 1, value, path[len(key.value) :]
    return None


def _starts_with(path: str, key: str) -> bool:
    return bool(key) and path.startswith(key) and (len(path) == len(key) or path[len(key)] in ".[]\"'")
