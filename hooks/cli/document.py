"""One object in a file, and the places of its parts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import ValidationError

from hooks.cli.problem import Problem
from hooks.cli.yaml_places import line_in_text, line_of
from hooks.manifest import as_text, value_at
from hooks.validation_errors import field_errors


@dataclass(frozen=True, kw_only=True)
class Document:
    """
    One YAML document, or one item of a List: its value, and the node with its line numbers.

    `origins` has the file of each part of the value that is not in this document (handler_files.py).
    """

    file: str
    value: Any
    node: yaml.Node
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind, "" if there is none."""
        return as_text(value_at(self.value, "kind"))

    @property
    def name(self) -> str:
        """The name in the metadata, "" if there is none."""
        return as_text(value_at(self.value, "metadata", "name"))

    def problem(self, path: str, message: str) -> Problem:
        """Return a problem at `path`, with the line of the deepest part of the path that is in the file."""
        if file := self.origins.get(path):
            return Problem(file=file, path=path, message=message)
        return Problem(file=self.file, line=line_of(self.node, path), path=path, message=message)

    def problem_in_text(self, path: str, number: int, message: str) -> Problem:
        """Return a problem in line `number` of the text at `path`; 0 is the whole text."""
        if file := self.origins.get(path):
            return Problem(file=file, line=number, message=message)
        return Problem(file=self.file, line=line_in_text(self.node, path, number), path=path, message=message)

    def problems(self, error: ValidationError) -> list[Problem]:
        """Return every error that pydantic found in this document."""
        return [self.problem(path, message) for path, message in field_errors(error)]
