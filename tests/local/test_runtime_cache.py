"""Which program installs the packages of the Python server on this machine."""

import sys
from pathlib import Path

import pytest

from hooks.cli import runtime_cache


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of an interpreter, in which each program notes its arguments; it holds no uv."""
    write(tmp_path / "python", "exit 0")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    return tmp_path


def write(program: Path, end: str) -> None:
    program.write_text(f'#!/bin/sh\necho "$(basename "$0") $*" >> {program.parent}/log\n{end}\n')
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("uv", "installed_by"),
    [(None, ["python"]), ("exit 0", ["uv"]), ("echo no index >&2; exit 2", ["uv", "python"])],
    ids=["without", "with", "failing"],
)
def test_pip_takes_the_place_of_uv(programs: Path, uv: str | None, installed_by: list[str]) -> None:
    """uv installs where it is set up and works, pip everywhere else; both check hashes."""
    if uv:
        write(programs / "uv", uv)
    runtime_cache._install_packages(str(programs / "python"), Path("lock.txt"))
    log = (programs / "log").read_text().splitlines()
    assert [line.split()[0] for line in log] == installed_by
    assert all("--require-hashes --requirement lock.txt" in line for line in log)


def test_what_pip_says_is_passed_on(programs: Path) -> None:
    """A lock that neither can install ends with pip's last line."""
    write(programs / "uv", "exit 2")
    write(programs / "python", "echo no such package >&2; exit 1")
    with pytest.raises(runtime_cache.Unavailable, match="no such package"):
        runtime_cache._install_packages(str(programs / "python"), Path("lock.txt"))
