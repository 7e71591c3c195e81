"""An upgrade restarts only the pods that the changelog announces."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cases import ROOT
from support.crd import SCHEMA
from support.upgrade import changelog, gate, previous
from support.upgrade.changelog import newest
from support.upgrade.gate import Images
from support.upgrade.templates import GONE, Templates, deployment, functions, of_this_tree, parts, with_default_config

from hooks.config import Config
from hooks.runtimes import FAMILIES

Manifest = dict[str, Any]

SECTION = newest(changelog.FILE.read_text(encoding="utf-8"))
LEFTOVERS = {"__pycache__", "node_modules", ".compile-cache"}
REFUSED = (
    "spec.resourceConfiguration.function.resources.claims",
    "spec.resourceConfiguration.build.resources.claims",
    "spec.template.",
)


def test_pod_templates(request: pytest.FixtureRequest) -> None:
    """A release changes only the pod templates that its changelog announces under "Rolls pods"."""
    blessed, now = Templates.read(), of_this_tree()
    taken_over = gate.taken_over(blessed, now, SECTION)
    if request.config.getoption("--bless"):
        taken_over.write()
        blessed = Templates.read()
    complaint = gate.of_announcement(blessed, SECTION)
    assert not complaint, complaint
    assert blessed == taken_over, f"The changelog allows it: {gate.BLESS}, then read the diff."


@pytest.mark.parametrize("family", FAMILIES)
def test_runtime_images(family: str, request: pytest.FixtureRequest) -> None:
    """The files of a runtime's images change only together with its version, which is then the next release's."""
    blessed, now = gate.blessed_runtimes(), gate.runtimes()[family]
    complaint = gate.of_runtime(family, blessed.get(family, Images("", "")), now, SECTION)
    assert not complaint, complaint
    if request.config.getoption("--bless"):
        blessed |= {family: now}
        gate.bless_runtimes(blessed)
    assert blessed.get(family) == now, f"The changelog allows it: {gate.BLESS}, then read the diff."


def test_the_hooks_version_is_in_no_pod_template() -> None:
    """Otherwise each release would restart every Function."""
    script = "import hooks; hooks.__version__ = '98.7.6'; from hooks.config import Config; print(Config())"
    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert "runtime-python312" in printed
    assert "98.7.6" not in printed


def test_there_are_a_hundred_under_the_default_config() -> None:
    """A hundred reference Functions need no settings."""
    assert len(with_default_config()) >= 100


def test_order_of_keys_is_no_change() -> None:
    """The order of keys does not change a pod template."""
    made = deployment("everything", functions()["everything"])
    assert parts(json.loads(json.dumps(made, sort_keys=True))) == parts(made)


def test_every_field_is_used_by_a_reference_function() -> None:
    """Each field of the CRD, except the refused ones, and each setting is used by some reference Function."""
    seen = {path for spec in functions().values() for path in paths(spec, "spec")}
    known = schema_paths(SCHEMA["properties"]["spec"], "spec")
    assert [path for path in known if path not in seen and not path.startswith(REFUSED)] == []
    settings = {field.alias or name for name, field in Config.model_fields.items()}
    assert {key for spec in functions().values() for key in spec.get("config", {})} == settings


def schema_paths(schema: Manifest, path: str) -> Iterator[str]:
    """Yield the path of every field without inner fields."""
    inner = schema.get("items", schema)
    if "properties" not in inner:
        yield path
    for name, field in inner.get("properties", {}).items():
        yield from schema_paths(field, f"{path}.{name}")


def paths(value: Any, path: str) -> Iterator[str]:
    """Yield the path of every field in a value, in the notation of schema_paths()."""
    yield path
    for item in value if isinstance(value, list) else ():
        yield from paths(item, path)
    for key, item in value.items() if isinstance(value, dict) else ():
        yield from paths(item, f"{path}.{key}")


def mutations(value: Any) -> Iterator[Any]:
    """Yield every copy of a JSON value with one leaf changed, one key removed or one list reversed."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield {name: kept for name, kept in value.items() if name != key}
            yield from (value | {key: other} for other in mutations(item))
    elif isinstance(value, list):
        yield from ([*value[:n], other, *value[n + 1 :]] for n, item in enumerate(value) for other in mutations(item))
        if value[::-1] != value:
            yield value[::-1]
    elif isinstance(value, bool):
        yield not value
    else:
        yield value + 1 if isinstance(value, int) else value + "x"


def test_any_change_is_detected() -> None:
    """A change of one byte, number, key or list order in a pod template is reported with the Function's name."""
    blessed = Templates("0.1.0", of_this_tree())
    made = deployment("everything", functions()["everything"])
    others = list(mutations(made["spec"]["template"]))
    for other in others:
        now = blessed.functions | {"everything": parts(made | {"spec": made["spec"] | {"template": other}})}
        assert "everything" in gate.of_templates(blessed, now, newest(NOTHING)), other
    assert len(others) > 200


