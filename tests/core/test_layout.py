"""The layout of tests/: a folder for each level, and shared code in support/ only."""

import ast
from collections.abc import Iterator
from pathlib import Path

from support.cases import ROOT

TESTS = ROOT / "tests"
LEVELS = {"core", "local", "package", "cluster", "node", "chaos"}


def imported(path: Path) -> Iterator[str]:
    """Yield the name of every module that a module imports, at any place in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield str(node.module)


def is_test_module(name: str) -> bool:
    return name.rpartition(".")[2].startswith(("test_", "conftest"))


def test_no_module_imports_a_test_module() -> None:
    """Code that two test modules share is in tests/support."""
    names = {str(path.relative_to(TESTS)): list(imported(path)) for path in TESTS.rglob("*.py")}
    assert len(names) > 100
    assert {path: found for path, each in names.items() if (found := [*filter(is_test_module, each)])} == {}


def test_every_test_module_has_a_level() -> None:
    """Test modules are directly below the folder of their level, and tests/ has no other folder."""
    assert {path.parent.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")} == LEVELS
    found = {path.name for path in TESTS.iterdir() if not path.name.startswith((".", "__"))}
    assert found == LEVELS | {"support", "conftest.py"}


def test_names_of_test_modules_differ() -> None:
    """No two test modules have one name: pytest imports them without packages."""
    names = [path.stem for path in TESTS.rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)
