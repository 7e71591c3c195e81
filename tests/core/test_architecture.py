"""The import order of hooks/, what a builder may contain, and what the service must not import."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cases import ROOT, all_cases

HOOKS = ROOT / "hooks"
BUILDERS = sorted(path for path in (HOOKS / "children").glob("*.py") if path.name != "__init__.py")
# From the lowest module to the highest: a module may import only from modules before it.
ORDER = [
    "hooks",
    "hooks.manifest",
    "hooks.naming",
    "hooks.trace",
    "hooks.moved_fields",
    "hooks.convert",
    "hooks.conversion_review",
    "hooks.quantity",
    "hooks.kubernetes_names",
    "hooks.patterns",
    "hooks.core_v1",
    "hooks.validation_errors",
    "hooks.function",
    "hooks.duration",
    "hooks.pod_annotations",
    "hooks.fetched_scripts",
    "hooks.runtimes",
    "hooks.config_texts",
    "hooks.config_types",
    "hooks.config_rules",
    "hooks.config",
    "hooks.resources",
    "hooks.resolved",
    "hooks.flux",
    "hooks.resolve",
    "hooks.environment",
    "hooks.harmful_additions",
    *(f"hooks.children.{path.stem}" for path in BUILDERS),
    "hooks.children",
    "hooks.previous_status",
    "hooks.protocol",
    "hooks.records",
    "hooks.sources",
    "hooks.same_content",
    "hooks.policy_additions",
    "hooks.remove_additions",
    "hooks.rules.violation",
    "hooks.rules.rule",
    "hooks.rules.size",
    "hooks.rules.cel",
    "hooks.rules.policy",
    "hooks.rules.requirements",
    "hooks.rules.identity",
    "hooks.rules.source",
    "hooks.rules.git",
    "hooks.rules.scaling",
    "hooks.rules.resources",
    "hooks.rules.amounts",
    "hooks.rules.env",
    "hooks.rules.env_sources",
    "hooks.rules.annotations",
    "hooks.rules.scheduling",
    "hooks.rules.pod",
    "hooks.rules.mounts",
    "hooks.rules.contexts",
    "hooks.rules.security",
    "hooks.rules",
    "hooks.admission",
    "hooks.references",
    "hooks.customize",
    "hooks.reorder_env",
    "hooks.redact",
    "hooks.status.reasons",
    "hooks.status.state",
    "hooks.status.containers",
    "hooks.status.causes",
    "hooks.status.stopped_steps",
    "hooks.status.pods",
    "hooks.status.deployment",
    "hooks.status.autoscaler",
    "hooks.status.additions",
    "hooks.status.conditions",
    "hooks.status.source",
    "hooks.status.evaluation",
    "hooks.status",
    "hooks.sync",
    "hooks.plain_requests",
    "hooks.app",
    "hooks.connection",
    "hooks.worker",
]
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(HOOKS.rglob("*.py"))
    if path.name != "gunicorn.conf.py"
}
CORE = {name: path for name, path in SOURCES.items() if not name.startswith("hooks.cli")}


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of hooks/ that a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("hooks"))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hooks"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in SOURCES else str(node.module)


def test_every_module_is_in_the_order() -> None:
    """ORDER has each module of hooks/ outside the command line once."""
    missing, unknown = set(CORE) - set(ORDER), set(ORDER) - set(CORE)
    assert not missing, f"add {sorted(missing)} to ORDER, after every module that they import"
    assert not unknown, f"remove {sorted(unknown)} from ORDER: there are no such modules"
    assert len(ORDER) == len(set(ORDER)), "ORDER has a module twice"


@pytest.mark.parametrize("module", CORE)
def test_imports_point_downwards(module: str) -> None:
    """A module imports only from modules before it in ORDER, and nothing from the command line."""
    upward = {name for name in imported(CORE[module]) if name not in ORDER[: ORDER.index(module)]}
    assert not upward, (
        f"{module} must not import {sorted(upward)}: pass the value as an argument, move the shared part to a lower "
        "module, or move the module in ORDER"
    )


def operations(test: ast.AST | None) -> Iterator[ast.AST]:
    """Yield the `and` and `or` operations of a test whose values are not used otherwise."""
    if isinstance(test, ast.BoolOp):
        yield test
        yield from (inner for value in test.values for inner in operations(value))
    if isinstance(test, ast.UnaryOp):
        yield from operations(test.operand)


def defaults(tree: ast.AST) -> Iterator[str]:
    """
    Yield each expression that fills a gap with a default: `or`, .get() and `is None`, with its line.

    An `or` in the test of an `if` or a comprehension decides whether something is built, and is not a default.
    """
    nodes = list(ast.walk(tree))
    tests = [test for node in nodes for test in (getattr(node, "test", None), *getattr(node, "ifs", ()))]
    tested = [part for test in tests for part in operations(test)]
    for node in nodes:
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or) and node not in tested:
            yield f"{node.lineno}: `or`"
        if isinstance(node, ast.Attribute) and node.attr == "get":
            yield f"{node.lineno}: .get()"
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
            yield f"{node.lineno}: `is`"


@pytest.mark.parametrize("path", BUILDERS, ids=lambda path: path.stem)
def test_builders_have_no_defaults(path: Path) -> None:
    """A builder copies values; resolve.py decides defaults."""
    found = [f"{path.name}:{default}" for default in defaults(ast.parse(path.read_text(encoding="utf-8")))]
    assert not found, f"decide these defaults in hooks/resolve.py and add a field to hooks/resolved.py: {found}"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("if a or b: yield 1", []),
        ("x = [c for c in d if a or b]", []),
        ("x = a or b", ["1: `or`"]),
        ("if (x := a or b): yield x", ["1: `or`"]),
        ("if a and not (b or c): yield 1", []),
        ("if f(a or b): yield 1", ["1: `or`"]),
        ("x = a.get('b')", ["1: .get()"]),
        ("x = 1 if a is None else a", ["1: `is`"]),
    ],
)
def test_defaults_are_found(code: str, found: list[str]) -> None:
    """An `or` is a default where its value is used, and none where it is only tested."""
    assert list(defaults(ast.parse(code))) == found


@pytest.mark.parametrize("path", BUILDERS, ids=lambda path: path.stem)
def test_builder_modules_have_one_public_function(path: Path) -> None:
    """A child's module has one public function, build()."""
    functions = [n for n in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(n, ast.FunctionDef)]
    public = [function.name for function in functions if not function.name.startswith("_")]
    assert public == ["build"], f"{path.name}: prefix the helpers with _"


