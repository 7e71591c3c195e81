"""One object in a file, and the places of its parts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from pydantic import ValidationError

from hooks.cli.own_paths import in_v2alpha1
from hooks.cli.problem import Problem
from hooks.cli.yaml_places import line_in_text, line_of
from hooks.convert import convert
from hooks.manifest import as_text, value_at
from hooks.moved_fields import VERSIONS
from hooks.validation_errors import field_errors

DEFAULT_NAMESPACE = "default"
"""That of objects that name none."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """
    One YAML document, or one item of a List: its value, and the node with its line numbers.

    The value of a Function is that of v1alpha2. `written` is the value in the version of the file if that is another
    one; then each path of v1alpha2 becomes the file's own in a problem.
    `origins` has the file of each part that is not in this document, by its own path (handler_files.py).
    """

    file: str
    value: Any
    node: yaml.Node
    origins: Mapping[str, str] = field(default_factory=dict)
    written: Any = None

    @property
    def kind(self) -> str:
        """The kind, "" if there is none."""
        return as_text(value_at(self.value, "kind"))

    @property
    def name(self) -> str:
        """The name in the metadata, "" if there is none."""
        return as_text(value_at(self.value, "metadata", "name"))

    @property
    def namespace(self) -> str:
        """The namespace in the metadata, the default one if there is none."""
        return namespace_of(self.value)

    def problem(self, path: str, message: str) -> Problem:
        """Return a problem at `path`, with the line of the deepest part of the path that is in the file."""
        path, message = self._own(path, message)
        if file := self.origins.get(path):
            return Problem(file=file, path=path, message=message)
        return Problem(file=self.file, line=line_of(self.node, path), path=path, message=message)

    def problem_in_text(self, path: str, number: int, message: str) -> Problem:
        """Return a problem in line `number` of the text at `path`; 0 is the whole text."""
        path, message = self._own(path, message)
        if file := self.origins.get(path):
            return Problem(file=file, line=number, message=message)
        return Problem(file=self.file, line=line_in_text(self.node, path, number), path=path, message=message)

    def problems(self, error: ValidationError) -> list[Problem]:
        """Return every error that pydantic found in this document."""
        return [self.problem(path, message) for path, message in field_errors(error)]

    def as_stored(self) -> "Document":
        """Return a Function of v2alpha1 with the value that the API server stores for it, any other one as it is."""
        if value_at(self.value, "apiVersion") != VERSIONS[1]:
            return self
        return replace(self, value=convert(without_nulls(self.value), VERSIONS[0]), written=self.value)

    def as_written(self) -> "Document":
        """Return the document with the value in the file's version, and paths as they are."""
        return self if self.written is None else replace(self, value=self.written, written=None)

    def _own(self, path: str, message: str) -> tuple[str, str]:
        return in_v2alpha1(path, message) if self.written is not None else (path, message)


def namespace_of(value: Any) -> str:
    """Return the namespace in the metadata of an object, the default one if there is none."""
    return as_text(value_at(value, "metadata", "namespace")) or DEFAULT_NAMESPACE


def without_nulls(value: Any) -> Any:
    """Return a value without nulls in maps, which the API server drops."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
