"""What the files of `buildless run` want: the valid Functions, and the Secrets and ConfigMaps for their pods."""

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from hooks.cli import variables
from hooks.cli.data_objects import objects_in
from hooks.cli.document import Document
from hooks.cli.files import Objects, expanded, nothing_found, read
from hooks.cli.handler_files import SIBLINGS
from hooks.cli.problem import Problem, Unusable
from hooks.cli.render import validated
from hooks.cli.run import origins
from hooks.cli.run.origins import Origin, Origins
from hooks.config import Config
from hooks.function import Function

Stamps = list[tuple[str, int, int]]


@dataclass
class Wanted:
    """
    The result of reading all files.

    `documents` and `variables` belong to `functions`; variables are those of .env files and the command line. `origins`
    has the sources that are not inline.
    `invalid` names the Functions that have a problem of their own. A file with a problem counts as it was when it had
    none.
    """

    functions: dict[str, Function] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    variables: dict[str, Mapping[str, str]] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    others: list[Document] = field(default_factory=list)
    invalid: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


class Sources:
    """Files and directories, read again whenever one of them has changed."""

    def __init__(
        self,
        names: Iterable[str],
        config: Config,
        variables: Mapping[str, str] | None = None,
        origins: Origins | None = None,
    ) -> None:
        self.names = list(names)
        self.config = config
        self.variables = variables or {}
        self.origins = origins or Origins()
        self._watched: frozenset[Origin] = frozenset()
        self._good: dict[str, Objects] = {}

    def stamps(self) -> Stamps:
        """Return what changes when a file is saved, added or removed."""
        stamps = []
        files = [file for name in self.names for file in expanded(name)]
        beside = [os.path.join(each, name) for each in {*map(os.path.dirname, files)} for name in SIBLINGS]
        for file in files + beside:
            # An editor may replace a file by first removing it.
            with contextlib.suppress(OSError):
                stat = Path(file).stat()
                stamps.append((file, stat.st_mtime_ns, stat.st_size))
        return stamps + [(origin.place, origins.saved(origin), 0) for origin in self._watched]

    def load(self) -> Wanted:
        """Read all files."""
        wanted, documents = Wanted(), []
        for name in self.names:
            for file in expanded(name):
                found = self._read(file, wanted.problems)
                documents += found.functions
                wanted.others += found.others
        for document in documents:
            self._add(document, wanted)
        if not documents and not wanted.problems:
            wanted.problems.append(nothing_found(", ".join(self.names), wanted.others))
        wanted.problems += self.origins.unused()
        self._watched = frozenset(replace(origin, saved=0) for origin in wanted.origins.values() if origin.directory)
        return wanted

    def _read(self, file: str, problems: list[Problem]) -> Objects:
        """Return what is in a file, or what was there when it had no problem."""
        if file == "-" and file in self._good:
            return self._good[file]  # standard input can be read once
        before, found = self._good.get(file, Objects()), Objects()
        read(file, found)
        found.problems += [each.problem("metadata.name", "Required value") for each in found.functions if not each.name]
        found.problems += objects_in(found.others)[1]
        found.problems += [problem for each in found.functions for problem in _variables(each)[1]]
        if before.functions and not found.functions and not found.problems:
            found.problems.append(nothing_found(file, found.others))
        problems += found.problems
        if found.problems:
            return before
        self._good[file] = found
        return found

    def _add(self, document: Document, wanted: Wanted) -> None:
        """Add a Function to what is wanted; the first of a name counts, in any namespace: it is one local port."""
        name = document.name
        if name in wanted.functions or name in wanted.invalid:
            wanted.problems.append(document.problem("metadata.name", f'Duplicate value: "{name}"'))
            return
        try:
            function = validated(document, self.config)
            origin = self.origins.of(document, function, wanted.others)
        except Unusable as error:
            wanted.problems += error.problems
            wanted.invalid.add(name)
        else:
            wanted.functions[name], wanted.documents[name] = function, document
            if origin:
                wanted.origins[name] = origin
            wanted.variables[name] = {**_variables(document)[0], **self.variables}


def _variables(document: Document) -> tuple[Mapping[str, str], list[Problem]]:
    """Return the variables of .env beside a Function whose code is in files, and what is wrong with them."""
    file = Path(document.file).with_name(".env")
    if not (document.origins and file.is_file()):
        return {}, []
    try:
        return variables.read(str(file)), []
    except Unusable as error:
        return {}, error.problems
