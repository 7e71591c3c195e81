"""
Read Functions and other objects from YAML or JSON files; each problem has its file and line.

Values are the same as in kubectl (kubectl_yaml.py). A file may have several documents, or Lists as kubectl prints them.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

import yaml

from hooks.cli import handler_files
from hooks.cli.document import Document
from hooks.cli.kubectl_yaml import Loader
from hooks.cli.problem import Problem, Unusable
from hooks.cli.yaml_places import step
from hooks.manifest import as_text, value_at
from hooks.moved_fields import VERSIONS
from hooks.naming import GROUP

_VERSIONS = [f'"{each}"' for each in VERSIONS]
SKIPPED = frozenset({"node_modules", "__pycache__", "venv"})
"""Directories, besides hidden ones, in which no Functions are looked for."""
_SIMILAR = 0.7


@dataclass
class Objects:
    """The Functions, all other objects, and every problem of some files."""

    functions: list[Document] = field(default_factory=list)
    others: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def objects(names: Iterable[str], *, allow_empty: bool = False) -> Objects:
    """Return what is in the named files (`-` is standard input); no Function is a problem unless `allow_empty`."""
    found, names = Objects(), list(names)
    for name in names:
        for file in expanded(name):
            read(file, found)
    found.problems += given_twice(found.functions)
    if not (found.functions or found.problems or allow_empty):
        found.problems.append(nothing_found(", ".join(names), found.others))
    return found


def expanded(name: str) -> list[str]:
    """Return the YAML files in a directory and below it, sorted; the name itself if it is no directory."""
    if name == "-" or not os.path.isdir(name):
        return [name]
    found = []
    for directory, below, files in os.walk(name):
        below[:] = sorted(each for each in below if not each.startswith(".") and each not in SKIPPED)
        found += [os.path.join(directory, file) for file in sorted(files) if file.endswith((".yaml", ".yml"))]
    return found


def read(name: str, found: Objects) -> None:
    """Add what is in one file to `found`."""
    try:
        for document in documents(name):
            if is_function(document):
                found.functions.append(handler_files.with_source(document).as_stored())
            elif isinstance(document.value, dict):
                found.others.append(document)
            found.problems += _not_a_function(document)
    except Unusable as error:
        found.problems += error.problems


def is_function(document: Document) -> bool:
    """Return whether a document is a Function of any version."""
    return _group(document) == GROUP and document.kind == "Function"


def nothing_found(place: str, others: Iterable[Document]) -> Problem:
    """Return the problem that there is no Function, with what there is instead."""
    kinds = sorted({each.kind or "an object without a kind" for each in others})
    wanted = f'no Function: expected an object with apiVersion {" or ".join(_VERSIONS)} and kind "Function"'
    return Problem(file=place, message=f"{wanted}, found {', '.join(kinds) if kinds else 'no object'}")


def given_twice(functions: Iterable[Document]) -> Iterator[Problem]:
    """Yield a problem for each Function that has the namespace and the name of an earlier one."""
    first: dict[tuple[str, str], Document] = {}
    for each in functions:
        namespace = as_text(value_at(each.value, "metadata", "namespace")) or "default"
        earlier = first.setdefault((namespace, each.name), each)
        if earlier is not each and each.name:
            place = earlier.problem("metadata.name", "")
            yield each.problem("metadata.name", f'Duplicate value: "{each.name}": also at {place.file}:{place.line}')


def documents(name: str) -> Iterator[Document]:
    """Yield the documents of one file, and of each List its items; raises Unusable if the file cannot be read."""
    data = b""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        loader = Loader(data)
        while loader.check_node():
            if node := loader.get_node():
                yield from _items(Document(file=name, value=loader.construct_document(node), node=node))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Unusable([_problem(name, error, data)]) from None


def _group(document: Document) -> str:
    return as_text(value_at(document.value, "apiVersion")).partition("/")[0]


def _not_a_function(document: Document) -> Iterator[Problem]:
    """Yield a problem for an object that is meant as a Function but has another version, kind or group."""
    group, kind = _group(document), document.kind
    is_ours, is_kind = group == GROUP, kind == "Function"
    version = f"Unsupported value: supported values: {', '.join(_VERSIONS)}"
    if is_ours and is_kind and document.value["apiVersion"] not in VERSIONS:
        yield document.problem("apiVersion", version)
    elif is_kind and not is_ours and _is_similar(group, GROUP):
        yield document.problem("apiVersion", version if group else f"Required value: {' or '.join(_VERSIONS)}")
    elif is_ours and not is_kind and _is_similar(kind, "Function"):
        found = f'Unsupported value: "{kind}"' if kind else "Required value"
        yield document.problem("kind", f'{found}: supported values: "Function"')


def _is_similar(text: str, wanted: str) -> bool:
    """Return whether `text` is missing or could be a mistyped `wanted`."""
    return not text or SequenceMatcher(None, text[:100].lower(), wanted.lower()).ratio() >= _SIMILAR


def _problem(file: str, error: Exception, data: bytes) -> Problem:
    """Return what makes a file unreadable, with its line if the YAML reader names one."""
    line, message = 0, str(error)
    if isinstance(error, OSError):
        message = str(error.strerror)
    if isinstance(error, yaml.reader.ReaderError):
        line, message = _line_at(error, data), f"not a text that YAML accepts: {error.reason}"
    if isinstance(error, yaml.MarkedYAMLError):
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        message = " ".join(filter(None, (error.context, error.problem)))
    return Problem(file=file, line=line, message=message)


def _line_at(error: yaml.reader.ReaderError, data: bytes) -> int:
    """Return the line of a position, which counts characters where the encoding is valid, else bytes."""
    if error.encoding == "unicode":
        return data.decode(errors="replace")[: error.position].count("\n") + 1
    return data[: error.position].count(b"\n") + 1


def _items(document: Document) -> Iterator[Document]:
    """Yield the items of a List, else the document itself."""
    value, items = document.value, step(document.node, "items")
    if not (isinstance(value, dict) and value.get("kind") == "List" and items):
        yield document
    elif isinstance(items[1], yaml.SequenceNode) and isinstance(value["items"], list):
        for item, node in zip(value["items"], items[1].value, strict=True):
            yield Document(file=document.file, value=item, node=node)
