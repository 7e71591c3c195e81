"""
What the servers of runtimes/ need on this machine, installed once for each lock file: one virtual environment and
one node_modules, below $XDG_CACHE_HOME/buildless (~/.cache/buildless).
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hooks

RUNTIMES = Path(hooks.__file__).parent.parent / "runtimes"
WANTED_PYTHON = "3.12"


class Unavailable(Exception):
    """A language cannot be had here; the message says what is missing."""


def python() -> Path:
    """
    Return an interpreter that has all that runtimes/python needs: of Python 3.12 where there is one, else of the
    Python that runs this. Raises Unavailable if its packages cannot be installed.
    """

    def install(place: Path) -> None:
        _run(interpreter, "-m", "venv", str(place))
        _install_packages(str(place / "bin/python"), lock)

    interpreter, version = nearest_python(), python_version()
    lock = RUNTIMES / "python/requirements.txt"
    return _cached(f"python-{version}", lock, install) / "bin/python"


def python_version() -> str:
    """Return the version of the Python that runs Functions here, like "3.12.1"."""
    return _output(nearest_python(), "-c", "import platform; print(platform.python_version())")


def node_version() -> str | None:
    """Return the version of the Node.js on PATH, like "22.4.0", or None if it or npm is missing."""
    if not shutil.which("node") or not shutil.which("npm"):
        return None
    return _output("node", "--version").removeprefix("v")


def node_modules() -> Path:
    """Return a directory node_modules with all that runtimes/nodejs needs; raises Unavailable as above."""

    def install(place: Path) -> None:
        place.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(RUNTIMES / "nodejs" / name, place)
        _run("npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--prefix", str(place))

    if node_version() is None:
        raise Unavailable("node and npm are not on PATH")
    return _cached("nodejs", RUNTIMES / "nodejs/package-lock.json", install) / "node_modules"


def _install_packages(python: str, lock: Path) -> None:
    """Install a lock for `python`: with the uv of this environment, which takes a tenth of the time, or else pip."""
    packages = ("--quiet", "--require-hashes", "--requirement", str(lock))
    uv = Path(sys.executable).with_name("uv")
    if uv.exists():
        with contextlib.suppress(Unavailable):  # a mirror may be set up for pip only
            _run(str(uv), "pip", "install", "--python", python, *packages)
            return
    _run(python, "-m", "pip", "install", "--disable-pip-version-check", *packages)


def _cached(name: str, lock: Path, install: Callable[[Path], None]) -> Path:
    """Return the directory that `install` has filled once for this content of `lock`; two at once wait in line."""
    if not lock.exists():
        raise Unavailable(f"{lock} is missing: the servers of Functions are part of the source tree only")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "buildless"
    place = cache / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    done = cache / f"{place.name}.done"
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f"{place.name}.lock"):
        if not done.exists():
            print(f"setting up {name}, once for this machine ...", file=sys.stderr, flush=True)
            # A virtual environment knows its own path, so it is made in place, and counts only when it is complete.
            shutil.rmtree(place, ignore_errors=True)
            install(place)
            done.touch()
    return place


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@functools.cache
def nearest_python() -> str:
    """Return a Python of the wanted version, on PATH or one that pyenv keeps beside it, or else this one."""
    name = f"python{WANTED_PYTHON}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    kept = sorted((pyenv / "versions").glob(f"{WANTED_PYTHON}.*/bin/{name}"))
    for program in (shutil.which(name), *kept):
        # pyenv puts a program of that name on PATH even where it refuses to run it.
        if program and not subprocess.run([program, "-c", ""], capture_output=True, check=False).returncode:
            return str(program)
    return sys.executable


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _run(*command: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        last = (result.stderr or result.stdout).strip().rpartition("\n")[2]
        raise Unavailable(f"{' '.join(command[:4])} ...: {last}")
