"""Repositories on this machine: which directory is one, and which remotes it has."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from hooks.cli import git

_SECONDS = 10
_NAMED = re.compile(r"([a-z0-9][a-z0-9.-]{0,252})=(.+)", re.DOTALL)
_PORTS = {"https": 443, "http": 80, "ssh": 22}


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """
    A repository on this machine.

    `place` is the top directory of its working tree; if `is_bare`, the repository itself, as a directory or a file://
    URL. `remotes` has the key of each remote.
    """

    place: str
    is_bare: bool
    remotes: frozenset[tuple[str, str]] = frozenset()


def given(text: str) -> tuple[str, Checkout]:
    """Return the Function's name, "" for none, and the repository of --repository; raises BadParameter."""
    named = _NAMED.fullmatch(text)
    name, place = (named[1], named[2]) if named else ("", text)
    if place.startswith("file://") and name:
        return name, Checkout(place=place, is_bare=True)
    if found := checkout_of(Path(place)):
        return name, found
    expected = "a directory in a Git repository, or NAME= and a file:// URL"
    raise click.BadParameter(f"{place!r} is no repository: expected {expected}", param_hint="'--repository'")


def checkout_of(directory: Path) -> Checkout | None:
    """Return the repository that a directory belongs to, None if there is none."""
    if not directory.is_dir():
        return None
    top = _output(directory, "rev-parse", "--show-toplevel").removesuffix("\n")
    if not top and _output(directory, "rev-parse", "--is-bare-repository") != "true\n":
        return None
    place = top or _output(directory, "rev-parse", "--absolute-git-dir").removesuffix("\n")
    # As they are written, and after url.*.insteadOf.
    written = _output(directory, "config", "--get-regexp", r"^remote\..*\.url$")
    urls = re.findall(r"^\S+\s+(\S+)", written + _output(directory, "remote", "--verbose"), re.MULTILINE)
    return Checkout(place=place, is_bare=not top, remotes=frozenset(map(key, urls)))


def key(url: str) -> tuple[str, str]:
    """Return host and path: equal for the URLs of one repository, whatever their scheme, user and suffix."""
    from hooks import flux  # noqa: PLC0415 - its modules take time to load, and most runs need no repository

    try:
        parts = urlsplit(flux.url(url))
        port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    except ValueError:
        return "", url
    return f"{parts.hostname or ''}{port}", parts.path.strip("/").removesuffix(".git")


def _output(directory: Path, *arguments: str) -> str:
    """Return what git prints, "" if it fails or is not there."""
    command = ["git", "-C", str(directory), *git.OPTIONS, *arguments]
    try:
        done = subprocess.run(
            command,
            env=git.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="surrogateescape") if done.returncode == 0 else ""
