"""tools/mutation: mutants run one by one, and survivors.yaml explains survivors that exist."""

import ast
import os
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from mutation.mutants import Mutant, changed, undecorated
from mutation.report import Explanation, table, unexplained
from support.cases import ROOT

SURVIVORS = Explanation.read(ROOT / "tools" / "mutation" / "survivors.yaml")

DECORATED = """
from functools import cache, cached_property

@cache
def double(number):
    'Docstring.'
    return [2 * number]

class Pair:
    @cached_property
    def both(self):
        return double(1) is double(1)
    @classmethod
    def new(cls):
        return cls()
"""
CODE = """
import os
def least(a, b):
    while os.environ["MUTANT"] == "endless": pass
    return a if os.environ["MUTANT"] == "wrong" else min(a, b)
CONSTANT = os.environ["MUTANT"]
def constant():
    return CONSTANT
"""
TESTS = """
import code_under_test
def test_least(): assert code_under_test.least(2, 1) == 1
def test_constant(): assert code_under_test.constant() != "early"
def test_other(): pass
"""
RUN = """
import os, sys
from pathlib import Path
from mutation import costs, running
running.SPARE_SECONDS = 1
found = []
measured = costs.Costs(
    seconds={"test_c.py::test_least": 0.2, "test_c.py::test_constant": 0.1, "test_c.py::test_other": 9},
    reached={"test_c.py::test_least": ["least"], "test_c.py::test_constant": ["constant"], "test_c.py::test_other": []},
    at_import=["constant"],
)
activate = lambda name: os.environ.__setitem__("MUTANT", name)
def report(outcome):
    with open("report", "a") as file:
        print(outcome.mutant, outcome.killer, outcome.tests, file=file)
runner = running.Runner(measured, Path(), activate, report)
activate("")
tasks = [running.Task(*task.split(":")) for task in sys.argv[1].split()]
running.run(["-x", "test_c.py"], [task for task in tasks if task.function != "constant"], runner)
running.run_from_import(["-x", "test_c.py"], [task for task in tasks if task.function == "constant"], runner)
"""


def test_decorators_are_applied_below() -> None:
    """The module means the same, with no function that mutmut leaves out because of its decorator."""
    plain = undecorated(DECORATED)
    found: dict[str, Any] = {}
    exec(plain, found)
    assert found["Pair"].new().both
    assert found["double"].__doc__ == "Docstring."
    functions = [node for node in ast.walk(ast.parse(plain)) if isinstance(node, ast.FunctionDef)]
    assert {function.name: len(function.decorator_list) for function in functions} == {"double": 0, "both": 0, "new": 1}


@pytest.mark.parametrize(
    ("function", "path"),
    [("hooks.a.x_run", "hooks.a.run"), ("hooks.a.x__run", "hooks.a._run"), ("hooks.a.xǁAǁ_run", "hooks.a.A._run")],
)
def test_functions_have_their_names(function: str, path: str) -> None:
    """survivors.yaml and the report use the name of the code."""
    assert mutant("x", function).path == path


def test_changed_lines() -> None:
    """A mutant is shown as the lines that it changes."""
    assert changed(["def f():", "    a = 1", "    return a"], ["def f():", "    a = 2", "    return a"]) == (
        "a = 1",
        "a = 2",
    )


@pytest.mark.sampled
def test_each_mutant_runs_the_tests_that_reach_it(tmp_path: Path) -> None:
    """A failing test, too much time or a change at import kill a mutant; no slow test runs."""
    for name, text in {"code_under_test.py": CODE, "test_c.py": TESTS, "run.py": RUN}.items():
        (tmp_path / name).write_text(text)
    tasks = "wrong:least equal:least endless:least unreached:other early:constant late:constant"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tools"), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    done = subprocess.run(
        [sys.executable, "run.py", tasks], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report").read_text().splitlines() == [
        "wrong test_c.py::test_least 1",
        "equal  1",
        "endless signal 24 1",
        "unreached  0",
        "early test_c.py::test_constant 1",
        "late  1",
    ]


def mutant(name: str, function: str = "hooks.a.x_run", before: str = "a = 1", after: str = "a = 2") -> Mutant:
    return Mutant(name, function, before, after, "digest")


def test_report() -> None:
    """The table counts what has run; a survivor without an explanation and an explanation without one are listed."""
    mutants = [mutant("1"), mutant("2"), mutant("3", after="a = None"), mutant("4", "hooks.b.x_run")]
    rows = [Explanation("hooks.a.run", "the value is unused", after="a = None"), Explanation("hooks.c.*", "gone")]
    killers = {"1": "test", "2": "", "3": ""}
    assert list(table(mutants, killers, rows))[2:] == [
        "| hooks.a | 3 | 3 | 1 | 33.3 | 2 | 1 |",
        "| hooks.b | 1 | 0 | 0 |  | 0 | 0 |",
        "| all | 4 | 3 | 1 | 33.3 | 2 | 1 |",
    ]
    assert list(unexplained(mutants, killers, rows)) == [
        "2\n  - a = 1\n  + a = 2",
        f"survivors.yaml explains no survivor: {rows[1]}",
    ]


def functions(path: Path) -> list[str]:
    """Return the names of the functions and methods of a module."""
    module, found = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        members = [(f"{node.name}.", each) for each in node.body] if isinstance(node, ast.ClassDef) else [("", node)]
        found += [f"{module}.{prefix}{each.name}" for prefix, each in members if isinstance(each, ast.FunctionDef)]
    return found


def test_survivors_are_of_functions_that_exist() -> None:
    """Each row of survivors.yaml matches a function of the hook."""
    names = [name for path in (ROOT / "hooks").rglob("*.py") for name in functions(path)]
    assert "hooks.status.state.Observation.has_timed_out" in names
    assert [row for row in SURVIVORS if not any(fnmatchcase(name, row.function) for name in names)] == []
