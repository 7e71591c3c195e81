"""The interpreter of a Function on this machine: the nearest version, on PATH or where version managers keep it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hooks.cli import interpreters


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with nothing but the Python that runs this, in an empty home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/nowhere")
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    monkeypatch.setattr(interpreters, "_NODE_DIRECTORIES", ("~/.nvm/versions/node/*/bin",))
    monkeypatch.setattr(interpreters, "SECONDS", 0.5)
    yield
    interpreters.nearest_python.cache_clear()
    interpreters.nearest_node.cache_clear()


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def python(path: Path, version: str) -> Path:
    return program(path / f"python{version.rpartition('.')[0]}", f"echo {version}")


@pytest.mark.parametrize(
    ("installed", "wanted", "version"),
    [
        (["3.90.2", "3.91.1", "3.93.0"], "3.91", "3.91.1"),
        (["3.90.2", "3.91.1", "3.93.0"], "3.94", "3.93.0"),
        (["3.90.2", "3.91.1", "3.93.0"], "3.92", "3.93.0"),
        (["3.91.9", "3.91.10"], "3.91", "3.91.10"),
        (["2.7.18", "3.6.15", "3.10.13"], "3.10", "own"),
        ([], "3.94", "own"),
    ],
)
def test_the_nearest_python_runs(tmp_path: Path, installed: list[str], wanted: str, version: str) -> None:
    """Of the versions of pyenv the nearest, of two as near the newer; none that the server's packages leave out."""
    for each in installed:
        python(tmp_path / f".pyenv/versions/{each}/bin", each)
    own = ".".join(map(str, sys.version_info[:3]))
    assert interpreters.nearest_python(wanted).version == (own if version == "own" else version)


def test_shims_show_where_the_versions_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shim, which may not be allowed to run its version, is not used, but the version beside it."""
    program(tmp_path / "pyenv/shims/python3.94", "exit 127")
    found = python(tmp_path / "pyenv/versions/3.94.1/bin", "3.94.1")
    monkeypatch.setenv("PATH", f"{tmp_path}/pyenv/shims")
    assert interpreters.nearest_python("3.94").program == str(found)


def test_path_comes_first(tmp_path: Path) -> None:
    """Of two programs of one version the one on PATH runs."""
    python(tmp_path / ".pyenv/versions/3.94.1/bin", "3.94.1")
    found = python(tmp_path / "bin", "3.94.0")
    assert interpreters.nearest_python("3.94").program == str(found)


@pytest.mark.parametrize("script", ["exit 1", "exec /bin/sleep 60", ""])
def test_a_python_that_does_not_work_is_left_out(tmp_path: Path, script: str) -> None:
    """Without venv or ensurepip, as in Debian's package, or hanging: the next nearest runs."""
    program(tmp_path / "bin/python3.94", script)
    python(tmp_path / "bin", "3.92.3")
    assert interpreters.nearest_python("3.94").version == "3.92.3"


def node(directory: Path, version: str, *, npm: bool = True) -> Path:
    if npm:
        program(directory / "npm", "exit 0")
    return program(directory / "node", f"echo v{version}")


@pytest.mark.parametrize(
    ("wanted", "version"), [("", "20.1.0"), ("20", "20.1.0"), ("22", "22.18.0"), ("26", "24.9.1"), ("18", "20.1.0")]
)
def test_the_nearest_node_runs(tmp_path: Path, wanted: str, version: str) -> None:
    """The first on PATH if its version is wanted or none is, else the nearest of those that have npm."""
    node(tmp_path / "bin", "20.1.0")
    for each in ("22.2.0", "22.18.0", "24.9.1"):
        node(tmp_path / f".nvm/versions/node/v{each}/bin", each)
    node(tmp_path / ".nvm/versions/node/v26.0.0/bin", "26.0.0", npm=False)
    found = interpreters.nearest_node(wanted)
    assert found
    assert found.version == version


def test_without_node_there_is_none() -> None:
    """An empty machine has no Node.js."""
    assert interpreters.nearest_node("22") is None
