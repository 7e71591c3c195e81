"""
Regular expressions, parsers and rules take time linear in the length of texts that others write.

The tests compare the CPU time for a text with that for a quarter of it, never with a limit in seconds. They are pure,
but take half a minute, which is too long for tests/core.
"""

import ast
import contextlib
import importlib
import itertools
import pkgutil
import re
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
import yaml
from pydantic import BaseModel
from support.pumps import check_growth, check_linear, pumps, slowest

import hooks
from hooks import config_texts, environment, quantity
from hooks.cli.kubectl_yaml import Loader
from hooks.cli.run.pod_environment import expanded
from hooks.cli.yaml_scalars import plain
from hooks.config import Config
from hooks.function import (
    Function,
    FunctionSpec,
    InlineSource,
    LocalObjectReference,
    Metadata,
    ResourceChoice,
    ResourceConfiguration,
    ResourceRequirements,
    SecretMount,
    Source,
)
from hooks.redact import one_line
from hooks.rules import requirements, validate
from hooks.rules.size import encoded_bytes

CONFIG = Config()
FUNCTIONS = ("match", "fullmatch", "search", "sub", "split", "findall", "finditer")
MODULES = {
    info.name: importlib.import_module(info.name)
    for info in pkgutil.walk_packages(hooks.__path__, "hooks.")
    if not info.name.endswith("__main__")
}
CONFIG_TEXTS = [value for value in vars(config_texts).values() if isinstance(value, config_texts.Text)]
CONSTRUCTED = {
    ("hooks.cli.run.pod", "f'({mount_paths})(/|$)'"): [r"(/usr/src/app|/tmp)(/|$)"],
    ("hooks.cli.run.pod", "f'(?<![\\\\w./$-])({mount_paths})(?![\\\\w.-])'"): [
        r"(?<![\w./$-])(/usr/src/app|/tmp)(?![\w.-])"
    ],
    ("hooks.cli.run.tracebacks", "pattern"): [
        r"(?:file://)?/tmp/buildless\-x/kubeless/handler\.(?:py|[cm]?[jt]s)(?:(\", line |:)(\d{1,9}))?"
    ],
    ("hooks.cli.run.tracebacks", "copies"): [r"(?:file://)?/tmp/buildless\-x/kubeless/(?!(?:\.local|node_modules)/)"],
    ("hooks.config_texts", "self.pattern"): [text.pattern for text in CONFIG_TEXTS],
}
"""Examples of the expressions that the code constructs at run time."""


class Use(NamedTuple):
    """One regular expression, the method that is called, and its place in the source."""

    pattern: re.Pattern[Any]
    function: str
    place: str

    def run(self, text: str) -> Any:
        """Call the method with a text."""
        value: Any = text.encode() if isinstance(self.pattern.pattern, bytes) else text
        if self.function == "sub":
            return self.pattern.sub(lambda _: value[:0], value)
        if self.function == "finditer":
            return deque(self.pattern.finditer(value), maxlen=0)
        return getattr(self.pattern, self.function)(value)


def uses() -> Iterator[Use]:
    """Yield every regular expression in the source of the package, found by its calls of re."""
    by_name = {
        name: ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")) for name, module in MODULES.items()
    }
    everywhere = [call for tree in by_name.values() for call in methods_called(tree)]
    for name, tree in by_name.items():
        here = list(methods_called(tree))
        for call, target in calls_of_re(tree):
            place = f"{name}:{call.lineno}"
            function = name_of(call)
            patterns = evaluated(call, MODULES[name], place)
            if function != "compile":
                yield from (Use(pattern, function, place) for pattern in patterns)
                continue
            known = here if target.startswith("_") else everywhere
            direct = {function for variable, function in known if variable == target}
            for each in sorted(direct or {function for _, function in here} or FUNCTIONS):
                yield from (Use(pattern, each, place) for pattern in patterns)


