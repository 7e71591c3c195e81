"""FAMILIES of hooks/runtimes.py is the only list of languages; what depends on the language agrees with it."""

import json
import re
import typing
from typing import Any

import pytest
import yaml
from support.cases import ROOT

from hooks.cli.run.package_lists import LISTS
from hooks.cli.runtime_cache import LOCAL
from hooks.config import Config
from hooks.rules.source import DEPENDENCY_CHECKS
from hooks.runtimes import DEPENDENCIES, FAMILIES, SOURCE, DependenciesFormat, Family

BAKE = ROOT / "docker-bake.json"
VALUES = ROOT / "chart" / "values.yaml"
TABLES = (
    "bench/start.py",
    "tests/support/runtime_servers.py",
    "tests/node/test_pods.py",
    "tests/package/test_docs.py",
    "tests/support/random_functions.py",
)
"""Files with a table of handlers, packages or commands by family."""
each_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def baked() -> dict[str, Any]:
    """Return docker-bake.json with the targets that FAMILIES and the default runtimes need."""
    found: dict[str, Any] = json.loads(BAKE.read_text(encoding="utf-8"))
    config, hook = Config(), {name: each for name, each in found["target"].items() if not name.startswith("runtime-")}
    runtimes = {}
    for name, runtime in config.runtimes.items():
        family = FAMILIES[runtime.family]
        runtimes[f"runtime-{name}"] = {
            "inherits": ["_labels"],
            "context": f"runtimes/{family.name}",
            "args": {family.build_argument: family.interpreter.version_of(name)},
            "tags": [config.image(runtime)],
        }
    return found | {
        "group": {"default": {"targets": ["function-hook", *runtimes]}},
        "target": hook | runtimes,
    }


def values() -> str:
    """Return chart/values.yaml with the default runtimes, one a line."""
    rows = "".join(
        f'    {name}: {{family: {each.family}, image: "{each.image}", deprecated: {str(each.deprecated).lower()}}}\n'
        for name, each in Config().runtimes.items()
    )
    text = VALUES.read_text(encoding="utf-8")
    return re.sub(r"(?<=^  runtimes:\n)(    .*\n)*", lambda _: rows, text, flags=re.MULTILINE)


def test_bake_file_has_every_runtime(request: pytest.FixtureRequest) -> None:
    """docker-bake.json builds an image for each default runtime, in the folder of its family."""
    if request.config.getoption("--bless"):
        BAKE.write_text(json.dumps(baked(), indent=2) + "\n", encoding="utf-8")
    assert json.loads(BAKE.read_text(encoding="utf-8")) == baked(), "make check ARGS=--bless writes docker-bake.json"


def test_chart_has_every_runtime(request: pytest.FixtureRequest) -> None:
    """chart/values.yaml lists the default runtimes."""
    if request.config.getoption("--bless"):
        VALUES.write_text(values(), encoding="utf-8")
    assert VALUES.read_text(encoding="utf-8") == values(), "make check ARGS=--bless writes chart/values.yaml"


def test_every_family_has_a_folder() -> None:
    """runtimes/ has one folder for each family, and no other."""
    folders = {path.parent.name for path in (ROOT / "runtimes").glob("*/Dockerfile")}
    assert folders == set(FAMILIES), "runtimes/ needs a folder with a Dockerfile for each family"


def test_every_family_runs_on_this_machine() -> None:
    """`buildless run` can run each family."""
    assert set(LOCAL) == set(FAMILIES), "LOCAL in hooks/cli/runtime_cache.py needs a row for each family"
    lists = {family: each.first for family, each in LISTS.items()}
    formats = {name: family.dependencies_format for name, family in FAMILIES.items()}
    assert lists == formats, "LISTS in hooks/cli/run/package_lists.py needs a row for each family"


def test_every_format_of_dependencies_has_a_check() -> None:
    """Every format has a check, so that the status reports invalid dependencies before a pod starts."""
    formats = set(typing.get_args(DependenciesFormat))
    assert set(DEPENDENCY_CHECKS) == formats, "DEPENDENCY_CHECKS in hooks/rules/source.py needs each format"