HEADER = "# Changelog\n\nWords.\n\n"
OLDER = "\n## 0.1.0 (2026-01-01)\n\n### Rolls pods\n\n- All Functions: long ago.\n"


def section(*items: str, title: str = "0.2.0 (unreleased)", heading: str = "Rolls pods") -> str:
    lines = "".join(f"- {item}\n" for item in items)
    return f"{HEADER}## {title}\n\n### Added\n\n- All: much.\n\n### {heading}\n\n{lines}{OLDER}"


NOTHING = section("Nothing: only words have changed.")
# A changelog, and which of the three Functions in SPECS it announces.
CHANGELOGS = [
    (NOTHING, ""),
    (section(), ""),
    (section("All Functions: x", heading="Changed"), ""),
    (section("All Functions: the probe."), "dependencies labels python"),
    (section("All Functions: what `labels` are not about."), "dependencies labels python"),
    (section("Functions with `dependencies`: x"), "dependencies"),
    (section("Functions with `dependencies` or\n  `labels`: x"), "dependencies labels"),
    (section("`python312`: its image is 0.2.0.", "Functions with `labels`: x"), "labels python"),
    (section("Functions with `replicas`: x"), ""),
]
SPECS: dict[str, Manifest] = {
    "dependencies": {"runtime": "nodejs22", "source": {"inline": {"source": "x", "dependencies": "{}"}}},
    "labels": {"runtime": "nodejs22", "labels": {"a": "b"}},
    "python": {"runtime": "python312", "env": [{"name": "A"}]},
}


@pytest.mark.parametrize(("text", "expected"), CHANGELOGS, ids=[str(n) for n, _ in enumerate(CHANGELOGS)])
def test_announced_functions(text: str, expected: str) -> None:
    """Exactly the Functions that the newest section describes may restart."""
    assert [name for name, spec in SPECS.items() if newest(text).rolls_pods(spec)] == expected.split()


@pytest.mark.parametrize("item", ["None.", "Many Functions restart", "`labels`", ": all", "All:"])
def test_changelog_items_name_functions(item: str) -> None:
    """An item without a recognizable description of Functions is an error."""
    with pytest.raises(ValueError, match="WHO: what changes"):
        newest(section(item))


def test_announced_writes() -> None:
    """An item under "Writes" announces writes of resources and no restarts, and one under "Rolls pods" no writes."""
    writes = newest(section("`functions/status`, `services`: a new label", heading="Writes"))
    assert [what for what in ("services", "functions/status", "deployments") if writes.may_write(what)] == [
        "services",
        "functions/status",
    ]
    assert not any(map(writes.rolls_pods, SPECS.values()))
    assert not newest(section("All Functions: x", "`services`: x")).may_write("services")


def test_the_changelog_can_be_parsed() -> None:
    """The newest section of CHANGELOG.md has a version."""
    assert SECTION.version.count(".") == 2


BEFORE = {"dependencies-python": {"images": "1", "volumes": "1"}, "labels": {"images": "1"}}
# Changed pod templates, a changelog, and the complaint ("" for none).
GATE = [
    ({}, NOTHING, ""),
    ({"labels": {"images": "2"}}, NOTHING, "images: labels"),
    ({"labels": {}}, NOTHING, "images: labels"),
    ({"labels": {"images": "1", "spec": "1"}}, NOTHING, "spec: labels"),
    ({"dependencies-python": {"images": "2", "volumes": "2"}}, NOTHING, "images, volumes: dependencies-python"),
    ({"labels": None}, NOTHING, f"{GONE}: labels"),
    ({"labels": None}, section("All Functions: x"), ""),
    ({"new": {"images": "1"}}, NOTHING, ""),
    ({"labels": {"images": "2"}}, section("All Functions: x"), ""),
    ({"labels": {"images": "2"}}, section("All Functions: x", title="0.2.0"), "images: labels"),
    ({"labels": {"images": "2"}}, section("Functions with `labels`: x"), ""),
    ({"labels": {"images": "2"}}, section("Functions with `dependencies`: x"), "images: labels"),
    ({"dependencies-python": {"images": "2", "volumes": "1"}}, section("Functions with `dependencies`: x"), ""),
]


