"""What .github/ asks for: nothing that can change under it, nothing it does not need, and the versions of the tests."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import go_tools
from support.bake import ROOT, targets

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))
TEXTS = {file.name: file.read_text(encoding="utf-8") for file in WORKFLOWS}
JOBS = [
    pytest.param(job, id=f"{file}:{name}")
    for file, text in TEXTS.items()
    for name, job in yaml.safe_load(text)["jobs"].items()
]

Job = dict[str, Any]


def test_actionlint_finds_nothing() -> None:
    """Expressions, contexts and every shell step are as GitHub and shellcheck want them."""
    shellcheck = Path(sys.executable).parent / "shellcheck"
    assert shellcheck.exists()
    command = [go_tools.program("actionlint"), "-no-color", "-shellcheck", shellcheck, *WORKFLOWS]
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actions_are_pinned() -> None:
    """Each action is one commit, the same one everywhere, with its version beside it; a workflow of ours is a file."""
    named: dict[str, set[str]] = {}
    for file, text in TEXTS.items():
        for uses in re.findall(r"^ *(?:- )?uses: (.+)$", text, re.MULTILINE):
            if not uses.startswith("./.github/workflows/"):
                pinned = re.fullmatch(r"([\w-]+/[\w-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", uses)
                assert pinned, f"{file}: {uses}"
                named.setdefault(pinned[1], set()).add(pinned[2])
    assert named
    assert all(len(commits) == 1 for commits in named.values()), named


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_nothing_is_allowed_unasked(file: Path) -> None:
    """A workflow as a whole may do nothing, and two runs of it for one thing are not at work at a time."""
    workflow = yaml.safe_load(TEXTS[file.name])
    assert workflow["permissions"] == {}
    assert "github.ref" in workflow["concurrency"]["group"]
    assert "github.workflow" not in workflow["concurrency"]["group"], "a workflow that is called has its caller's name"


@pytest.mark.parametrize("job", JOBS)
def test_a_job_asks_for_little(job: Job) -> None:
    """Each job says what it may do and when it is given up; no check-out leaves a token behind."""
    assert job["permissions"]
    assert "uses" in job or job["timeout-minutes"] <= 90
    for step in job.get("steps", ()):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        assert "${{" not in step.get("run", ""), "text of an event becomes a variable before a shell sees it"


def test_only_a_release_may_write() -> None:
    """Neither tests nor pull requests can publish anything."""
    for file, text in TEXTS.items():
        if file != "release.yaml":
            assert not re.search(r": write\b|secrets\.|pull_request_target", text), file


def test_programs_have_the_versions_of_the_tests() -> None:
    """Helm is what the tests render and install with, and Metacontroller what the demo installs."""
    helms = {module.rpartition("@")[2] for name, module in go_tools.MODULES.items() if name.startswith("helm")}
    named = re.findall(r"(?:helm: \[(.+)\]|version: (v.+))$", "\n".join(TEXTS.values()), re.MULTILINE)
    assert {version for match in named for words in match for version in words.split(", ") if version} == helms
    demo = (ROOT / "demo/cluster.py").read_text(encoding="utf-8")
    (metacontroller,) = re.findall(r'metacontroller-helm", "(.+)"', demo)
    assert f"/metacontroller:v{metacontroller})" in TEXTS["ci.yaml"]


def test_the_package_names_the_pythons_that_are_tested() -> None:
    """Each minor version of the classifiers runs the tests, and no other; links lead to the project's home."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [each.rpartition(" ")[2] for each in project["classifiers"] if re.search(r"Python :: 3\.\d+$", each)]
    assert yaml.safe_load(TEXTS["ci.yaml"])["jobs"]["test"]["strategy"]["matrix"]["python"] == named
    home = yaml.safe_load((ROOT / "chart/Chart.yaml").read_text(encoding="utf-8"))["home"]
    assert all(url == home or url.startswith(f"{home}/") for url in project["urls"].values())


def test_a_release_has_what_its_page_names() -> None:
    """The identity that signs is that workflow, and each file that is to be checked is among those of a release."""
    page = (ROOT / "docs/releases.md").read_text(encoding="utf-8")
    assert r"/\.github/workflows/release\.yaml@refs/tags/v" in page
    files = set(re.findall(r"\b(?:digests|buildless-functions)\.[a-z.]+[a-z]", page))
    assert len(files) == 3
    assert all(f"dist/{file}" in TEXTS["release.yaml"] for file in files)


def test_everything_pinned_is_kept_fresh() -> None:
    """Dependabot looks at each place with something to pin, and at no place that is not there."""
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]
    looked = {
        (update["package-ecosystem"], place)
        for update in updates
        for place in update.get("directories", [update.get("directory")])
    }
    places = {("docker", target.context) for target in targets().values()} | {("github-actions", "")}
    for ecosystem, name in (("pip", "requirements.txt"), ("npm", "package-lock.json"), ("gomod", "go.mod")):
        folders = [ROOT, *(folder for folder in ROOT.iterdir() if folder.is_dir() and folder.name[0] != ".")]
        found = [file for folder in folders for file in (folder.rglob(name) if folder != ROOT else folder.glob(name))]
        places |= {
            (ecosystem, str(file.parent.relative_to(ROOT))) for file in found if "node_modules" not in file.parts
        }
    assert looked == {(ecosystem, f"/{place.strip('.')}") for ecosystem, place in places}
