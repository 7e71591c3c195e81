"""The code of a Function in a directory of its own: an inline source, or the files of its repository."""

import asyncio
import json
import os
import re
from dataclasses import replace
from pathlib import Path

from hooks.cli import git
from hooks.cli.git import GitFailed
from hooks.cli.run.git_process import LOCAL_SECONDS
from hooks.cli.run.origins import Origin
from hooks.cli.run.package_lists import LISTS
from hooks.cli.run.repositories import Repositories
from hooks.function import InlineSource
from hooks.runtimes import Family

_MAIN = re.compile(r"(?:\./)?handler(\.[cm]?[jt]s)")
_LOCKS = ("package-lock.json", "npm-shrinkwrap.json")


def write_inline(inline: InlineSource, family: Family, directory: Path) -> None:
    """Write the handler and the list of its packages, under the names that the pod gives them."""
    dependencies = inline.dependencies or ""
    (directory / _handler(family, dependencies)).write_text(inline.source, encoding="utf-8", newline="")
    if dependencies.strip():
        (directory / family.dependencies_format).write_text(dependencies, encoding="utf-8", newline="")


def write_repository(origin: Origin, commit: str, max_bytes: int, directory: Path) -> str:
    """
    Write the files of a repository, of `commit` if it is fetched and a commit is known; return their description.

    The checks are those of the pod's init container: links stay inside `directory`, which has to be empty. Raises
    GitFailed or OSError.
    """
    if commit and origin.references:
        origin = replace(origin, references=(commit,))
    return asyncio.run(_write(origin, max_bytes, directory))


def has_packages(directory: Path, family: str) -> bool:
    """Return whether the code lists packages."""
    file = directory / LISTS[family].first
    return file.is_file() and bool(file.read_text(encoding="utf-8", errors="replace").strip())


def npm_command(directory: Path) -> str:
    """Return the command of npm with which pods install these packages."""
    return "ci" if any((directory / name).is_file() for name in _LOCKS) else "install"


def _handler(family: Family, dependencies: str) -> str:
    """Return the file of the handler: `main` in package.json may give handler.js another extension, as in the pod."""
    if family.dependencies_format != "package.json":
        return family.handler_file
    try:
        package = json.loads(dependencies or "{}")
    except ValueError:
        return family.handler_file
    main = package.get("main") if isinstance(package, dict) else None
    found = _MAIN.fullmatch(main) if isinstance(main, str) else None
    return f"handler{found[1]}" if found else family.handler_file


async def _write(origin: Origin, max_bytes: int, directory: Path) -> str:
    repositories = Repositories()
    try:
        tree = await repositories.get(origin)
        command = tree.unpacking(directory, max_bytes)
        process = await asyncio.create_subprocess_exec(
            *command, env=git.environment(), stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        _, errors = await asyncio.wait_for(process.communicate(), LOCAL_SECONDS)
        if process.returncode:
            raise GitFailed(git.own_words(errors.decode(errors="replace"), process.returncode))
    finally:
        await repositories.stop()
    if tree.commit:
        return f"commit {tree.commit} of {git.without_user(origin.place)}"
    return f"the working tree {os.path.relpath(origin.place)}"
