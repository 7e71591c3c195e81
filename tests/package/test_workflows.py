"""The workflows of .github/: pinned actions, least permissions, and the tool versions of the tests."""

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
    """actionlint and shellcheck accept every workflow."""
    shellcheck = Path(sys.executable).parent / "shellcheck"
    assert shellcheck.exists()
    command = [go_tools.program("actionlint"), "-no-color", "-shellcheck", shellcheck, *WORKFLOWS]
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actions_are_pinned() -> None:
    """Each action is pinned to one commit, the same everywhere, with its version in a comment."""
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
def test_workflows_have_no_default_permissions(file: Path) -> None:
    """A workflow grants no permissions by default, and runs once at a time per ref."""
    workflow = yaml.safe_load(TEXTS[file.name])
    assert workflow["permissions"] == {}
    assert "github.ref" in workflow["concurrency"]["group"]
    assert "github.workflow" not in workflow["concurrency"]["group"], "in a called workflow this is the caller's name"


@pytest.mark.parametrize("job", JOBS)
def test_jobs_have_least_permissions_and_a_timeout(job: Job) -> None:
    """Each job has permissions and a timeout; no checkout keeps a token, and no shell step contains an expression."""
    assert job["permissions"]
    assert "uses" in job or job["timeout-minutes"] <= 90
    for step in job.get("steps", ()):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        assert "${{" not in step.get("run", ""), "pass event data to a shell through env only"


def test_only_the_release_workflow_may_write() -> None:
    """No other workflow has write permissions or secrets."""
    for file, text in TEXTS.items():
        if file != "release.yaml":
            assert not re.search(r": write\b|secrets\.|pull_request_target", text), file


def test_programs_have_the_versions_of_the_tests() -> None:
    """CI uses the Helm versions of the tests and the Metacontroller version of demo/cluster.py."""
    helms = {module.rpartition("@")[2] for name, module in go_tools.MODULES.items() if name.startswith("helm")}
    named = re.findall(r"(?:helm: \[(.+)\]|version: (v.+))$", "\n".join(TEXTS.values()), re.MULTILINE)
    assert {version for match in named for words in match for version in words.split(", ") if version} == helms
    demo = (ROOT / "demo/cluster.py").read_text(encoding="utf-8")
    (metacontroller,) = re.findall(r'metacontroller-helm", "(.+)"', demo)
    assert f"/metacontroller:v{metacontroller})" in TEXTS["ci.yaml"]


def test_the_package_names_the_pythons_that_are_tested() -> None:
    """CI tests exactly the Python versions of the classifiers, and every project URL is below the project's home."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [each.rpartition(" ")[2] for each in project["classifiers"] if re.search(r"Python :: 3\.\d+$", each)]
    assert yaml.safe_load(TEXTS["ci.yaml"])["jobs"]["test"]["strategy"]["matrix"]["python"] == named
    home = yaml.safe_load((ROOT / "chart/Chart.yaml").read_text(encoding="utf-8"))["home"]
    assert all(url == home or url.startswith(f"{home}/") for url in project["urls"].values())


def test_the_release_page_matches_the_workflow() -> None:
    """docs/releases.md verifies the identity of the release workflow, and only files that this workflow publishes."""
    page = (ROOT / "docs/releases.md").read_text(encoding="utf-8")
    assert r"/\.github/workflows/release\.yaml@refs/tags/v" in page
    files = set(re.findall(r"\b(?:digests|buildless-functions)\.[a-z.]+[a-z]", page))
    assert len(files) == 3
    assert all(f"dist/{file}" in TEXTS["release.yaml"] for file in files)


def test_dependabot_covers_everything_pinned() -> None:
    """Dependabot covers each folder with pinned dependencies, and no other."""
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]
    covered = {
        (update["package-ecosystem"], place)
        for update in updates
        for place in update.get("directories", [update.get("directory")])
    }
    places = {("docker", target.context) for target in targets().values()} | {("github-actions", "")}
    for ecosystem, name in (("pip", "requirements.txt"), ("npm", "package-lock.json"), ("gomod", "go.mod")):
        folders = [
            ROOT,
            *(
                folder
                for folder in ROOT.iterdir()
                if folder.is_dir() and folder.name[0] != "." and folder.name != "build"
            ),
        ]
        found = [file for folder in folders for file in (folder.rglob(name) if folder != ROOT else folder.glob(name))]
        places |= {
            (ecosystem, str(file.parent.relative_to(ROOT)))
            for file in found
            if not {"node_modules", "templates"} & {*file.parts}  # templates of a Function pin nothing
        }
    assert covered == {(ecosystem, f"/{place.strip('.')}") for ecosystem, place in places}
