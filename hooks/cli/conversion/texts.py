"""
Convert the Functions in the text of a file, and leave everything else in it as it is.

Other documents, Functions that have the version already, and what is around a document stay byte for byte.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from ruamel.yaml.error import YAMLError

from hooks.cli.conversion.comments import Path, aligned, restored
from hooks.cli.conversion.graft import Graft, moved
from hooks.cli.conversion.round_trip import read, write
from hooks.cli.dump import to_yaml
from hooks.cli.kubectl_yaml import Loader
from hooks.convert import convert
from hooks.manifest import Manifest, as_mapping
from hooks.moved_fields import VERSIONS

_BETWEEN = re.compile(
    r"\ufeff|(?:---(?=\s|$)[^\S\n]*(?:#.*\n?|\n)?|[^\S\n]*(?:#.*)?(?:\n|$)|%.*\n?|\.\.\.(?=\s|$).*\n?)"
)
"""A line, or the marker in front of a document, that has no content."""


class NotConverted(Exception):
    """A document cannot be read on its own."""


def converted_text(text: str, version: str) -> str:
    """Return the text of a file with its Functions in a version; raises NotConverted."""
    try:
        return "".join(_document(*parts, version) for parts in _documents(text))
    except yaml.YAMLError:
        raise NotConverted("has a document that cannot be read on its own, such as one with a %TAG directive") from None


def _documents(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield what is before each document, the document, and what is after it."""
    lines: list[str] = []
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if lines and (re.match(r"---(?=\s|$)", line) or re.match(r"\.\.\.(?=\s|$)", lines[-1])):
            yield _parts(lines)
            lines = []
        lines.append(line)
    yield _parts(lines)


def _parts(lines: list[str]) -> tuple[str, str, str]:
    text, start = "".join(lines), 0
    while start < len(text) and (found := _BETWEEN.match(text, start)) and found.end() > start:
        start = found.end()
    end = len(lines)
    while end and _BETWEEN.fullmatch(lines[end - 1]):
        end -= 1
    while end < len(lines) and not lines[end].strip():
        end += 1
    stop = max(start, sum(map(len, lines[:end])))
    return text[:start], text[start:stop], text[stop:]


def _document(before: str, text: str, after: str, version: str) -> str:
    """Return one document with what is around it."""
    value: Any = _value(text) if text else None
    wanted = converted(value, version)
    if wanted is value:
        return before + text + after
    ends = "\r\n" if "\r\n" in text else "\n"
    return before + _written(text.replace("\r\n", "\n"), value, wanted).replace("\n", ends) + after


def converted(value: Any, version: str) -> Any:
    """Return an object in a version, or a List with its Functions in it; anything else is the same object."""
    if not isinstance(value, dict):
        return value
    items = value.get("items")
    if value.get("kind") == "List" and isinstance(items, list):
        after = [converted(each, version) if _is_function(each) else each for each in items]
        unchanged = all(new is old for new, old in zip(after, items, strict=True))
        return value if unchanged else {**value, "items": after}
    return convert(value, version) if _is_function(value) else value


def _is_function(value: Any) -> bool:
    found = as_mapping(value)
    return found.get("kind") == "Function" and found.get("apiVersion") in VERSIONS


def _value(text: str) -> Any:
    loader = Loader(text)
    node = loader.get_single_node()
    return loader.construct_document(node) if node else None


def _written(text: str, value: Any, wanted: Manifest) -> str:
    """Return the text of a converted document: in its own style, or else as every manifest is printed."""
    for candidate in _candidates(text, value, wanted):
        if _is_text_of(candidate, wanted):
            return candidate
    return restored(text, to_yaml(wanted), lambda path: path)


def _candidates(text: str, value: Manifest, wanted: Manifest) -> Iterator[str]:
    if (as_json := _json(text, wanted)) is not None:
        yield as_json
    try:
        made = write(_grafted(read(text), value, wanted), text)
        kept = aligned(text, restored(text, made, lambda path: _place(path, wanted)))
    except (YAMLError, yaml.YAMLError, AttributeError, NotImplementedError, TypeError):  # of ruamel.yaml
        return
    if not text.endswith("\n"):
        yield kept.removesuffix("\n")
    yield kept


def _grafted(document: Any, value: Manifest, wanted: Manifest) -> Any:
    if wanted.get("kind") != "List":
        return Graft(value, document, VERSIONS.index(wanted["apiVersion"])).value(wanted)
    for number, (old, new) in enumerate(zip(value["items"], wanted["items"], strict=True)):
        if new is not old:
            target = VERSIONS.index(new["apiVersion"])
            document["items"][number] = Graft(old, document["items"][number], target).value(new)
    return document


def _place(path: Path, wanted: Manifest) -> Path:
    """Return the path in the converted document for one in the document before."""
    if wanted.get("kind") != "List":
        return moved(path, VERSIONS.index(wanted["apiVersion"]))
    if len(path) > 2 and _is_function(item := wanted["items"][int(path[1])]):
        return path[:2] + moved(path[2:], VERSIONS.index(item["apiVersion"]))
    return path


def _json(text: str, wanted: Manifest) -> str | None:
    """Return JSON with the indentation of `text`; None if that is no JSON."""
    try:
        json.loads(text)
    except ValueError:
        return None
    indent = re.search(r"\n([ \t]+)\S", text)
    separators = None if indent or ": " in text else (",", ":")
    made = json.dumps(wanted, indent=indent and indent[1], separators=separators, ensure_ascii=text.isascii())
    return made + text[len(text.rstrip()) :]


def _is_text_of(text: str, wanted: Manifest) -> bool:
    try:
        return json.dumps(_value(text), sort_keys=True) == json.dumps(wanted, sort_keys=True)
    except (ValueError, yaml.YAMLError):
        return False
