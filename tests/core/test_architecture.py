"""The house: doors open downwards only, builders decide nothing, and the service carries no luggage."""

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
# From the bottom to the top: a room may import only from rooms that stand before it.
ORDER = [
    "hooks",
    "hooks.manifest",
    "hooks.trace",
    "hooks.core_v1",
    "hooks.validation_errors",
    "hooks.function",
    "hooks.quantity",
    "hooks.kubernetes_names",
    "hooks.runtimes",
    "hooks.config_texts",
    "hooks.config_types",
    "hooks.config_rules",
    "hooks.config",
    "hooks.resources",
    "hooks.resolve",
    "hooks.naming",
    "hooks.environment",
    "hooks.additions",
    *(f"hooks.children.{path.stem}" for path in BUILDERS),
    "hooks.children",
    "hooks.previous_status",
    "hooks.protocol",
    "hooks.records",
    "hooks.drift",
    "hooks.rules.violation",
    "hooks.rules.size",
    "hooks.rules.cel",
    "hooks.rules.requirements",
    "hooks.rules.source",
    "hooks.rules.resources",
    "hooks.rules.env",
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
    "hooks.reorder",
    "hooks.redact",
    "hooks.status.reasons",
    "hooks.status.state",
    "hooks.status.containers",
    "hooks.status.causes",
    "hooks.status.pods",
    "hooks.status.deployment",
    "hooks.status.autoscaler",
    "hooks.status.conditions",
    "hooks.status.children",
    "hooks.status",
    "hooks.sync",
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
    """Yield the rooms that a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("hooks"))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hooks"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in SOURCES else str(node.module)


def test_every_room_has_a_place() -> None:
    """A new module is given its place in ORDER."""
    assert sorted(CORE) == sorted(ORDER)


@pytest.mark.parametrize("room", CORE)
def test_doors_open_downwards(room: str) -> None:
    """A room imports only from rooms below it, and nothing from the command line."""
    above = {name for name in imported(CORE[room]) if name not in ORDER[: ORDER.index(room)]}
    assert not above, f"{room} may not import {sorted(above)}"


@pytest.mark.parametrize("path", BUILDERS, ids=lambda path: path.stem)
def test_builders_decide_nothing(path: Path) -> None:
    """A builder has no `or`, no .get() and no `is None`: a gap is filled in resolve.py."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = [part for part in tree.body if not (isinstance(part, ast.FunctionDef) and part.name == "summary")]
    for node in (node for part in parts for node in ast.walk(part)):
        assert not isinstance(node, ast.Or), f"{path.name}: `or`"
        assert not (isinstance(node, ast.Attribute) and node.attr == "get"), f"{path.name}: .get()"
        is_none = isinstance(node, ast.Compare) and any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops)
        assert not is_none, f"{path.name}:{node.lineno}: is None"  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", BUILDERS, ids=lambda path: path.stem)
def test_two_public_functions_a_kind(path: Path) -> None:
    """A child's module has two public functions, build() and summary()."""
    functions = [n for n in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(n, ast.FunctionDef)]
    assert [function.name for function in functions if not function.name.startswith("_")] == ["build", "summary"]


def test_the_service_carries_no_luggage() -> None:
    """After a sync the process has loaded neither a comparison library, a Kubernetes client nor the command line."""
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
    """Only config.py reads YAML in the service, and only load() does there."""
    users = [name for name, path in CORE.items() if "import yaml" in path.read_text(encoding="utf-8")]
    assert users == ["hooks.config"]
    tree = ast.parse(CORE["hooks.config"].read_text(encoding="utf-8"))
    inside = {
        function.name
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id == "yaml"
    }
    assert inside == {"load"}
