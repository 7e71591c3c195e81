"""
Whatever others can write takes time in proportion to its length: expressions, parsers, rules.

Compared is CPU time at a size and at half of it, never seconds with a limit; what stays below a floor is not compared.
"""

import ast
import importlib
import importlib.util
import pkgutil
import re
from collections import deque
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import pytest
import yaml
from pumps import check_linear, pumps, slowest

import hooks
from hooks.cli.files import _Loader

FUNCTIONS = ("match", "fullmatch", "search", "sub", "split", "findall", "finditer")
MODULES = {
    info.name: importlib.import_module(info.name)
    for info in pkgutil.walk_packages(hooks.__path__, "hooks.")
    if not info.name.endswith("__main__")
}
MADE_LATER = {
    ("hooks.cli.run.pod", "f'({begins})(/|$)'"): (re.compile(r"(/usr/src/app|/tmp)(/|$)"), "match"),
    ("hooks.cli.run.pod", "f'(?<![\\\\w./$-])({begins})(?![\\\\w.-])'"): (
        re.compile(r"(?<![\w./$-])(/usr/src/app|/tmp)(?![\w.-])"),
        "sub",
    ),
}
"""Expressions that a function puts together: an example of each, and how it is used."""


class Use(NamedTuple):
    """One regular expression, how it is used, and where it stands."""

    pattern: re.Pattern[Any]
    function: str
    place: str

    def run(self, text: str) -> Any:
        """Do with a text what the code does."""
        value: Any = text.encode() if isinstance(self.pattern.pattern, bytes) else text
        if self.function == "sub":
            return self.pattern.sub(lambda _: value[:0], value)
        if self.function == "finditer":
            return deque(self.pattern.finditer(value), maxlen=0)
        return getattr(self.pattern, self.function)(value)


def uses() -> Iterator[Use]:
    """Yield every regular expression in the source of the package, by looking for calls of re."""
    by_name = {name: ast.parse(importlib.util.find_spec(name).loader.get_source(name)) for name in MODULES}  # type: ignore[union-attr,attr-defined]
    everywhere = [call for tree in by_name.values() for call in methods_called(tree)]
    for name, tree in by_name.items():
        here = list(methods_called(tree))
        for call, target in calls_of_re(tree):
            place = f"{name}:{call.lineno}"
            pattern, function = evaluated(call, MODULES[name], place)
            if function != "compile":
                yield Use(pattern, function, place)
                continue
            known = here if target.startswith("_") else everywhere
            direct = {function for variable, function in known if variable == target}
            for each in sorted(direct or {function for _, function in here} or FUNCTIONS):
                yield Use(pattern, each, place)


def calls_of_re(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    """Yield each call of a function of re, and the name that the result is given."""
    targets = {
        id(node.value): node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.ImportFrom) and node.module == "re"), "write re.compile(), so that it is found"
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.") and node.func.attr != "escape":  # type: ignore[attr-defined]
            yield node, targets.get(id(node), "")


def methods_called(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the variable and the method of each call that may be one of an expression's methods."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in FUNCTIONS
            and isinstance(node.value, ast.Name | ast.Attribute)
        ):
            variable = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if variable != "re":
                yield variable, node.attr


def evaluated(call: ast.Call, module: ModuleType, place: str) -> tuple[re.Pattern[Any], str]:
    """Return the expression that a call is given, and the function that is called."""
    function: str = call.func.attr  # type: ignore[attr-defined]
    given = ast.unparse(call.args[0])
    if (module.__name__, given) in MADE_LATER:
        return MADE_LATER[module.__name__, given]
    arguments = call.args[:1] + (call.args[1:2] if function == "compile" else [])
    keywords = [keyword for keyword in call.keywords if keyword.arg == "flags"]
    compile_it = ast.Call(ast.Attribute(ast.Name("re", ast.Load()), "compile", ast.Load()), arguments, keywords)
    code = compile(ast.fix_missing_locations(ast.Expression(compile_it)), place, "eval")
    try:
        pattern: re.Pattern[Any] = eval(code, vars(module) | {"re": re})
    except NameError as error:
        pytest.fail(f"{place}: {error}: give an example of this expression in MADE_LATER")
    return pattern, function


def of_yaml() -> Iterator[Use]:
    """Yield the expressions by which a YAML loader tells numbers, booleans and so on; it uses match()."""
    for loader in (_Loader, yaml.SafeLoader):
        for resolvers in loader.yaml_implicit_resolvers.values():
            yield from (Use(pattern, "match", f"{loader.__name__} {tag}") for tag, pattern in resolvers)


USES = list({(use.pattern, use.function): use for use in (*uses(), *of_yaml())}.values())


@pytest.mark.parametrize("use", USES, ids=lambda use: f"{use.place}-{use.function}")
def test_every_expression_is_linear(use: Use) -> None:
    """Each expression, used as the code uses it, on strings made from itself, up to the largest text there is."""
    check_all(use)


def check_all(use: Use) -> None:
    for parts in slowest(use.run, pumps(use.pattern)):
        check_linear(use.run, parts)


PLANTED = {
    "exponential": (r"(a+)+b", "match"),
    "cubic": (r"[a-z]+\s*(\[x\])?\s*(==1)?\s*(;.*)?", "fullmatch"),
    "quadratic in a search": (r"passw\w*\s*=", "sub"),
    "quadratic in two repetitions": (r"a[\s=]*(?!\S*:)\S*:", "match"),
    "quadratic in white space": (r"\s+$", "search"),
}


@pytest.mark.parametrize(("pattern", "function"), PLANTED.values(), ids=PLANTED)
def test_an_expression_that_is_not_linear_is_found(pattern: str, function: str) -> None:
    """The test above fails for what it is there to find."""
    use = Use(re.compile(pattern), function, "here")
    with pytest.raises(AssertionError, match="characters take"):
        check_all(use)


def test_an_expression_that_cannot_be_seen_is_found() -> None:
    """What a function puts together has to be given an example."""
    (call, _), *_ = calls_of_re(ast.parse("def f(a): return re.compile(a + 'x')"))
    with pytest.raises(pytest.fail.Exception, match="MADE_LATER"):
        evaluated(call, hooks, "here")
