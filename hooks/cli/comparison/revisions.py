"""
The files of a Git revision, written to a directory; neither the index nor the working tree is touched.

The content comes from the objects of the repository, without filters and attributes. What a revision holds is other
people's: only files are written, and symbolic links that stay in the directory.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hooks.cli import git, handler_files
from hooks.cli.git import GitFailed

_SECONDS = 60
_FILES = ("100644", "100755")
_LINK = "120000"
Entries = dict[PurePosixPath, tuple[str, str]]
"""Mode and object of each file."""


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A commit of the repository of the present directory, whose top directory is `top`."""

    name: str
    commit: str
    top: Path

    @classmethod
    def of(cls, name: str) -> "Revision":
        """Return the commit that Git finds for a name; raises GitFailed."""
        top = Path(os.fsdecode(_git("rev-parse", "--show-toplevel").removesuffix(b"\n")))
        commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", about=name)
        return cls(name=name, commit=commit.decode().strip(), top=top)

    def written(self, names: Sequence[str], directory: Path) -> list[str]:
        """
        Write the files and directories with these names, as they were, into `directory`; return their paths there.

        A name that was not there has no path, a file that has been renamed since has that of its former name. Raises
        GitFailed, also for a name outside the repository.
        """
        places = [self._place(name) for name in names]
        known = self._entries(places)
        former = self._former_names([place for place in places if place not in _with_parents(known)])
        self._write(known | self._entries(former.values()), directory)
        found = (former.get(place, place) for place in places)
        return [str(directory / place) for place in dict.fromkeys(found) if (directory / place).exists()]

    def _place(self, name: str) -> PurePosixPath:
        """Return a path relative to the top of the working tree."""
        path = Path(name).absolute()
        try:
            # The file may be gone, and a link is itself in the repository.
            return PurePosixPath((path.parent.resolve() / path.name if path.name else path).relative_to(self.top))
        except ValueError:
            raise GitFailed(f"{name} is outside the repository {self.top}") from None

    def _entries(self, places: Iterable[PurePosixPath]) -> Entries:
        """Return the files below `places`, those that belong to a file, and those to which links lead."""
        found: Entries = {}
        wanted = list(places)
        while wanted:
            new = {path: entry for place in wanted for path, entry in self._listed(place) if path not in found}
            found |= new
            links = {path: digest for path, (mode, digest) in new.items() if mode == _LINK}
            ends = (_end(path, text) for path, text in zip(links, _contents(links.values()), strict=True))
            wanted = [end for end in ends if end and end not in found]
        return found

    def _listed(self, place: PurePosixPath) -> Iterator[tuple[PurePosixPath, tuple[str, str]]]:
        """Yield path, mode and object of each file below `place`, or of that file and those that belong to it."""
        siblings = [place.parent / name for name in handler_files.SIBLINGS] if place.parts else []
        paths = ["--", *map(str, (place, *siblings))] if place.parts else []
        listed = _git("-C", str(self.top), "ls-tree", "-r", "-z", "--full-tree", self.commit, *paths)
        for entry in filter(None, listed.split(b"\0")):
            head, _, path = entry.partition(b"\t")
            mode, _, digest = head.decode().split()
            if ".." not in (file := PurePosixPath(os.fsdecode(path))).parts:
                yield file, (mode, digest)

    def _former_names(self, places: Sequence[PurePosixPath]) -> dict[PurePosixPath, PurePosixPath]:
        """Return the former name of each file that has been renamed since."""
        if not places:
            return {}
        options = ("--find-renames", "--diff-filter=R", "--name-status", "--no-ext-diff", "--no-textconv", "-z")
        words = _git("-C", str(self.top), "diff", *options, self.commit).decode(errors="surrogateescape").split("\0")
        renamed = {PurePosixPath(new): PurePosixPath(old) for old, new in zip(words[1::3], words[2::3], strict=False)}
        return {place: renamed[place] for place in places if place in renamed}

    def _write(self, entries: Entries, directory: Path) -> None:
        wanted = {path: digest for path, (mode, digest) in entries.items() if mode in (*_FILES, _LINK)}
        for path, content in zip(wanted, _contents(wanted.values()), strict=True):
            file = directory / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if entries[path][0] != _LINK:
                file.write_bytes(content)
            elif _with_parents(entries) >= {_end(path, content)}:
                file.symlink_to(os.fsdecode(content))


def _with_parents(paths: Iterable[PurePosixPath]) -> set[PurePosixPath]:
    return {each for path in paths for each in (path, *path.parents)}


def _end(link: PurePosixPath, content: bytes) -> PurePosixPath | None:
    """Return where a symbolic link leads to, None if that is outside the repository."""
    end = PurePosixPath(os.path.normpath(link.parent / os.fsdecode(content)))
    return None if end.is_absolute() or end.parts[:1] == ("..",) else end


def _contents(digests: Iterable[str]) -> Iterator[bytes]:
    """Yield the content of each object."""
    wanted = list(digests)
    printed = _git("cat-file", "--batch", given="".join(f"{each}\n" for each in wanted).encode())
    for _ in wanted:
        head, _, printed = printed.partition(b"\n")
        size = int(head.split()[-1])
        yield printed[:size]
        printed = printed[size + 1 :]


def _git(*arguments: str, given: bytes = b"", about: str = "") -> bytes:
    """Return what git prints; raises GitFailed, with a line about a revision that does not exist."""
    command = ["git", *git.OPTIONS, *arguments]
    try:
        done = subprocess.run(
            command, env=git.environment(), input=given, capture_output=True, timeout=_SECONDS, check=False
        )
    except FileNotFoundError:
        raise GitFailed("git is not on PATH") from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise GitFailed(str(error)) from None
    if done.returncode and about:
        raise GitFailed(f"{about!r} is no revision of this repository: expected a branch, a tag or a commit")
    if done.returncode:
        raise GitFailed(git.own_words(done.stderr.decode(errors="replace"), done.returncode))
    return done.stdout