def test_the_service_imports_nothing_superfluous() -> None:
    """After a sync the process has loaded no comparison library, no Kubernetes client and not the command line."""
    script = """
import json, sys
from hooks.app import create_app
answer = create_app().test_client().post("/v1/sync", data=sys.stdin.buffer.read(), content_type="application/json")
loaded = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps([answer.status_code, loaded, "hooks.cli" in sys.modules]))
"""
    request = json.dumps(all_cases()[0].request)
    done = subprocess.run(
        [sys.executable, "-c", script], input=request, capture_output=True, text=True, cwd=ROOT, check=True
    )
    code, modules, has_cli = json.loads(done.stdout)
    assert code == 200
    assert {"flask", "orjson", "pydantic"} <= set(modules)
    assert not {"deepdiff", "kubernetes", "kubernetes_asyncio", "kr8s", "lightkube", "kopf", "pytest"} & set(modules)
    assert not has_cli


def test_yaml_is_read_at_start_only() -> None:
    """In the service only hooks/config.py imports yaml, and only its load() uses it."""
    users = [name for name, path in CORE.items() if "import yaml" in path.read_text(encoding="utf-8")]
    assert users == ["hooks.config"], "parse YAML in hooks/config.py load() only"
    tree = ast.parse(CORE["hooks.config"].read_text(encoding="utf-8"))
    inside = {
        function.name
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id == "yaml"
    }
    assert inside == {"load"}
