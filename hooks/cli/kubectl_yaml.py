"""
YAML as kubectl reads it, in which a name may be a boolean and a time of day is a text.

kubectl follows go-yaml 2: it composes like YAML 1.1 but has its own words for what a plain text means, merges keys in
the order in which they stand, and makes JSON of the result, so that every key is a text. Two things are stricter here:
no key may be given twice, and no tag may be unknown.
Source: go.yaml.in/yaml/v2 (resolve.go, decode.go), sigs.k8s.io/yaml (yaml.go).
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import yaml

MOST_LEVELS = 100
"""Of lists and maps within each other; a Function needs a tenth of it."""

_TAG = "tag:yaml.org,2002:"
_PLAIN = "plain"
"""What a text without quotes and tag is marked with, until its meaning is looked for."""
_WORDS: dict[str, bool | float | None] = {"": None, "~": None, ".nan": math.nan, ".NaN": math.nan, ".NAN": math.nan}
_WORDS |= {form: True for word in ("y", "yes", "true", "on") for form in (word, word.title(), word.upper())}
_WORDS |= {form: False for word in ("n", "no", "false", "off") for form in (word, word.title(), word.upper())}
_WORDS |= dict.fromkeys(("null", "Null", "NULL"))
_WORDS |= {f"{sign}{form}": float(f"{sign}inf") for sign in ("", "+", "-") for form in (".inf", ".Inf", ".INF")}
_INTEGER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]++)|0[bB]([01]++)|0[oO]?([0-7]++)|(0|[1-9][0-9]*+))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]++|[0-9]++(\.[0-9]*+)?)([eE][-+]?[0-9]++)?")
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])_(?=[0-9])")
_BASES = (16, 2, 8, 10)
_DIGITS = 64
"""As many digits has the longest number in base 2."""


def plain(text: str) -> Any:
    """Return what a text without quotes means: a boolean, a number, None, or itself."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    number = _BETWEEN_DIGITS.sub("", text) if text[0] == "." else text.replace("_", "")
    if text[0] != "." and (integer := _INTEGER.fullmatch(number)):
        sign, *digits = integer.groups()
        if (value := _in_64_bits(sign, digits)) is not None:
            return value
    return float(number) if _FLOAT.fullmatch(number) and math.isfinite(float(number)) else text


def _in_64_bits(sign: str, digits: list[str | None]) -> int | None:
    """Return a number that Go has a type for, else None: it becomes a float."""
    base, text = next((base, text) for base, text in zip(_BASES, digits, strict=True) if text)
    text = text.lstrip("0") or "0"
    value = int(text, base) if len(text) <= _DIGITS else 2**64
    if sign == "-":
        return -value if value <= 2**63 else None
    return value if value < 2 ** (63 if sign else 64) else None


class Loader(yaml.SafeLoader):
    """Composes nodes; construct_document() makes of one what kubectl would send."""

    levels = 0

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else f"{_TAG}str"
        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose within bounds; an anchor may be given again, and from there on stands for something else."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if not isinstance(event, yaml.AliasEvent):
            self.anchors.pop(getattr(event, "anchor", None), None)
        self.levels += 1
        if self.levels > MOST_LEVELS:
            message = f"more than {MOST_LEVELS} levels of lists and maps"
            raise yaml.composer.ComposerError(None, None, message, event.start_mark)
        node = super().compose_node(parent, index)
        self.levels -= 1
        return node

    def construct_document(self, node: yaml.Node) -> Any:
        return _Values().of(node)