def test_the_policy_gets_the_runtimes_of_every_family() -> None:
    """The chart renders a parameter of the admission policy for each family, with or without runtimes."""
    rendered = yaml.safe_load_all((ROOT / "config" / "hook.yaml").read_text(encoding="utf-8"))
    (data,) = [each["data"] for each in rendered if each["metadata"]["name"] == "function-hook-admission"]
    names = {key.removeprefix("runtimes.") for key in data if key.startswith("runtimes.")}
    assert names == set(FAMILIES), "make check ARGS=--bless writes the policy, make manifests config/hook.yaml"


def test_the_schema_of_the_chart_has_every_family() -> None:
    """chart/values.schema.json allows the families in the config, and no other."""
    schema = json.loads((ROOT / "chart" / "values.schema.json").read_text(encoding="utf-8"))
    (runtime,) = schema["properties"]["config"]["properties"]["runtimes"]["patternProperties"].values()
    assert runtime["properties"]["family"]["enum"] == list(FAMILIES), "make test ARGS=--bless writes the schema"


@each_family
def test_family_has_a_default_runtime(family: Family) -> None:
    """Each family has a runtime in the default config, and the name of each default runtime has a version."""
    names = Config().runtime_names(family.name)
    assert names, f"Config.runtimes in hooks/config.py needs a runtime of {family.name}"
    for name in names:
        assert family.interpreter.version_of(name), f"version_in_name of {family.name} finds no version in {name}"


@each_family
def test_row_agrees_with_itself(family: Family) -> None:
    """The scripts write the files that the row names, no mount may cover them, and `paths` are variables of `env`."""
    assert re.fullmatch("[a-z][a-z0-9]*", family.name), "the name is also one of a CEL variable"
    assert re.search(rf'"\${SOURCE}" "\${SOURCE}_2" > {re.escape(family.handler_file)}\n', family.start)
    assert f'"${DEPENDENCIES}" > {family.dependencies_format}\n' in family.install
    files = {f"{family.work_dir}/{name}" for name in (family.handler_file, family.dependencies_format)}
    assert files <= set(family.needs), f"a mount could cover {sorted(files - set(family.needs))}"
    assert family.paths <= set(family.env)


@each_family
def test_family_has_an_example(family: Family) -> None:
    """examples/hello-FAMILY.yaml is a Function of the family; the pages and the tests on a node apply it."""
    example = ROOT / "examples" / f"hello-{family.name}.yaml"
    assert example.exists(), f"examples/{example.name} is missing"
    runtime = yaml.safe_load(example.read_text(encoding="utf-8"))["spec"]["runtime"]
    assert runtime in Config().runtime_names(family.name)


@each_family
def test_family_is_tested(family: Family) -> None:
    """The conformance suite has the family's handler, and each table by family has an entry for it."""
    handler = f"tests/local/conformance/{family.handler_file}"
    missing = [] if (ROOT / handler).exists() else [f"the handler {handler}"]
    missing += [
        f"an entry in the table by family of {path}"
        for path in TABLES
        if f'"{family.name}":' not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert not missing, f"{family.name} lacks {', '.join(missing)}"


@each_family
def test_updates_of_the_base_image_are_proposed(family: Family) -> None:
    """Dependabot updates the Dockerfile of each family."""
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    (docker,) = [each for each in updates if each["package-ecosystem"] == "docker"]
    folder = f"/runtimes/{family.name}"
    assert folder in docker["directories"], f".github/dependabot.yml: add {folder} to the directories of docker"


@pytest.mark.parametrize(
    ("family", "runtime", "newer"),
    [
        ("nodejs", "nodejs24", False),
        ("nodejs", "nodejs26", True),
        ("nodejs", "nodejs-100", True),
        ("nodejs", "lts", False),
        ("python", "python312", False),
    ],
)
def test_newer_style(family: str, runtime: str, newer: bool) -> None:
    """A runtime whose name has no version has handlers of the older style."""
    assert FAMILIES[family].has_newer_style(runtime) is newer
