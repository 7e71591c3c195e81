"""
Read Functions and other objects from YAML or JSON files; each problem has its file and line.

Values are the same as in kubectl (kubectl_yaml.py). A file may have several documents, and Lists that kubectl prints.
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
from hooks.manifest import Manifest, value_at
from hooks.naming import GROUP
from hooks.validation_errors import field_errors

API_VERSION = f"{GROUP}/v1alpha2"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One error in a file; `line` is 0 if it is unknown, `path` is "" for the whole document."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        path = self.path if self.path.isprintable() else ascii(self.path)[1:-1]
        return ": ".join(part for part in (place, path, " ".join(self.message.split())) if part)


class Unusable(Exception):
    """A file, or an object in it, is invalid; `problems` has every reason."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, kw_only=True)
class Document:
    """One YAML document, or one item of a List: its value, and the node with its line numbers."""

    file: str
    value: Any
    node: yaml.Node

    def problem(self, path: str, message: str) -> Problem:
        """Return a problem at `path`, with the line of the deepest part of the path that is in the file."""
        return Problem(file=self.file, line=_line(self.node, path), path=path, message=message)

    def problems(self, error: ValidationError) -> list[Problem]:
        """Return every error that pydantic found in this document."""
        return [self.problem(path, message) for path, message in field_errors(error)]


def objects(names: Iterable[str]) -> tuple[list[Document], list[Manifest], list[Problem]]:
    """Return the Functions in the named files (`-` is standard input), all other objects, and every problem."""
    functions: list[Document] = []
    others: list[Manifest] = []
    problems: list[Problem] = []
    for name in names:
        try:
            for document in documents(name):
                if is_function(document):
                    functions.append(document)
                elif isinstance(document.value, dict):
                    others.append(document.value)
        except Unusable as error:
            problems += error.problems
    message = f'Unsupported value: supported values: "{API_VERSION}"'
    problems += [each.problem("apiVersion", message) for each in functions if each.value["apiVersion"] != API_VERSION]
    return functions, others, problems


def is_function(document: Document) -> bool:
    """Return whether a document is a Function of any version."""
    group = str(value_at(document.value, "apiVersion")).partition("/")[0]
    return group == GROUP and value_at(document.value, "kind") == "Function"


def documents(name: str) -> Iterator[Document]:
    """Yield the documents of one file, and of each List its items; raises Unusable if the file cannot be read."""
    try:
        loader = Loader(sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes())
        while loader.check_node():
            if node := loader.get_node():
                yield from _items(Document(file=name, value=loader.construct_document(node), node=node))
    except (OSError, yaml.YAMLError) as error:
        raise Unusable([_problem(name, error)]) from None


def _problem(file: str, error: Exception) -> Problem:
    """Return what makes a file unreadable, with its line if the YAML reader names one."""
    line, message = 0, str(error)
    if isinstance(error, OSError):
        message = str(error.strerror)
    if isinstance(error, yaml.MarkedYAMLError):
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        message = " ".join(filter(None, (error.context, error.problem)))
    return Problem(file=file, line=line, path="", message=message)


def _items(document: Document) -> Iterator[Document]:
    """Yield the items of a List, else the document itself."""
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
    """Return line and node of the path's first step, and the rest of the path; None if the node has no such step."""
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