@pytest.mark.parametrize(("change", "text", "wrong"), GATE, ids=[str(n) for n, _ in enumerate(GATE)])
def test_gate(change: dict[str, Any], text: str, wrong: str) -> None:
    """A change that is not announced is reported, part by part, and not blessed; an announced change is blessed."""
    blessed = Templates("0.1.0", BEFORE)
    now = {name: row for name, row in (BEFORE | change).items() if row is not None}
    if wrong:
        with pytest.raises(AssertionError, match=f"Pods would restart .*\n  {wrong}\nUndo that"):
            gate.taken_over(blessed, now, newest(text))
    else:
        changes = any(now.get(name) != row for name, row in BEFORE.items())
        assert gate.taken_over(blessed, now, newest(text)) == Templates("0.2.0" if changes else "0.1.0", now)


def test_announced_restarts_happen() -> None:
    """A changelog must not announce restarts if no pod template has been blessed for that release."""
    announced = newest(section("All Functions: x"))
    assert "remove the item" in gate.of_announcement(Templates("0.1.0", BEFORE), announced)
    assert gate.of_announcement(Templates("0.2.0", BEFORE), announced) == ""
    assert gate.of_announcement(Templates("0.1.0", BEFORE), newest(NOTHING)) == ""


OLD, RELEASED = Images("0.1.0", "a"), NOTHING.replace("unreleased", "2026-02-01")
# A runtime's version and image digest, a changelog, and the complaint ("" for none).
RUNTIMES = [
    (OLD, NOTHING, ""),
    (OLD, RELEASED, ""),
    (Images("0.1.0", "b"), NOTHING, "runtimes/ has changed since 0.1.0"),
    (Images("0.2.0", "b"), NOTHING, ""),
    (Images("0.2.0", "a"), NOTHING, ""),
    (Images("0.2.0", "b"), RELEASED, "the version is 0.2.0 now"),
    (Images("0.3.0", "b"), NOTHING, "the version is 0.3.0 now"),
    (Images("0.1.0", "b"), NOTHING.replace("0.2.0", "0.1.0"), ""),
]


@pytest.mark.parametrize(("now", "text", "wrong"), RUNTIMES, ids=[str(n) for n, _ in enumerate(RUNTIMES)])
def test_gate_of_runtimes(now: Images, text: str, wrong: str) -> None:
    """A changed image needs the version of the next release. The other gate checks that it is announced."""
    complaint = gate.of_runtime("python", OLD, now, newest(text))
    assert wrong in complaint
    assert bool(wrong) == bool(complaint)


@pytest.mark.parametrize("family", FAMILIES)
def test_another_runtime_version_restarts_its_functions(family: str) -> None:
    """A new image version changes the pod template of each Function that has no image of its own."""
    runtimes = set(Config().runtime_names(family))
    config = {"runtimes": {name: {"image": f"runtime-{name}:98.7.6"} for name in runtimes}}
    of_family = {name: spec for name, spec in with_default_config().items() if spec["runtime"] in runtimes}
    assert len(of_family) > 10
    for name, spec in of_family.items():
        is_other = parts(deployment(name, spec | {"config": config})) != of_this_tree()[name]
        assert is_other == (not spec.get("runtimeImageOverride", "").strip()), name


@pytest.mark.parametrize("family", FAMILIES)
def test_image_digests_cover_every_file(family: str) -> None:
    """The digest covers all files of runtimes/ except the sources of lock files."""
    folder = ROOT / "runtimes" / family
    files = {path for path in folder.rglob("*") if path.is_file() and not LEFTOVERS & set(path.parts)}
    assert {path.name for path in files - gate.image_files(folder)} <= {".dockerignore", "requirements.in"}


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    command = ["git", *settings, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_previous_release_is_found(tmp_path: Path) -> None:
    """It is the newest tag before HEAD, without tags the given commit, and in a shallow clone none."""
    if shutil.which("git") is None:
        pytest.skip("LEFT OUT: git is not on PATH")
    assert previous.revision(tmp_path, "0.1.0") == ""
    git(tmp_path, "init", "-q")
    commits = []
    for _ in range(3):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x")
        commits.append(git(tmp_path, "rev-parse", "--short", "HEAD"))
    assert previous.revision(tmp_path, commits[0]) == commits[0]
    assert previous.revision(tmp_path, "0123456") == ""
    git(tmp_path, "tag", "v0.1.0", commits[1])
    git(tmp_path, "tag", "v0.2.0")
    git(tmp_path, "tag", "other", commits[1])
    assert previous.revision(tmp_path, commits[0]) == "v0.1.0"
    git(tmp_path, "clone", "-q", "--depth=1", "--no-tags", f"file://{tmp_path}", "shallow")
    assert previous.revision(tmp_path / "shallow", commits[0]) == ""


def test_previous_release_is_unpacked(tmp_path: Path) -> None:
    """It contains the hook, the CRD and the CompositeController."""
    if not previous.revision(ROOT, "HEAD"):
        pytest.skip("LEFT OUT: this is not a git checkout")
    previous.unpack(ROOT, "HEAD", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compositecontroller.yaml", "crds", "hooks"]
