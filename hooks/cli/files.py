"""
Read Functions from YAML or JSON files, and say of each fault on which line it is.

Values are read as kubectl reads them (kubectl_yaml.py). A file may hold several documents, and Lists as kubectl prints
them; what is no Function is left alone.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hooks.cli.kubectl_yaml import Loader
from hooks.naming import GROUP
from hooks.validation_errors import field_errors

VERSION = "v1alpha2"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One fault in a file; `line` is 0 where there is none, `path` is empty for the whole document."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        path = self.path if self.path.isprintable() else ascii(self.path)[1:-1]
        return ": ".join(part for part in (place, path, " ".join(self.message.split())) if part)


class Unusable(Exception):
    """What was read cannot be used; `problems` says why."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, kw_only=True)
class Document:
    """One YAML document: its value, and its nodes, which know their lines."""

    file: str
    value: Any
    node: yaml.Node

    def problem(self, path: str, message: str) -> Problem:
        """Return a fault at `path`, on the line of the nearest thing that was written."""
        return Problem(file=self.file, line=_line(self.node, path), path=path, message=message)

    def problems(self, error: ValidationError) -> list[Problem]:
        """Return every fault that pydantic found in this document."""
        return [self.problem(path, message) for path, message in field_errors(error)]


def functions(names: Iterable[str]) -> tuple[list[Document], list[Problem]]:
    """Return every Function in the named files, `-` being standard input, and every fault in the way of that."""
    found: list[Document] = []
    problems: list[Problem] = []
    for name in names:
        try:
            found += filter(is_function, documents(name))
        except Unusable as error:
            problems += error.problems
    problems += [
        document.problem("apiVersion", f"expected {GROUP}/{VERSION}")
        for document in found
        if document.value["apiVersion"] != f"{GROUP}/{VERSION}"
    ]
    return found, problems


def is_function(document: Document) -> bool:
    """Say whether a document is a Function, of whatever version."""
    value = document.value
    return (
        isinstance(value, dict)
        and value.get("kind") == "Function"
        and str(value.get("apiVersion")).startswith(f"{GROUP}/")
    )


def documents(name: str) -> Iterator[Document]:
    """Yield the documents of one file, those in a List one by one; raises Unusable if it cannot be read."""
    try:
        loader = Loader(sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes())
    except OSError as error:
        raise Unusable([Problem(file=name, line=0, path="", message=str(error.strerror))]) from None
    except yaml.YAMLError as error:
        raise Unusable([Problem(file=name, line=0, path="", message=str(error))]) from None
    try:
        while loader.check_node():
            if node := loader.get_node():
                yield from _each(Document(file=name, value=loader.construct_document(node), node=node))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        message = " ".join(filter(None, (error.context, error.problem)))
        raise Unusable([Problem(file=name, line=line, path="", message=message)]) from None
    except yaml.YAMLError as error:
        raise Unusable([Problem(file=name, line=0, path="", message=str(error))]) from None


def _each(document: Document) -> Iterator[Document]:
    """Yield what a List holds, else the document itself."""
    value, items = document.value, _step(document.node, "items")
    if not (isinstance(value, dict) and value.get("kind") == "List" and items):
        yield document
    elif isinstance(items[1], yaml.SequenceNode):
        for item, node in zip(value["items"], items[1].value, strict=True):
            yield Document(file=document.file, value=item, node=node)


def _line(node: yaml.Node, path: str) -> int:
    """Return the line of the deepest node that `path` leads to."""
    line: int = node.start_mark.line + 1
    while step := _step(node, path):
        line, node, path = step
    return line


def _step(node: yaml.Node, path: str) -> tuple[int, yaml.Node, str] | None:
    """Return the line, node and rest of the path after its first step, None where it leads no further."""
    path = path.lstrip(".[]\"'")
    if isinstance(node, yaml.SequenceNode) and (index := re.match(r"\d+", path)):
        items = node.value[int(index[0]) : int(index[0]) + 1]
        return (items[0].start_mark.line + 1, items[0], path[index.end() :]) if items else None
    if isinstance(node, yaml.MappingNode):
        matching = [(key, value) for key, value in node.value if _starts_with(path, str(key.value))]
        if matching:
            key, value = max(matching, key=lambda pair: len(pair[0].value))
            return key.start_mark.line + 1, value, path[len(key.value) :]
    return None


def _starts_with(path: str, key: str) -> bool:
    return path.startswith(key) and (len(path) == len(key) or path[len(key)] in ".[]\"'")