def calls_of_re(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    """Yield each call of a function of re, and the name to which its result is assigned."""
    targets = {
        id(node.value): node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.ImportFrom) and node.module == "re"), (
            "call re.compile() through its module, so that this test finds it"
        )
        if isinstance(node, ast.Call) and is_of_re(node.func) and name_of(node) != "escape":
            yield node, targets.get(id(node), "")


def is_of_re(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "re"


def name_of(call: ast.Call) -> str:
    """Return the last part of the called name: compile of re.compile()."""
    return ast.unparse(call.func).rpartition(".")[2]


def methods_called(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the variable and the method of each call that may be a method of a compiled expression."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in FUNCTIONS
            and isinstance(node.value, ast.Name | ast.Attribute)
        ):
            variable = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if variable != "re":
                yield variable, node.attr


def evaluated(call: ast.Call, module: ModuleType, place: str) -> list[re.Pattern[Any]]:
    """Return the expression in a call, or its examples if it is constructed."""
    argument = ast.unparse(call.args[0])
    if (module.__name__, argument) in CONSTRUCTED:
        return [re.compile(pattern) for pattern in CONSTRUCTED[module.__name__, argument]]
    arguments = call.args[:1] + (call.args[1:2] if name_of(call) == "compile" else [])
    keywords = [keyword for keyword in call.keywords if keyword.arg == "flags"]
    compile_it = ast.Call(ast.Attribute(ast.Name("re", ast.Load()), "compile", ast.Load()), arguments, keywords)
    code = compile(ast.fix_missing_locations(ast.Expression(compile_it)), place, "eval")
    try:
        pattern: re.Pattern[Any] = eval(code, vars(module) | {"re": re})
    except NameError as error:
        pytest.fail(f"{place}: {error}: add an example of this expression to CONSTRUCTED")
    return [pattern]


def of_yaml() -> Iterator[Use]:
    """Yield the expressions by which YAML loaders recognize numbers, booleans and so on; they call match()."""
    for loader in (Loader, yaml.SafeLoader):
        for resolvers in loader.yaml_implicit_resolvers.values():
            yield from (Use(pattern, "match", f"{loader.__name__} {tag}") for tag, pattern in resolvers)


USES = list({(use.pattern, use.function): use for use in (*uses(), *of_yaml())}.values())


@pytest.mark.sampled
@pytest.mark.parametrize("use", USES, ids=lambda use: f"{use.place}-{use.function}")
def test_every_expression_is_linear(use: Use) -> None:
    """Each expression, called as in the code, is linear on texts that are built from the expression itself."""
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


@pytest.mark.sampled
@pytest.mark.parametrize(("pattern", "function"), PLANTED.values(), ids=PLANTED)
def test_an_expression_that_is_not_linear_is_found(pattern: str, function: str) -> None:
    """The test above fails for expressions that are not linear."""
    use = Use(re.compile(pattern), function, "here")
    with pytest.raises(AssertionError, match="characters take"):
        check_all(use)


def test_an_unknown_constructed_expression_is_found() -> None:
    """A constructed expression without an example fails the test."""
    (call, _), *_ = calls_of_re(ast.parse("def f(a): return re.compile(a + 'x')"))
    with pytest.raises(pytest.fail.Exception, match="CONSTRUCTED"):
        evaluated(call, hooks, "here")


def read_quantity(text: str) -> None:
    """Parse and print a quantity with empty caches."""
    for cached in (quantity._read, quantity._canonical):
        cached.cache_clear()
    with contextlib.suppress(ValueError):
        quantity.amount(text)


def read_requirements(text: str) -> None:
    """Check a requirements.txt with an empty cache."""
    requirements._specifier.cache_clear()
    list(requirements.problems(text))


def read_yaml(text: str) -> None:
    """Read a document as the command line does."""
    with contextlib.suppress(yaml.YAMLError):
        loader = Loader(text)
        while loader.check_node():
            node = loader.get_node()
            assert node is not None
            loader.construct_document(node)


YAML = [
    *"a:-[{,&*'\"|#\n ",
    "a: ",
    "- ",
    "\n  ",
    "&a ",
    "*a ",
    "? ",
    "[a, ",
    "{a: ",
    "a: [",
    "<<: ",
    "&a [*a,",
    "- [[[]]]\n",
    "a\n",
]
REQUIREMENTS = [
    *"a .!\\\n#-=@;,/[]<>()*\t",
    "==1",
    " ==1",
    ">1,",
    "-r",
    "--hash=a",
    "://",
    "${",
    "${A}",
    "../",
    "\\\n",
    "a\n",
]
TEXTS = [
    *" /@:=\"'[]{}\\,;&%-.x",
    "//",
    "https://",
    "@a.b",
    "token",
    "password=",
    '"token": ',
    "Authorization: a b",
    "cookie: a=b; ",
]
TEXTS += [
    "-----BEGIN ",
    "-----END x-----",
    "eyJaaaaaaaaaaa",
    "--token ",
    "%3a%2f%2f",
    "0xffffff",
    "1.1:1111",
    "Basic aA",
]
RESOURCE = {"resource": "limits.cpu"}
PARSERS: dict[str, tuple[Callable[[str], Any], list[str]]] = {
    "requirements": (read_requirements, REQUIREMENTS),
    "redaction": (one_line, TEXTS),
    "quantities": (read_quantity, ["0", "1", ".", "-", "e", "9", "m", "Ki", "+"]),
    "references": (lambda text: expanded(text, {"A": "$(A)"}), ["$", "(", ")", "A", "$(A)", "$$", "$("]),
    "escaping": (environment.escape, ["$", "a"]),
    "source": (lambda text: list(environment.source_chunks(text)), ["a", "é", "😀", "$"]),
    "plain texts": (plain, [*"0123456789_.eExXobB+-:", "1_", "0x", "0b"]),
    "sizes": (encoded_bytes, ["a", "<", "\u2028", "$", "\0"]),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", PARSERS)
def test_every_parser_is_linear(name: str) -> None:
    """Each parser is linear on repetitions of pieces of its language."""
    run, pieces = PARSERS[name]
    repeated = [*pieces, *map("".join, itertools.permutations(pieces, 2))]
    for parts in slowest(run, itertools.product(("", "a"), repeated, ("", "!"))):
        check_linear(run, parts)


@pytest.mark.parametrize("piece", YAML)
def test_reading_yaml_is_linear(piece: str) -> None:
    """Reading files for `buildless render` is linear; texts are long because PyYAML looks 1,024 characters ahead."""
    check_growth(read_yaml, ("", piece, "\n"), 8192)


def function(**spec: Any) -> Function:
    """Return a Function without validation: it may have been stored before the CRD had its schema."""
    inline = InlineSource.model_construct(source="x", dependencies=None)
    source = Source.model_construct(inline=inline, git_repository=None)
    metadata = Metadata.model_construct(name="a", namespace="b", uid="c", labels=None)
    fields: dict[str, Any] = {"runtime": "python312", "source": source} | spec
    whole = FunctionSpec.model_construct(**fields)
    return Function.model_construct(metadata=metadata, spec=whole, status=None)


def mounts(number: int, path: Callable[[int], str]) -> dict[str, Any]:
    secrets = [SecretMount.model_construct(secret_name="s", mount_path=path(index)) for index in range(number)]
    return {"secret_mounts": secrets}


MANY: dict[str, Callable[[int], dict[str, Any]]] = {
    "one mount repeated": lambda number: mounts(number, lambda _: "/a"),
    "mounts apart": lambda number: mounts(number, lambda index: f"/a/{index}"),
    "mounts in each other": lambda number: mounts(number, lambda index: "/a" * (index % 100 + 1)),
    "mounts with detours": lambda number: mounts(number, lambda index: f"/../{index}"),
    "one variable repeated": lambda number: {"env": [{"name": "A", "value": "x"}] * number},
    "variables": lambda number: {"env": [{"name": f"A{index}", "value": "$(A)"} for index in range(number)]},
    "bad variables": lambda number: {"env": [{"name": f"!{index}", "value": "\0"} for index in range(number)]},
    "references": lambda number: {"env_from": [{"secretRef": {"name": "s"}, "prefix": "A"}] * number},
    "labels": lambda number: {"labels": {f"{'a.' * 9}/{index}": "b" for index in range(number)}},
    "bad labels": lambda number: {"labels": {f"{'a-' * 9}!{index}": "b" for index in range(number)}},
    "annotations": lambda number: {"annotations": {f"A.{index}/x": "b" for index in range(number)}},
    "tolerations": lambda number: {"tolerations": [{"key": "a", "operator": "Exists"}] * number},
    "pull secrets": lambda number: {"image_pull_secrets": [LocalObjectReference.model_construct(name="a")] * number},
    "amounts": lambda number: {"resource_configuration": amounts({f"a.b/{index}": "1m" for index in range(number)})},
    "capabilities": lambda number: {"container_security_context": {"capabilities": {"add": ["A"] * number}}},
}
"""A part of a spec with a number of items. The rules do not rely on the bounds of the schema."""


def amounts(quantities: dict[str, str]) -> ResourceConfiguration:
    resources = ResourceRequirements.model_construct(requests=quantities, limits=quantities, claims=None)
    choice = ResourceChoice.model_construct(profile=None, resources=resources)
    return ResourceConfiguration.model_construct(function=choice, build=None)


@pytest.mark.parametrize("name", MANY)
def test_all_rules_are_linear_in_the_number_of_items(name: str) -> None:
    """All rules together take linear time on lists and maps."""

    def run(parts: str) -> None:
        validate(broken[len(parts)], CONFIG)

    broken = {size: function(**MANY[name](size)) for size in (750, 3_000)}
    check_growth(run, ("", "x", ""), 3_000)


LONG: dict[str, Callable[[str], dict[str, Any]]] = {
    "runtime": lambda text: {"runtime": text},
    "image": lambda text: {"runtime_image_override": text},
    "variable": lambda text: {"env": [{"name": text, "value": text}]},
    "divisor": lambda text: {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": RESOURCE | {"divisor": text}}}]},
    "label": lambda text: {"labels": {text: "b"}},
    "annotation": lambda text: {"annotations": {text: text}},
    "selector": lambda text: {"node_selector": {text: text}},
    "mount": lambda text: mounts(1, lambda _: text),
    "amount": lambda text: {"resource_configuration": amounts({text: text})},
}
"""A part of a spec with a text of any length."""


@pytest.mark.parametrize("name", LONG)
def test_all_rules_are_linear_in_a_text(name: str) -> None:
    """All rules together take linear time on one long text."""

    def run(text: str) -> None:
        for cached in (quantity._read, quantity._canonical):
            cached.cache_clear()
        validate(function(**LONG[name](text)), CONFIG)

    pieces = ["a", ".", "-", "/", "a.", "a-", "/a", "/..", "0", "\\", "é"]
    for parts in slowest(run, itertools.product(("", "a/"), pieces, ("", "!", "\n"))):
        check_linear(run, parts)


def test_code_that_is_not_linear_is_found() -> None:
    """The tests above fail for quadratic code."""
    with pytest.raises(AssertionError, match="characters take"):
        check_linear(lambda text: [text.find("x", 0, index) for index in range(len(text))], ("", "a", ""))


def test_patterns_of_models_use_rust_s_engine() -> None:
    """pydantic runs patterns with Rust's engine, which is linear: it does not backtrack."""
    models = [model for module in MODULES.values() for model in vars(module).values() if is_model(model)]
    assert {model.model_config.get("regex_engine", "rust-regex") for model in models} == {"rust-regex"}


def is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)
