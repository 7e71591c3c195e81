""".github/release.py: a release needs the same version in every file that has one."""

import importlib.util
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from support.bake import ROOT

from hooks import __version__


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / ".github/release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = load()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a directory with the files that have a version, and a changelog with a dated section."""
    for name in release.VERSIONED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    changelog = f"# Changelog\n\n## {__version__} (2030-01-31)\n\n- New.\n\n## 0.0.9 (2030-01-01)\n\n- Old.\n"
    (tmp_path / "CHANGELOG.md").write_text(changelog)
    return tmp_path


def test_all_files_have_the_version() -> None:
    """Every file with a version has that of the code."""
    assert release.versions() == {name: {__version__} for name in release.VERSIONED}


def test_the_changelog_has_this_version() -> None:
    """The changelog has a section for the version of the code, dated or not."""
    assert f"\n## {__version__} (" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_release_notes_are_the_section_of_the_version(checkout: Path) -> None:
    """Where all versions agree there is no fault, and the notes are the section of that version only."""
    assert release.problems(__version__, checkout) == []
    assert release.section(__version__, checkout) == "- New."


def test_only_new_images_are_published(checkout: Path) -> None:
    """An image with an older version is already published, and its tag must not change."""
    bake = checkout / "docker-bake.json"
    bake.write_text(re.sub("(runtime-nodejs..):[0-9.]+", r"\1:0.0.9", bake.read_text()))
    names = [re.split("[/:]", image)[-2] for image in release.images(__version__, checkout)]
    assert names == ["function-hook", "runtime-python312", "runtime-python314"]


@pytest.mark.parametrize("name", release.VERSIONED)
def test_a_file_with_another_version_blocks_the_release(checkout: Path, name: str) -> None:
    """A file with another version is reported by name."""
    file = checkout / name
    file.write_text(file.read_text().replace(__version__, "9.9.9"))
    (problem,) = release.problems(__version__, checkout)
    assert problem == f"{name} has 9.9.9"


@pytest.mark.parametrize("heading", ["(unreleased)", ""])
def test_an_undated_section_blocks_the_release(checkout: Path, heading: str) -> None:
    """A section without a date is reported."""
    changelog = checkout / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("(2030-01-31)", heading))
    (problem,) = release.problems(__version__, checkout)
    assert problem.startswith("CHANGELOG.md")


def test_another_tag_fails_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    """The job fails with every fault at once."""
    with pytest.raises(SystemExit) as end:
        release.main("check", "v99.0.0")
    assert all(name in str(end.value) for name in release.VERSIONED)
