"""The commands that read Functions take v2alpha1 as they take v1alpha2, and name the paths and lines of the file."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import broken_specs
from support.cases import ROOT, all_cases
from support.v2alpha1_schema import ONE_CHOICE, WITH_INLINE

from hooks.cli import main
from hooks.cli.dump import to_yaml
from hooks.cli.files import objects
from hooks.cli.own_paths import in_v2alpha1
from hooks.cli.problem import Unusable
from hooks.cli.render import children, validated
from hooks.cli.validate import problems_in
from hooks.config import Config
from hooks.convert import convert
from hooks.moved_fields import VERSIONS

Manifest = dict[str, Any]

V1, V2 = VERSIONS
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.yaml") if not path.stem.startswith("config-"))
HEAD = f"apiVersion: {V2}\nkind: Function\nmetadata: {{name: hello}}\nspec:\n  runtime: python312\n"
ONLY_V1 = re.compile('"(build|claims|template)": ')
"""Fields that v2alpha1 lacks, whole or in part."""
CODE = '  source: {inline: "def main(event, context): pass"}\n'


def result(directory: Path, function: Manifest, config: Config) -> tuple[list[Manifest], list[tuple[str, str]]]:
    """Return the children of a Function in a file, or the paths and messages of its problems."""
    file = directory / "function.yaml"
    file.write_text(to_yaml(function), encoding="utf-8")
    (document,) = objects([str(file)]).functions
    try:
        return children(validated(document, config), config), []
    except Unusable as error:
        return [], [(each.path, each.message) for each in error.problems]


@cache
def functions() -> list[tuple[str, Manifest, Config]]:
    """Return the Functions of the examples, of the golden cases, and those that break a rule."""
    broken = [*broken_specs.examples(), *broken_specs.examples("schema", "valid")]
    return [
        *((path.stem, each.value, Config()) for path in EXAMPLES for each in objects([str(path)]).functions),
        *((case.name, case.request["parent"], case.config) for case in all_cases()),
        *((example.key, example.parent(), example.config()) for example in broken),
    ]


@pytest.mark.sampled
@pytest.mark.parametrize("share", range(32))
def test_children_and_problems_are_those_of_the_twin(tmp_path: Path, share: int) -> None:
    """A Function of v2alpha1 has the children of its twin byte for byte, or its problems with the paths of v2alpha1."""
    for name, function, config in functions()[share::32]:
        ours, theirs = (result(tmp_path, each, config) for each in (convert(function, V2), function))
        if not ONLY_V1.search(json.dumps(function["spec"])):
            assert json.dumps(ours[0]) == json.dumps(theirs[0]), name
            assert set(ours[1]) == {in_v2alpha1(*problem) for problem in theirs[1]}, name


PROBLEMS = {
    "  source: {inline: 5}\n": ["6: spec.source.inline: must be of type string"],
    "  source: {inline: x, dependencies: [a]}\n": ["6: spec.source.dependencies: must be of type string"],
    "  source:\n    dependencies: a\n": [
        f"7: spec.source.dependencies: Forbidden: {WITH_INLINE['message']}",
    ],
    "  source:\n    dependencies: a\n  replicas: -1\n": [
        f"7: spec.source.dependencies: Forbidden: {WITH_INLINE['message']}",
        "8: spec.replicas: should be greater than or equal to 0",
    ],
    "  source:\n    inline: null\n": [
        "6: spec.source: Invalid value: must have exactly one of inline, gitRepository and sourceRef"
    ],
    "  source:\n    inline: |\n      def main(a, b):\n      pass\n": [
        "9: spec.source.inline: IndentationError: expected an indented block after function definition on line 1"
    ],
    "  source:\n    inline:\n      source: x\n": ["7: spec.source.inline: must be of type string"],
    f"{CODE}  template: {{}}\n": ["7: spec.template: unknown field"],
    f"{CODE}  resourceConfiguration:\n    function: {{profile: S}}\n": [
        "8: spec.resourceConfiguration.function: unknown field"
    ],
    f"{CODE}  resourceConfiguration:\n    limit: {{cpu: 1}}\n": [
        '8: spec.resourceConfiguration.limit: unknown field, did you mean "limits"?'
    ],
    f"{CODE}  resourceConfiguration:\n    profile: S\n    requests: {{cpu: 1}}\n": [
        f"7: spec.resourceConfiguration: Invalid value: {ONE_CHOICE['message']}"
    ],
    f"{CODE}  resourceConfiguration:\n    requests:\n      cpu: 2\n    limits: {{cpu: 1}}\n": [
        "9: spec.resourceConfiguration.requests.cpu: Invalid value: 2: must be less than or equal to its limit of 1"
    ],
    f"{CODE}  resourceConfiguration:\n    install:\n      limits: {{cpu: [1]}}\n": [
        "9: spec.resourceConfiguration.install.limits.cpu: must be of type integer,string"
    ],
    f"{CODE}  resourceConfiguration:\n    profile: HUGE\n": [
        '8: spec.resourceConfiguration.profile: Unsupported value: "HUGE": supported values: "L", "M", "S", "XL", "XS"'
    ],
}


@pytest.mark.parametrize("spec", PROBLEMS)
def test_problems(tmp_path: Path, spec: str) -> None:
    """A problem has the line in the file, the path of v2alpha1, and the API server's words for that version."""
    file = tmp_path / "a.yaml"
    file.write_text(HEAD + spec, encoding="utf-8")
    found = [str(each).removeprefix(f"{file}:") for each in problems_in([str(file)], Config())[0]]
    assert len(found) == len(PROBLEMS[spec])
    assert all(map(str.startswith, found, PROBLEMS[spec])), found


def test_code_in_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`manifest` prints the version of the file, with the code of the files beside it in that version's fields."""
    (tmp_path / "function.yaml").write_text(HEAD, encoding="utf-8")
    (tmp_path / "handler.py").write_text("def main(event, context): pass\n", encoding="utf-8")
    (tmp_path / "requirements.txt").write_text("bottle\n", encoding="utf-8")
    assert main(["manifest", str(tmp_path)]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    source = {"inline": "def main(event, context): pass\n", "dependencies": "bottle\n"}
    assert (printed["apiVersion"], printed["spec"]["source"]) == (V2, source)
    (tmp_path / "requirements.txt").write_text("-e .\n", encoding="utf-8")
    (problem,) = problems_in([str(tmp_path)], Config())[0]
    assert (Path(problem.file).name, problem.path) == ("requirements.txt", "spec.source.dependencies")


@pytest.mark.sampled
def test_it_answers(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`invoke`, which starts the Function as `run` does, prints the response of a Function of v2alpha1."""
    file = tmp_path / "a.yaml"
    source = "  source:\n    inline: |\n      def main(event, context):\n          return event['data']\n"
    file.write_text(HEAD + source, encoding="utf-8")
    assert main(["invoke", str(file), "--data", "hello"]) == 0
    assert capfd.readouterr().out.strip() == "hello"


def test_unknown_versions_name_both(tmp_path: Path) -> None:
    """An apiVersion that does not exist is a problem that names both versions."""
    (tmp_path / "a.yaml").write_text(HEAD.replace("v2alpha1", "v1beta1") + CODE, encoding="utf-8")
    problem = problems_in([str(tmp_path)], Config())[0][0]
    assert (problem.line, problem.message) == (1, f'Unsupported value: supported values: "{V1}", "{V2}"')
