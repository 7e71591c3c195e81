"""Which interpreter runs a Function on this machine, and which program installs the packages of its server."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hooks.cli import installers, runtime_cache


@pytest.mark.parametrize(
    ("family", "runtime", "version", "text"),
    [
        ("python", "python312", "3.12.1", "Python 3.12.1"),
        ("python", "python314", "3.12.1", "Python 3.12.1, the nearest here"),
        ("python", "python31", "3.12.1", "Python 3.12.1, the nearest here"),
        ("python", "python-3.12", "3.12.1", "Python 3.12.1"),
        ("python", "data-science", "3.12.1", "Python 3.12.1"),
        ("nodejs", "nodejs22", "22.4.0", "Node.js 22.4.0"),
        ("nodejs", "nodejs24", "22.4.0", "Node.js 22.4.0, the nearest here"),
        ("nodejs", "nodejs-22-slim", "22.4.0", "Node.js 22.4.0"),
        ("nodejs", "python312", "22.4.0", "Node.js 22.4.0"),
    ],
)
def test_interpreter(family: str, runtime: str, version: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The family comes from the config, not from the name; the text says so if the version differs."""
    local = replace(runtime_cache.LOCAL[family], version=lambda _: version)
    monkeypatch.setattr(runtime_cache, "LOCAL", {family: local})
    assert runtime_cache.interpreter(family, runtime) == text


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of an interpreter, where each program logs its arguments; it has no uv."""
    write(tmp_path / "python", "exit 0")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("UV", raising=False)
    return tmp_path


def write(program: Path, end: str) -> None:
    program.write_text(f'#!/bin/sh\necho "$(basename "$0") $*" >> {program.parent}/log\n{end}\n')
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("uv", "installed_by"),
    [(None, ["python"]), ("exit 0", ["uv"]), ("echo no index >&2; exit 2", ["uv", "python"])],
    ids=["without", "with", "failing"],
)
def test_pip_replaces_a_missing_uv(programs: Path, uv: str | None, installed_by: list[str]) -> None:
    """uv installs if it is there and works, else pip; both check hashes."""
    if uv:
        write(programs / "uv", uv)
    installers.install_packages(str(programs / "python"), Path("lock.txt"))
    log = (programs / "log").read_text().splitlines()
    assert [line.split()[0] for line in log] == installed_by
    assert all("--require-hashes --requirement lock.txt" in line for line in log)


def test_the_message_of_pip_is_kept(programs: Path) -> None:
    """If neither can install a lock, the message has pip's lines."""
    write(programs / "uv", "exit 2")
    write(programs / "python", "echo no such package >&2; exit 1")
    with pytest.raises(installers.Unavailable, match="no such package"):
        installers.install_packages(str(programs / "python"), Path("lock.txt"))


NPM = """\
npm error code ECONNREFUSED
npm error syscall connect
npm error request to https://me:secret@registry.example.com/bottle failed, reason: connect ECONNREFUSED 127.0.0.1:9
npm error     at ClientRequest.<anonymous> (/usr/lib/node_modules/npm/index.js:130:14)
npm error A complete log of this run can be found in: /tmp/x/_logs/2026-debug-0.log
"""


def test_an_installer_is_quoted_from_the_first_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cause stays, the user of a URL and the log of a removed directory do not; a network error gets a hint."""
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@127.0.0.1:9")
    words = installers.own_words(NPM)
    assert words[0] == "npm error code ECONNREFUSED"
    assert "secret" not in "\n".join(words)
    assert " at Client" not in "\n".join(words)
    assert "log of this run" not in "\n".join(words)
    assert words[-1].startswith("is the package registry reachable? set in this shell: HTTPS_PROXY")
    assert len(installers.own_words("\n".join(map(str, range(100))))) == installers.MAX_LINES
