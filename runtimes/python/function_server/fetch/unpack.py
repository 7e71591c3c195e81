"""
What of an archive is written: the files below one directory of it, and nothing outside the root.

Symbolic links are made last. Until then no path in the root leads through a link, so nothing is written through one.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from typing import IO

from function_server.fetch.archive import Entry, Stream, entries
from function_server.fetch.failure import Failure, quoted, refused
from function_server.fetch.marker import OWN_NAMES
from function_server.fetch.settings import Settings

MAX_NAME_BYTES, MAX_PATH_BYTES, MAX_DEPTH = 255, 1024, 64
MAX_LINKS = 10_000
"""Limit of symbolic links, which are held in memory: 20 MB at most."""
SKIPPED = 4
"""The whole archive may unpack to this many times the limit of what is written of it."""
DISK_BLOCK = 4096
"""Each file and directory takes whole blocks of the disk, and at least one; the kubelet counts those."""

CONTROL = re.compile("[\0-\x1f\x7f]")

Path = tuple[str, ...]


def unpack(settings: Settings, file: IO[bytes], root: str) -> int:
    """Unpack settings.path of the tar.gz `file` into the empty directory `root`; return the number of files."""
    tree = Tree(root, settings.max_files)
    is_found = False
    for entry, size, content in entries(Stream(file, SKIPPED * settings.max_files)):
        path = _below(settings.path, _parts(entry.name), entry)
        if path is None:
            continue
        is_found = True
        try:
            tree.add(path, entry, size, content, _link_target(settings.path, path, entry))
        except OSError as error:
            raise _unwritable(error, entry.name) from None
    if not is_found:
        raise refused(f"it has no directory {quoted('/'.join(settings.path))}" if settings.path else "it is empty")
    tree.make_links()
    return tree.files


class Tree:
    """The files in `root`."""

    def __init__(self, root: str, limit: int) -> None:
        self.files = 0
        self._root = root
        self._limit = self._left = limit
        self._links: list[tuple[str, str]] = []

    def add(self, path: Path, entry: Entry, size: int, content: Iterator[bytes], target: str) -> None:
        """Add an entry; raises OSError where it cannot be written."""
        place = os.path.join(self._root, *path)
        if entry.kind == "directory":
            return self._add_directory(place)
        self._add_directory(os.path.dirname(place))
        self.files += 1
        self._use(size)
        if entry.kind == "file":
            return _write(place, content, 0o755 if entry.is_executable else 0o644)
        if entry.kind == "hard link":
            return self._add_hard_link(place, target, entry)
        if len(self._links) == MAX_LINKS:
            raise refused(f"it has more than {MAX_LINKS} symbolic links")
        return self._links.append((place, target))

    def make_links(self) -> None:
        """Make the symbolic links."""
        for place, target in self._links:
            try:
                os.symlink(target, place)
            except OSError as error:
                raise _unwritable(error, os.path.relpath(place, self._root)) from None

    def _add_hard_link(self, place: str, target: str, entry: Entry) -> None:
        source = os.path.join(self._root, target)
        if not os.path.isfile(source):
            to = f"{quoted(entry.target)}, which is no file before it"
            raise refused(f"{quoted(entry.name)} is a hard link to {to}")
        os.link(source, place)

    def _add_directory(self, place: str) -> None:
        """Make a directory and those above it, where they do not exist; raises FileExistsError for a file."""
        if os.path.isdir(place):
            return
        self._add_directory(os.path.dirname(place))
        self._use(0)
        os.mkdir(place)

    def _use(self, size: int) -> None:
        self._left -= max(size + -size % DISK_BLOCK, DISK_BLOCK)
        if self._left < 0:
            raise refused(f"its files need more than {self._limit} bytes of disk space")


def _write(place: str, content: Iterator[bytes], mode: int) -> None:
    with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as file:
        file.writelines(content)


def _parts(name: str) -> Path:
    """Return the names of a path within the archive."""
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if name.startswith("/"):
        raise refused(f"{quoted(name)} is an absolute path")
    if ".." in parts:
        raise refused(f"{quoted(name)} has .. in it")
    _check_text(name)
    if len(parts) > MAX_DEPTH:
        raise refused(f"{quoted(name)} has more than {MAX_DEPTH} directories")
    return parts


def _check_text(name: str) -> None:
    encoded = name.encode("utf-8", "surrogateescape")
    if CONTROL.search(name):
        raise refused(f"{quoted(name)} has control characters")
    if len(encoded) > MAX_PATH_BYTES or any(len(part) > MAX_NAME_BYTES for part in encoded.split(b"/")):
        raise refused(
            f"{quoted(name)} is too long: {MAX_NAME_BYTES} bytes are allowed, {MAX_PATH_BYTES} with directories"
        )
    with contextlib.suppress(UnicodeDecodeError):
        encoded.decode()
        return
    raise refused(f"{quoted(name)} is not UTF-8")


def _below(top: Path, parts: Path, entry: Entry) -> Path | None:
    """Return the path relative to `top`, () for `top` itself, None for what is elsewhere; raises Failure."""
    common = min(len(top), len(parts))
    if top[:common] != parts[:common]:
        return None
    if len(parts) <= len(top) and entry.kind != "directory":
        raise refused(f"{quoted(entry.name)} is a {entry.kind}, not a directory")
    if len(parts) < len(top):
        return None
    path = parts[len(top) :]
    if path and path[0] in OWN_NAMES:
        raise refused(f"{quoted(entry.name)} has a name that is reserved")
    return path


def _link_target(top: Path, path: Path, entry: Entry) -> str:
    """Return the target of a link, "" for files and directories; raises Failure for all other kinds."""
    if entry.kind in ("file", "directory"):
        return ""
    if entry.kind == "symbolic link" and _stays_inside(entry.target, len(path) - 1):
        return entry.target
    if entry.kind == "hard link":
        target = _parts(entry.target)
        if target[: len(top)] == top:
            return "/".join(target[len(top) :])
    if entry.kind.endswith("link"):
        raise refused(f"{quoted(entry.name)} is a {entry.kind} to {quoted(entry.target)}, outside of the directory")
    raise refused(f"{quoted(entry.name)} is a {entry.kind}")


def _stays_inside(target: str, depth: int) -> bool:
    """
    Return whether a symbolic link in a directory `depth` below the root cannot leave the root.

    Its target is relative and has .. only in front, at most `depth` times. Those lead up real directories, since no
    directory is a link when it is written; the names after them lead down, perhaps through links of the same kind.
    """
    _check_text(target)
    parts = [part for part in target.split("/") if part not in ("", ".")]
    ups = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
    return bool(target) and not target.startswith("/") and ups <= depth and ".." not in parts[ups:]


def _unwritable(error: OSError, name: str) -> Failure:
    if isinstance(error, FileExistsError | NotADirectoryError | IsADirectoryError):
        return refused(f"{quoted(name)} is in it twice, or below a file")
    return Failure(f"{quoted(name)} cannot be written: {error.strerror}")
