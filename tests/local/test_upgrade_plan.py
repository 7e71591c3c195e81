"""`buildless upgrade-plan`: what an upgrade of the hook restarts."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from support.cases import NOW, ROOT, complete, settle
from support.offline_metacontroller import World
from support.upgrade.templates import with_default_config

from hooks import __version__
from hooks.cli import main, releases
from hooks.config import Config
from hooks.records import LAST_APPLIED

Manifest = dict[str, Any]

CHANGELOG = """\
# Changelog

## 0.4.0 (unreleased)

### Added

- Much.

## 0.3.0 (2026-03-01)

### Rolls pods

- `python312`: its image is 0.3.0,
  with fewer packages.
- Functions with `labels` or `env`: their order.

## 0.2.0 (2026-02-01)

### Rolls pods

- All Functions: another probe.

## 0.1.0 (2026-01-01)
"""
GIT = {"gitRepository": {"url": "https://git.example/code.git", "reference": "main", "baseDir": "/"}}
BUCKET = {"sourceRef": {"kind": "Bucket", "name": "code"}}


class Output(NamedTuple):
    """Exit code, standard output and standard error."""

    code: int
    out: str
    err: str


Run = Callable[..., Output]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `buildless upgrade-plan` in an empty directory, with the changelog above."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BUILDLESS_CONFIG", raising=False)
    monkeypatch.setattr(releases, "changelog", lambda: CHANGELOG)

    def run(*arguments: str) -> Output:
        capsys.readouterr()
        code = main(["upgrade-plan", *arguments])
        return Output(code, *capsys.readouterr())

    return run


def function(name: str, namespace: str = "default", **spec: Any) -> Manifest:
    head = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function"}
    least = {"runtime": "nodejs22", "source": {"inline": {"source": "x"}}}
    return head | {"metadata": {"name": name, "namespace": namespace}, "spec": least | spec}


def write(name: str, *objects: Manifest) -> str:
    Path(name).write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    return name


def heads(output: Output) -> list[str]:
    """Return the line of each Function."""
    return [line for line in output.out.splitlines() if not line.startswith(" ")]


FUNCTIONS = [function("a"), function("b", runtime="python312"), function("c", labels={"team": "one"})]
PLANS = {
    "0.4.0": [],
    "0.3.0": [],
    "0.2.0": [
        "function/b: restarts pods: 0.3.0: its image is 0.3.0, with fewer packages",
        "function/c: restarts pods: 0.3.0: their order",
    ],
    "v0.1.0": [
        "function/a: restarts pods: 0.2.0: another probe",
        "function/b: restarts pods: 0.3.0: its image is 0.3.0, with fewer packages, 0.2.0: another probe",
        "function/c: restarts pods: 0.3.0: their order, 0.2.0: another probe",
    ],
}


@pytest.mark.parametrize("version", PLANS)
def test_the_changelog_announces_restarts(run: Run, version: str) -> None:
    """Every release after the version counts, for the Functions that its items describe."""
    output = run("--from", version, write("a.yaml", *FUNCTIONS))
    assert (output.code, heads(output), output.err) == (int(bool(PLANS[version])), PLANS[version], "")


def test_json_has_the_plan(run: Run) -> None:
    """-o json prints the same object as `diff`."""
    found = json.loads(run("--from", "0.2.0", "-o", "json", write("a.yaml", *FUNCTIONS)).out)["functions"]
    assert [(each["name"], each["restartsPods"], each["reasons"]) for each in found] == [
        ("b", True, ["0.3.0: its image is 0.3.0, with fewer packages"]),
        ("c", True, ["0.3.0: their order"]),
    ]


def test_a_refused_function_is_no_trouble(run: Run) -> None:
    """The hook leaves its children as they are, which is part of the plan."""
    output = run("--from", "0.4.0", write("a.yaml", function("a", runtime="cobol"), function("b")))
    assert (output.code, heads(output)) == (1, ["function/a: is refused; the old pods stay"])
    assert "spec.runtime: Unsupported value" in output.err


@pytest.mark.parametrize("source", ["0.0.9", "nowhere", "", "0.1"])
def test_an_unknown_version_is_refused(run: Run, source: str) -> None:
    """The message lists the versions of the changelog."""
    output = run(f"--from={source}", write("a.yaml", *FUNCTIONS))
    assert (output.code, output.out) == (2, "")
    assert f'"{source}": supported values: a path, "0.4.0", "0.3.0", "0.2.0", "0.1.0"' in output.err


def test_without_a_version_live_children_are_needed(run: Run) -> None:
    """The message says so."""
    output = run(write("a.yaml", *FUNCTIONS))
    assert output.code == 2
    assert "Expected --from, or files with the live children" in output.err


def older(place: Path, old: str = "", new: str = "") -> Path:
    """Make a tree like this one, with another text in the builder of Deployments."""
    shutil.copytree(ROOT / "hooks", place / "hooks", ignore=shutil.ignore_patterns("__pycache__", "templates"))
    builder = place / "hooks/children/deployment.py"
    text = builder.read_text(encoding="utf-8")
    assert old in text
    builder.write_text(text.replace(old, new), encoding="utf-8")
    return place


def packed(tree: Path) -> str:
    """Make a wheel of a tree; return its name."""
    wheel = tree / "hooks-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in (tree / "hooks").rglob("*.py"):
            archive.write(file, file.relative_to(tree))
    return str(wheel)


@pytest.mark.sampled
@pytest.mark.parametrize("pack", [str, packed])
def test_both_versions_are_rendered(run: Run, tmp_path: Path, pack: Callable[[Path], str]) -> None:
    """A wheel or a source tree renders each Function; those of one name in two namespaces are two."""
    before = older(tmp_path / "older", "failures=7", "failures=8")
    functions = [
        function("a"),
        function("a", "other", runtime="python312"),
        function("broken", runtime="cobol"),
        function("git", source=GIT),
        function("bucket", source=BUCKET),
    ]
    output = run("--from", pack(before), write("a.yaml", *functions))
    assert heads(output) == [
        "function/a: restarts pods: readiness probe",
        "function/broken: is refused; the old pods stay",
        "function/bucket: restarts pods: readiness probe",
        "function/git: restarts pods: readiness probe",
        "function/a in other: restarts pods: readiness probe",
    ]
    assert output.out.count("readinessProbe.failureThreshold: 8 -> 7") == 4
    assert output.code == 1


@pytest.mark.sampled
def test_the_same_version_restarts_nothing(run: Run) -> None:
    """Rendered by this tree, a hundred reference Functions do not differ."""
    functions = [function(name, **spec) for name, spec in with_default_config().items()]
    assert len(functions) >= 100
    assert run("--from", str(ROOT), write("a.yaml", *functions)) == (0, "", "")


@pytest.mark.sampled
def test_a_function_that_the_older_version_refuses(run: Run, tmp_path: Path) -> None:
    """Others are rendered nevertheless."""
    before = older(tmp_path / "older", "failures=7", "failures=8")
    config = before / "hooks/config.py"
    text = config.read_text(encoding="utf-8")
    assert '"python314"' in text
    config.write_text(text.replace('"python314"', '"python313"'), encoding="utf-8")
    output = run("--from", str(before), write("a.yaml", function("a"), function("b", runtime="python314")))
    assert heads(output) == [
        "function/a: restarts pods: readiness probe",
        "function/b: is valid again; what its pods run at present is unknown",
    ]


@pytest.mark.parametrize(("text", "message"), [(None, "it has no package hooks"), ("1 / 0\n", "ZeroDivisionError")])
def test_a_package_that_does_not_run(run: Run, tmp_path: Path, text: str | None, message: str) -> None:
    """The message has the last line of its error."""
    if text:
        (tmp_path / "older/hooks").mkdir(parents=True)
        (tmp_path / "older/hooks/__init__.py").write_text(text)
    else:
        (tmp_path / "older").mkdir()
    output = run("--from", "older", write("a.yaml", function("a")))
    assert (output.code, output.out) == (2, "")
    assert output.err.startswith(f"Error: the other version does not run here: {message}")


def test_live_children_are_compared_with_this_version(run: Run) -> None:
    """What an older hook has applied differs, whatever its version; what this one has applied does not."""
    objects = []
    for name, failures in (("old", 8), ("new", 7)):
        world = World(complete(function(name)))
        settle(world, Config(), NOW)
        deployment = world.children["Deployment", name]
        record = json.loads(deployment["metadata"]["annotations"][LAST_APPLIED])
        for each in (deployment, record):
            each["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["failureThreshold"] = failures
        deployment["metadata"]["annotations"][LAST_APPLIED] = json.dumps(record)
        objects += [world.parent, *world.children.values()]
    Path("live.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    assert run("live.json").out.splitlines() == [
        "function/old: restarts pods: readiness probe",
        "  Deployment",
        "    ~ spec.template.spec.containers[function].readinessProbe.failureThreshold: 8 -> 7",
    ]


def test_the_changelog_is_that_of_the_checkout() -> None:
    """Its newest release is this version."""
    assert next(releases.sections(releases.changelog())).version == __version__
