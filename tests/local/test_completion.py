"""The completion scripts in interactive shells, on a terminal: what a Tab completes."""

import contextlib
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cases import ROOT

SECONDS = 60
COMMANDS = {
    "bash": (["bash", "--norc", "-i"], 'eval "$(buildless completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -Uz compinit; compinit -u; eval "$(buildless completion zsh)"'),
    "zsh, autoloaded": (
        ["zsh", "-f", "-i"],
        "mkdir c; buildless completion zsh > c/_buildless; fpath=($PWD/c $fpath); autoload -Uz compinit; compinit -u",
    ),
}
"""The command of each shell, and the line that its user adds to the shell's settings."""


class Terminal:
    """A program on a terminal, and what it has printed so far."""

    def __init__(self, command: list[str], folder: Path, **env: str) -> None:
        self.master, terminal = pty.openpty()
        self.output = ""
        self.process = subprocess.Popen(
            command, stdin=terminal, stdout=terminal, stderr=terminal, cwd=folder, env=env, start_new_session=True
        )
        os.close(terminal)

    def write(self, text: str) -> None:
        os.write(self.master, text.encode())

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + SECONDS
        while text not in self.output:
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no {text!r} in {self.output!r}"
            self.output += os.read(self.master, 65536).decode(errors="replace")


@contextlib.contextmanager
def terminal(command: list[str], folder: Path, **env: str) -> Iterator[Terminal]:
    started = Terminal(command, folder, **env)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait()
        os.close(started.master)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment of a shell that has `buildless` on PATH."""
    program = tmp_path / "bin/buildless"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m hooks.cli "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "TERM": "dumb"}


def needs(shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"LEFT OUT: {shell} is not on PATH")


def test_fish_completes(tmp_path: Path, env: dict[str, str]) -> None:
    """Fish lists the commands that begin as typed."""
    needs("fish")
    script = 'buildless completion fish | source; complete -C "buildless ren"'
    done = subprocess.run(["fish", "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "render" in done.stdout.split()


@pytest.mark.parametrize("shell", COMMANDS)
def test_tab_completes(tmp_path: Path, env: dict[str, str], shell: str) -> None:
    """A Tab completes a command, and then an option of that command."""
    command, settings = COMMANDS[shell]
    needs(command[0])
    with terminal(command, tmp_path, **env) as shell_:
        shell_.write(f"{settings}; echo re''ady\n")
        shell_.wait_for("ready")
        shell_.write("buildless ren\t")
        shell_.wait_for("buildless render")
        shell_.write("--stat\t")
        shell_.wait_for("--status")
