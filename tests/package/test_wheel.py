"""The package as pipx and uvx install it: it has the servers of Functions, and runs without the source tree."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.cases import ROOT

SERVERS = "hooks/cli/servers/"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the content of the wheel of a copy of the source tree."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    copy = ["tar", "--create", "--null", "--files-from=-", "--file=-"]
    files = subprocess.run(copy, cwd=ROOT, input=tracked, capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract", "--file=-"], cwd=source, input=files, check=True)
    pip = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([sys.executable, *pip, "--wheel-dir", str(folder), str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "installed")
    return folder / "installed"


def test_the_wheel_has_every_file_of_the_servers(installed: Path) -> None:
    """runtimes/ is in the wheel, but for the files with which locks are made."""
    listed = subprocess.run(["git", "ls-files", "runtimes"], cwd=ROOT, capture_output=True, text=True, check=True)
    wanted = {name.removeprefix("runtimes/") for name in listed.stdout.split()}
    wanted = {name for name in wanted if not name.endswith(".in")}
    found = {path.relative_to(installed / SERVERS).as_posix() for path in (installed / SERVERS).rglob("*")}
    assert {name for name in found if (installed / SERVERS / name).is_file()} == wanted
    assert "python/server.py" in wanted
    assert (installed / "hooks/cli/debugger/requirements.txt").is_file()
    assert (installed / "hooks/cli/CHANGELOG.md").read_bytes() == (ROOT / "CHANGELOG.md").read_bytes()


def test_the_wheel_has_every_template(installed: Path) -> None:
    """The files of `buildless new` are in the wheel, those whose name begins with a dot, too."""
    folder = "hooks/cli/templates"
    listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    found = {path.relative_to(installed).as_posix() for path in (installed / folder).rglob("*") if path.is_file()}
    assert found == set(listed.stdout.split())
    assert f"{folder}/.gitignore" in found


def test_an_installed_package_runs_functions(installed: Path, tmp_path: Path) -> None:
    """Without the source tree, `buildless run` finds the servers in the package."""
    example = ROOT / "examples" / "hello-python.yaml"
    env = os.environ | {"PYTHONPATH": str(installed)}  # before the editable installation of the source tree
    command = [sys.executable, "-P", "-m", "hooks.cli", "run", "--once", "--port", "18900", str(example)]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "answered 200: Hello from Python!" in done.stdout
