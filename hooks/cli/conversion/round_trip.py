"""
YAML that is read and written again with its comments, quotes, block scalars, anchors and order of keys.

Scalars without quotes are texts here, so that they are written as they were. Indentation is that of most of the
document; spaces within a line and the line breaks of long scalars and of maps in braces are not kept.
"""

import warnings
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import ReusedAnchorWarning
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import LiteralScalarString, PlainScalarString, SingleQuotedScalarString
from ruamel.yaml.tag import Tag

from hooks.cli.dump import AMBIGUOUS
from hooks.cli.kubectl_yaml import Loader
from hooks.cli.yaml_scalars import plain

_TEXT, _NULL = Tag(suffix="tag:yaml.org,2002:str"), Tag(suffix="tag:yaml.org,2002:null")


class _Resolver(VersionedResolver):
    """Takes every scalar as a text, but for the keys `<<` and for nothing at all."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is not ScalarNode or value == "<<":
            return super().resolve(kind, value, implicit)
        return _NULL if implicit[0] and value == "" else _TEXT


def read(text: str) -> Any:
    """Return one document; its maps and lists are those of ruamel.yaml, its scalars texts or null."""
    with warnings.catch_warnings(action="ignore", category=ReusedAnchorWarning):
        return _yaml().load(text)


def write(document: Any, text: str) -> str:
    """Return a document as YAML, indented as `text` is."""
    writer, out = _yaml(), StringIO()
    mapping, dash, item = _indentation(text)
    writer.indent(mapping=mapping, sequence=dash + item, offset=dash)
    writer.dump(document, out)
    return out.getvalue()


def scalar(value: Any) -> Any:
    """Return a value of JSON as a document has it."""
    match value:
        case dict():
            return CommentedMap((scalar(key), scalar(inner)) for key, inner in value.items())
        case list():
            return CommentedSeq(map(scalar, value))
        case str() if "\n" in value:
            return LiteralScalarString(value)
        case str() if plain(value) != value or AMBIGUOUS.fullmatch(value):
            return SingleQuotedScalarString(value)
        case bool() | None:
            return PlainScalarString({True: "true", False: "false", None: "null"}[value])
    return PlainScalarString(str(value))


def _yaml() -> YAML:
    made = YAML()
    made.Resolver = _Resolver
    made.preserve_quotes = True
    made.width = 2**30
    made.allow_unicode = True
    return made


def _indentation(text: str) -> tuple[int, int, int]:
    """Return how far most maps, dashes, and items after their dash are indented."""
    found = list(_steps(Loader(text).get_single_node()))
    return tuple(  # type: ignore[return-value] # three
        Counter(step for each, step in found if each == kind and step > least).most_common(1)[0][0]
        if any(each == kind and step > least for each, step in found)
        else default
        for kind, least, default in (("map", 0, 2), ("dash", -1, 0), ("item", 0, 2))
    )


def _steps(node: Any) -> Iterator[tuple[str, int]]:
    """Yield the kind and size of each step of indentation below a node."""
    if getattr(node, "flow_style", True):
        return
    start = node.start_mark.column
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(value, yaml.CollectionNode) and not value.flow_style:
                kind = "map" if isinstance(value, yaml.MappingNode) else "dash"
                yield kind, value.start_mark.column - key.start_mark.column
            yield from _steps(value)
    else:
        for value in node.value:
            if not isinstance(value, yaml.CollectionNode) or not value.flow_style:
                yield "item", value.start_mark.column - start
            yield from _steps(value)
