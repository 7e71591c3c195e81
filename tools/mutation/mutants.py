"""Mutants of a module: copies of its functions with one change each, of which a process runs at most one."""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

KEPT_DECORATORS = {"classmethod", "staticmethod"}
"""Those of functions that mutmut changes; it leaves out functions with any other one."""


@dataclass(frozen=True)
class Mutant:
    """One changed function: `before` and `after` are its changed lines, `source` identifies the function's text."""

    name: str
    function: str
    before: str
    after: str
    source: str

    @property
    def module(self) -> str:
        return self.function.rpartition(".x")[0]

    @property
    def path(self) -> str:
        """The function's name as in the code, for example hooks.status.state.Observation.has_timed_out."""
        return f"{self.module}.{self.function.removeprefix(self.module)[3:].replace('ǁ', '.')}"


class Text(NamedTuple):
    """The text of a mutated module, and the first and last line of each function that mutmut made."""

    lines: list[str]
    spans: dict[str, tuple[int, int]]

    def function(self, name: str) -> list[str]:
        start, end = self.spans[name]
        return [line.replace(name, "function") for line in self.lines[start - 1 : end]]


def undecorated(source: str) -> str:
    """Return a module with the same meaning in which no function that mutmut would leave out has a decorator."""
    return ast.unparse(ast.fix_missing_locations(_Undecorate().visit(ast.parse(source))))


class _Undecorate(ast.NodeTransformer):
    """Writes `@d` above `def f` as `f = d(f)` below it."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> list[ast.stmt]:
        if {ast.unparse(decorator) for decorator in node.decorator_list} <= KEPT_DECORATORS:
            return [node]
        value: ast.expr = ast.Name(node.name)
        for decorator in reversed(node.decorator_list):
            value = ast.Call(decorator, [value], [])
        node.decorator_list = []
        return [node, ast.Assign([ast.Name(node.name)], value)]


def write(root: Path, target: Path, path: Path) -> Iterator[Mutant]:
    """Write the module at root/path to target/path with its mutants; yields these."""
    from mutmut.mutation.file_mutation import mutate_file_contents  # noqa: PLC0415 - only `make mutation` installs it

    mutated = mutate_file_contents(str(path), undecorated((root / path).read_text(encoding="utf-8")))
    (target / path).write_text(mutated.code, encoding="utf-8")
    spans = {name: (span.start, span.end) for name, span in mutated.line_span_by_function_name.items()}
    text = Text(mutated.code.split("\n"), spans)
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    for name in mutated.mutant_names:
        function = name.partition("__mutmut_")[0]
        original = text.function(f"{function}__mutmut_orig")
        before, after = changed(original, text.function(name))
        yield Mutant(f"{module}.{name}", f"{module}.{function}", before, after, mutated.hash_by_function_name[function])


def changed(original: list[str], mutated: list[str]) -> tuple[str, str]:
    """Return the lines that differ, as they were and as they are."""
    lines = list(difflib.ndiff(original, mutated))
    before, after = ("\n".join(line[2:].strip() for line in lines if line[0] == mark) for mark in "-+")
    return before, after
