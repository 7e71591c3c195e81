"""Shell commands and manifests in the pages of docs/, and a shell to run them."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml
from support.cluster.control_plane import ControlPlane, Manifest
from support.cluster.stack import ROOT


def commands(page: str, heading: str) -> list[str]:
    """Return the blocks of commands below a heading, without those below its sub-headings."""
    return _blocks(page, heading, "sh")


def manifest(page: str, heading: str) -> Manifest:
    """Return the only manifest below a heading."""
    (text,) = _blocks(page, heading, "yaml")
    return dict(yaml.safe_load(text))


def _blocks(page: str, heading: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    section = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#+ |\Z)", text, re.DOTALL | re.MULTILINE)
    assert section, f"docs/{page} has no heading {heading!r}"
    found = re.findall(rf"```{language}\n(.*?)```", section[1], re.DOTALL)
    assert found, f"docs/{page}: nothing in {language} below {heading!r}"
    return found


class Shell:
    """Bash in a directory, with kubectl (as admin) and the given programs on PATH."""

    def __init__(self, plane: ControlPlane, programs: Mapping[str, Path], directory: Path | None = None) -> None:
        self.directory, programs = directory or plane.directory, {"kubectl": plane.assets / "kubectl", **programs}
        bin_ = plane.directory / "bin"
        bin_.mkdir(exist_ok=True)
        for name, program in programs.items():
            (bin_ / name).unlink(missing_ok=True)
            (bin_ / name).symlink_to(program)
        admin = str(plane.kubeconfig("admin"))
        self.environment = os.environ | {"PATH": f"{bin_}:{os.environ['PATH']}", "KUBECONFIG": admin}

    def run(self, command: str) -> str:
        """Run a command; return its output and errors. Fail if its exit code is not 0."""
        done = subprocess.run(
            ["bash", "-euc", command],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=660,  # a page waits for ten minutes, since Metacontroller retries ever less often
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


def buildless(plane: ControlPlane) -> Path:
    """Return a program `buildless` for Shell."""
    program = plane.directory / "buildless"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m hooks.cli "$@"\n')
    program.chmod(0o755)
    return program