class _Values:
    """Makes values of the nodes of one document."""

    def __init__(self) -> None:
        self.all = self.of_aliases = self.aliases = 0
        self.seen: set[int] = set()
        self.open: set[int] = set()

    def of(self, node: yaml.Node) -> Any:
        """Return the value of a node; raises ConstructorError where kubectl or the bounds refuse it."""
        with self._entered(node):
            match node:
                case yaml.ScalarNode():
                    return _scalar(node)
                case yaml.SequenceNode(tag=tag) if tag == f"{_TAG}seq":
                    return [self.of(item) for item in node.value]
                case yaml.MappingNode(tag=tag) if tag == f"{_TAG}map":
                    return self._mapping(node)
        raise _error(node, f"the tag {node.tag} is not supported")

    @contextmanager
    def _entered(self, node: yaml.Node) -> Iterator[None]:
        """Keep count of what aliases add, as go-yaml does, and of what is inside of what."""
        is_alias = id(node) in self.seen
        if id(node) in self.open:
            raise _error(node, "the value of an anchor contains itself")
        if len(self.open) == MOST_LEVELS:
            raise _error(node, f"more than {MOST_LEVELS} levels of lists and maps")
        for _ in range(1 + is_alias):
            self.all += 1
            self.of_aliases += self.aliases > 0
            self.aliases += is_alias
        self.aliases -= is_alias
        if self.of_aliases > 100 and self.all > 1000 and self.of_aliases / self.all > _allowed_share(self.all):
            raise _error(node, "the document consists of too many aliases")
        self.seen.add(id(node))
        self.open.add(id(node))
        yield
        self.open.remove(id(node))
        self.aliases -= is_alias

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        found: dict[str, Any] = {}
        given: set[str] = set()
        for key_node, value_node in node.value:
            if key_node.value == "<<" and key_node.tag in (_PLAIN, f"{_TAG}merge"):
                found |= self._merged(value_node)
                continue
            key = _key(key_node, self.of(key_node))
            if key in given:
                raise _error(key_node, f"{key!r} is given twice")
            given.add(key)
            found[key] = self.of(value_node)
        return found

    def _merged(self, node: yaml.Node) -> dict[str, Any]:
        """Return what a << stands for: one map, or several of which the first counts most."""
        maps = list(reversed(node.value)) if isinstance(node, yaml.SequenceNode) else [node]
        found: dict[str, Any] = {}
        for each in maps:
            if not isinstance(each, yaml.MappingNode):
                raise _error(each, "<< needs a map or a list of maps")
            found |= self.of(each)
        return found


def _allowed_share(count: int) -> float:
    """Return how much of a document may come from aliases: 99 % of a small one, 10 % of a large one."""
    return 0.99 - 0.89 * (min(max(count, 400_000), 4_000_000) - 400_000) / 3_600_000


def _scalar(node: yaml.ScalarNode) -> Any:
    kind = node.tag.removeprefix(_TAG)
    make = _KINDS.get(kind)
    value = make(node.value) if make else None
    if make is None or value is _WRONG:
        raise _error(node, f"this is no {kind}" if make else f"the tag {node.tag} is not supported")
    if isinstance(value, float) and not math.isfinite(value):
        raise _error(node, "JSON has no such number")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return value


_WRONG = object()


def _one_of(*types: type) -> Callable[[str], Any]:
    return lambda text: value if type(value := plain(text)) in types else _WRONG


def _binary(text: str) -> Any:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return _WRONG


def _text(text: str) -> Any:
    """JSON writes a character beyond the first 65,536 as two halves; one half alone is none."""
    try:
        return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return _WRONG


_KINDS: dict[str, Callable[[str], Any]] = {
    _PLAIN: plain,
    "str": _text,
    "int": _one_of(int),
    "float": _one_of(int, float),
    "bool": _one_of(bool),
    "null": _one_of(type(None)),
    "timestamp": str,
    "binary": _binary,
}


def _key(node: yaml.Node, value: Any) -> str:
    """Return a key as sigs.k8s.io/yaml writes it."""
    match plain(node.value) if node.tag == _PLAIN else value:
        case str(text):
            return text
        case bool(flag):
            return str(flag).lower()
        case int(number):
            return str(number)
        case float(number):
            return f"{number:g}"
    raise _error(node, "a key has to be a text")


def _error(node: yaml.Node, message: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, message, node.start_mark)
