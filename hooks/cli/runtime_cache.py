"""
What `buildless run` needs of each language family on this machine: LOCAL has one row for each.

The packages of a server are installed once for each lock file, below $XDG_CACHE_HOME/buildless (~/.cache/buildless).
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hooks.cli import debugger, interpreters
from hooks.cli.installers import Unavailable, install_packages, run
from hooks.runtimes import FAMILIES

_INSTALLED = Path(__file__).with_name("servers")
RUNTIMES = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[2] / "runtimes"
"""The servers of Functions: in an installed package (setup.py), or in the source tree."""


@dataclass(frozen=True, kw_only=True)
class Local:
    """
    One family on this machine. Every function takes the wanted version, "" for any.

    `version` returns the full version of the interpreter that is used, which may differ from the wanted one.
    `programs` returns the directory to put first on PATH, None for none. `packages` returns the directories to link
    next to the server, by their names there. The last two raise Unavailable if the packages cannot be installed.
    """

    version: Callable[[str], str]
    programs: Callable[[str], Path | None]
    packages: Callable[[str], Mapping[str, Path]]


def missing_programs(family: str) -> list[str]:
    """Return the programs that the family needs and that are not on this machine."""
    missing = [name for name in FAMILIES[family].interpreter.programs if not shutil.which(name)]
    return [] if family == "nodejs" and missing and interpreters.nearest_node() else missing


def interpreter(family: str, runtime: str) -> str:
    """Return the name and version of the interpreter that runs `runtime` here, and a remark if the version differs."""
    known = FAMILIES[family].interpreter
    wanted = known.version_of(runtime)
    version = LOCAL[family].version(wanted)
    is_same = not wanted or f"{version}.".startswith(f"{wanted}.")
    return f"{known.title} {version}" + ("" if is_same else ", the nearest here")


def python(wanted: str = "") -> Path:
    """Return an interpreter nearest to the wanted version with the packages of its server; raises Unavailable."""

    def install(directory: Path) -> None:
        run(nearest_python(wanted), "-m", "venv", str(directory))
        install_packages(str(directory / "bin/python"), lock)

    lock = RUNTIMES / "python/requirements.txt"
    version = python_version(wanted)
    return _cached(f"python-{version}", f"Python {version}", lock, install) / "bin/python"


def debugpy(wanted: str = "") -> Path:
    """Return a directory with debugpy for the Python that python() returns; raises Unavailable as python() does."""

    def install(directory: Path) -> None:
        install_packages(str(python(wanted)), lock, "--target", str(directory))

    lock = Path(debugger.__file__).with_name("requirements.txt")
    return _cached(f"debugpy-{python_version(wanted)}", "debugpy", lock, install)


def nearest_python(wanted: str = "") -> str:
    """Return the Python on this machine that is nearest to the wanted version."""
    return interpreters.nearest_python(wanted).program


def python_version(wanted: str = "") -> str:
    """Return the version of the Python that runs Functions here, such as "3.12.1"."""
    return interpreters.nearest_python(wanted).version


def node_version(wanted: str = "") -> str | None:
    """Return the version of the Node.js that runs Functions here, such as "22.4.0"; None if it or npm is missing."""
    found = interpreters.nearest_node(wanted)
    return found.version if found else None


def node_modules(wanted: str = "") -> Path:
    """Return a directory node_modules with the packages of runtimes/nodejs; raises Unavailable as python() does."""

    def install(directory: Path) -> None:
        directory.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(RUNTIMES / "nodejs" / name, directory)
        quick_to_fail = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000")
        options = ("--omit=dev", "--no-audit", "--no-fund", *quick_to_fail, "--prefix", str(directory))
        run("npm", "ci", *options, programs=_node_directory(wanted))

    if missing := missing_programs("nodejs"):
        raise Unavailable(f"not on PATH: {', '.join(missing)}")
    return _cached("nodejs", "Node.js", RUNTIMES / "nodejs/package-lock.json", install) / "node_modules"


def _node_directory(wanted: str) -> Path | None:
    """Return the directory of Node.js and npm, None if they are the first on PATH."""
    found = interpreters.nearest_node(wanted)
    return Path(found.program).parent if found and found.program != shutil.which("node") else None


LOCAL: Mapping[str, Local] = {
    "nodejs": Local(
        version=lambda wanted: node_version(wanted) or "",
        programs=_node_directory,
        packages=lambda wanted: {"node_modules": node_modules(wanted)},
    ),
    "python": Local(
        version=python_version,
        programs=lambda wanted: python(wanted).parent,
        packages=lambda _: {},
    ),
}
"""A row for each of runtimes.FAMILIES."""


def cache_directory() -> Path:
    """Return the directory of everything that `buildless run` keeps on this machine."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "buildless"


def _cached(name: str, title: str, lock: Path, install: Callable[[Path], None]) -> Path:
    """Return the directory that `install` fills, once for each content of `lock`; a second process waits for it."""
    if not lock.exists():
        raise Unavailable(f"{lock} is missing: this installation has no servers of Functions")
    cache = cache_directory()
    directory = cache / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    done = cache / f"{directory.name}.done"
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f"{directory.name}.lock"):
        if not done.exists():
            print(f"setting up {title}, once for this machine ...", file=sys.stderr, flush=True)
            # A virtual environment contains its own path and cannot be moved, so a file beside it marks it as complete.
            shutil.rmtree(directory, ignore_errors=True)
            install(directory)
            done.touch()
    return directory


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """
    Set up the family and version of the command line, "" for any; print what `buildless run` needs of them, as JSON.

    A third argument, "debug", adds the debugger. If a set-up fails, the JSON has the reason, and the exit code is 1.
    """
    family, wanted, *debug = sys.argv[1:]
    local = LOCAL[family]
    try:
        programs = local.programs(wanted)
        packages = {name: str(path) for name, path in local.packages(wanted).items()}
        debugger_packages = str(debugpy(wanted)) if debug and family == "python" else None
    except Unavailable as error:
        print(json.dumps({"failed": str(error), "is_network": error.is_network}))
        return 1
    print(json.dumps({"programs": programs and str(programs), "packages": packages, "debugger": debugger_packages}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
