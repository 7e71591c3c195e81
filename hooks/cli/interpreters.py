"""
The interpreters on this machine, and the one that is nearest to the version that a Function wants.

They are looked for on PATH and where version managers keep them: pyenv, uv, asdf and mise for Python; nvm, fnm, Volta,
n, asdf and mise for Node.js.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PREFERRED_PYTHON = "3.12"
"""For a runtime whose name has no version."""
OLDEST_PYTHON = (3, 11)
"""The oldest one for which the packages of runtimes/python are locked."""
SECONDS = 5
"""An interpreter that has not printed its version by then is left out."""

_SHIMS = "shims"
_PYTHON_VERSION = "import ensurepip, platform, venv; print(platform.python_version())"
_PYTHON_DIRECTORIES = (
    "~/.local/share/uv/python/*/bin",
    "~/.asdf/installs/python/*/bin",
    "~/.local/share/mise/installs/python/*/bin",
)
_NODE_DIRECTORIES = (
    "~/.nvm/versions/node/*/bin",
    "~/.local/share/fnm/node-versions/*/installation/bin",
    "~/.volta/tools/image/node/*/bin",
    "/usr/local/n/versions/node/*/bin",
    "~/.asdf/installs/nodejs/*/bin",
    "~/.local/share/mise/installs/node/*/bin",
)


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A program and its version, such as "3.12.1"."""

    program: str
    version: str

    @property
    def numbers(self) -> tuple[int, ...]:
        """The version as numbers."""
        return numbers(self.version)


def numbers(version: str) -> tuple[int, ...]:
    """Return the first three numbers of a version."""
    return tuple(map(int, re.findall(r"[0-9]+", version)[:3]))


@functools.cache
def nearest_python(wanted: str = "") -> Interpreter:
    """
    Return the Python that is nearest to the wanted version, the one that runs this if no other is nearer.

    It is not older than OLDEST_PYTHON, and can make virtual environments.
    """
    own = Interpreter(program=sys.executable, version=".".join(map(str, sys.version_info[:3])))
    found = [each for each in (own, *_pythons()) if each.numbers >= OLDEST_PYTHON]
    for each in _by_distance(found, numbers(wanted or PREFERRED_PYTHON)[:2]):
        if version := _printed(each.program, "-c", _PYTHON_VERSION):
            return Interpreter(program=each.program, version=version)
    return own


@functools.cache
def nearest_node(wanted: str = "") -> Interpreter | None:
    """Return the Node.js with npm that is nearest to the wanted version, "" for the first on PATH; None without any."""
    on_path = [
        Interpreter(program=program, version=version.removeprefix("v"))
        for program in (_programs(_on_path(), "node") if shutil.which("npm") else ())
        if (version := _printed(program, "--version"))
    ]
    if on_path and (not wanted or on_path[0].numbers[:1] == numbers(wanted)[:1]):
        return on_path[0]
    managed = [
        Interpreter(program=program, version=found[1])
        for program in _programs(_directories(_NODE_DIRECTORIES), "node")
        if (found := re.search(r"/v?([0-9]+\.[0-9]+\.[0-9]+)/", program))
        and shutil.which("npm", path=os.path.dirname(program))
    ]
    for each in _by_distance([*on_path, *managed], numbers(wanted)[:1]):
        if _printed(each.program, "--version"):
            return each
    return None


def _pythons() -> Iterator[Interpreter]:
    """
    Yield the programs whose names have a version.

    Instead of shims, which run only what their settings allow, what is beside them.
    """
    shims = [Path(each).parent for each in _on_path() if Path(each).name == _SHIMS]
    pyenv = dict.fromkeys((Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser(), *shims))
    own = [each for each in _on_path() if Path(each).name != _SHIMS]
    directories = [*own, *(str(each / "versions/*/bin") for each in pyenv), *_PYTHON_DIRECTORIES]
    for program in _programs(_directories(directories), "python3.*"):
        if found := re.fullmatch(r"python(3\.[0-9]{1,3})", Path(program).name):
            yield Interpreter(program=program, version=found[1])


def _by_distance(found: Iterable[Interpreter], wanted: tuple[int, ...]) -> list[Interpreter]:
    """Return the nearest version first, of two as near the newer one; others keep their order."""
    length = len(wanted)

    def distance(each: Interpreter) -> tuple[int, ...]:
        its = each.numbers[:length]
        steps = [abs(a - b) for a, b in zip(its, wanted, strict=False)]
        return (*steps, *(-number for number in its))

    return sorted(found, key=distance)


def _on_path() -> list[str]:
    return [each for each in os.environ.get("PATH", os.defpath).split(os.pathsep) if each]


def _directories(patterns: Iterable[str]) -> Iterator[str]:
    """Yield the directories that match, the newest version first."""
    for pattern in patterns:
        base, star, rest = os.path.expanduser(pattern).partition("*")
        if not star:
            yield base
        else:
            found = sorted(Path(base).glob(star + rest), key=lambda each: numbers(str(each)[len(base) :]), reverse=True)
            yield from map(str, found)


def _programs(directories: Iterable[str], pattern: str) -> Iterator[str]:
    for directory in directories:
        yield from (str(each) for each in sorted(Path(directory).glob(pattern)) if os.access(each, os.X_OK))


def _printed(*command: str) -> str:
    """Return what a program prints, "" if it fails or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
