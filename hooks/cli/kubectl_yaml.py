"""
YAML as kubectl reads it.

kubectl follows go-yaml 2: it composes nodes like YAML 1.1 but has its own words for scalars (yaml_scalars.py), merges
keys in the order of the file, and converts the result to JSON, in which every key is a string. Two things are stricter
here: a key may not be given twice, and a tag has to be known.
Source: go.yaml.in/yaml/v2 (decode.go), sigs.k8s.io/yaml (yaml.go).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from hooks.cli.yaml_scalars import PLAIN, plain, tagged

MAX_LEVELS = 100
"""Of nested lists and maps; a Function has about ten."""

_PREFIX = "tag:yaml.org,2002:"


class Loader(yaml.SafeLoader):
    """Composes nodes; construct_document() returns the value of one as kubectl would send it."""

    levels = 0

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return PLAIN if implicit[0] else f"{_PREFIX}str"
        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose within MAX_LEVELS; an anchor may be defined again, which PyYAML rejects."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if not isinstance(event, yaml.AliasEvent):
            self.anchors.pop(getattr(event, "anchor", None), None)
        self.levels += 1
        if self.levels > MAX_LEVELS:
            message = f"more than {MAX_LEVELS} levels of lists and maps"
            raise yaml.composer.ComposerError(None, None, message, event.start_mark)
        node = super().compose_node(parent, index)
        self.levels -= 1
        return node

    def construct_document(self, node: yaml.Node) -> Any:
        return _Constructor().value(node)


class _Constructor:
    """Returns the values of one document's nodes; counts nodes to bound what aliases multiply, as go-yaml does."""

    def __init__(self) -> None:
        self.nodes = self.aliased_nodes = self.open_aliases = 0
        self.seen: set[int] = set()
        self.open: set[int] = set()

    def value(self, node: yaml.Node) -> Any:
        """Return the value of a node; raises ConstructorError for a value that kubectl or the bounds reject."""
        with self._entered(node):
            match node:
                case yaml.ScalarNode():
                    return _scalar(node)
                case yaml.SequenceNode(tag=tag) if tag == f"{_PREFIX}seq":
                    return [self.value(item) for item in node.value]
                case yaml.MappingNode(tag=tag) if tag == f"{_PREFIX}map":
                    return self._mapping(node)
        raise _error(node, f"the tag {node.tag.removeprefix(_PREFIX)} is not supported")

    @contextmanager
    def _entered(self, node: yaml.Node) -> Iterator[None]:
        is_alias = id(node) in self.seen
        if id(node) in self.open:
            raise _error(node, "the value of an anchor contains itself")
        if len(self.open) == MAX_LEVELS:
            raise _error(node, f"more than {MAX_LEVELS} levels of lists and maps")
        self._count(node, is_alias=is_alias)
        self.seen.add(id(node))
        self.open.add(id(node))
        yield
        self.open.remove(id(node))
        self.open_aliases -= is_alias

    def _count(self, node: yaml.Node, *, is_alias: bool) -> None:
        """Count a node, and an alias a second time as go-yaml does: the alias is a node of its own there."""
        self.nodes += 1
        self.aliased_nodes += self.open_aliases > 0
        if is_alias:
            self.open_aliases += 1
            self.nodes += 1
            self.aliased_nodes += 1
        if self.aliased_nodes <= 100 or self.nodes <= 1000:
            return
        if self.aliased_nodes / self.nodes > _allowed_share(self.nodes):
            raise _error(node, "the document consists of too many aliases")

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        found: dict[str, Any] = {}
        given: set[str] = set()
        for key_node, value_node in node.value:
            if key_node.value == "<<" and key_node.tag in (PLAIN, f"{_PREFIX}merge"):
                found |= self._merged(value_node)
                continue
            key = _key(key_node, self.value(key_node))
            if key in given:
                raise _error(key_node, f"{key!r} is given twice")
            given.add(key)
            found[key] = self.value(value_node)
        return found

    def _merged(self, node: yaml.Node) -> dict[str, Any]:
        """Return the value of a <<: one map, or several, of which the first has precedence."""
        maps = list(reversed(node.value)) if isinstance(node, yaml.SequenceNode) else [node]
        found: dict[str, Any] = {}
        for each in maps:
            if not isinstance(each, yaml.MappingNode):
                raise _error(each, "<< needs a map or a list of maps")
            found |= self.value(each)
        return found


def _allowed_share(count: int) -> float:
    """Return which share of a document's nodes may come from aliases: 99 % up to 400,000 nodes, 10 % from 4,000,000."""
    return 0.99 - 0.89 * (min(max(count, 400_000), 4_000_000) - 400_000) / 3_600_000


def _scalar(node: yaml.ScalarNode) -> Any:
    try:
        return tagged(node.tag.removeprefix(_PREFIX), node.value)
    except ValueError as error:
        raise _error(node, str(error)) from None


def _key(node: yaml.Node, value: Any) -> str:
    """Return a key as sigs.k8s.io/yaml writes it."""
    match plain(node.value) if node.tag == PLAIN else value:
        case str(text):
            return text
        case bool(flag):
            return str(flag).lower()
        case int(number):
            return str(number)
        case float(number):
            return f"{number:g}"
    raise _error(node, "a key has to be a string")


def _error(node: yaml.Node, message: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, message, node.start_mark)
