"""
The repositories of Functions from Git, fetched with git into a temporary directory that ends with the session.

Files are read from Git's objects, those of a working tree, too: so they are what a commit of all files would contain,
without the ignored ones. Nothing is written to the author's repository.
"""

import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from hooks.cli import git, runtime_cache
from hooks.cli.git import GitFailed, without_user
from hooks.cli.problem import printable
from hooks.cli.run import unpack
from hooks.cli.run.git_process import output
from hooks.cli.run.origins import Origin, short

LIST_SECONDS, FETCH_SECONDS = 60, 600
_COMMIT_DIGITS = 40
_FETCHED = "refs/buildless/source"
_ATTRIBUTES = "* -export-ignore -export-subst -filter -ident -text -eol -working-tree-encoding\n"
"""Flux delivers each file as it is in the repository, whatever .gitattributes says."""


@dataclass(frozen=True, kw_only=True)
class Tree:
    """
    A directory of Git's: its id, in the bare repository `repository`; `commit` is "" for a working tree.

    Trees of two commits are equal if their files are.
    """

    repository: Path
    id: str
    commit: str = field(default="", compare=False)

    def unpacking(self, directory: Path, max_bytes: int) -> list[str]:
        """Return the command that writes the files into a directory that is empty; they take `max_bytes` at most."""
        archive = ["git", *git.OPTIONS, "--git-dir", str(self.repository), "archive", "--format=tar.gz", "-1", self.id]
        return [sys.executable, unpack.__file__, str(runtime_cache.RUNTIMES), str(directory), str(max_bytes), *archive]


class Repositories:
    """
    Fetches each repository and reference once for all Functions that wait for it.

    `under_way` has the address of each repository that is being fetched, and since when.
    """

    def __init__(self) -> None:
        self.under_way: dict[str, float] = {}
        self._root: Path | None = None
        self._tasks: dict[tuple[str, tuple[str, ...]], asyncio.Task[tuple[Path, str]]] = {}
        self._bare: dict[tuple[str, ...], asyncio.Task[Path]] = {}
        self._numbers = count()

    async def get(self, origin: Origin) -> Tree:
        """Return the present files of an origin; raises GitFailed or OSError."""
        if directory := origin.directory:
            return await self._of_working_tree(Path(origin.place), directory, origin.path)
        key = (origin.place, origin.references)
        task = self._tasks.get(key)
        if task is None or task.done():
            task = self._tasks[key] = asyncio.create_task(self._fetch(*key))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        repository, commit = await asyncio.shield(task)
        found = await _tree(repository, commit, origin.path)
        if not found:
            place = without_user(origin.place)
            raise GitFailed(f"commit {commit[:12]} of {place} has no directory {origin.path}")
        return Tree(repository=repository, id=found, commit=commit)

    async def stop(self) -> None:
        """End every fetch and remove all files."""
        tasks = [*self._tasks.values(), *self._bare.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._root:
            await asyncio.to_thread(shutil.rmtree, self._root, ignore_errors=True)

    async def _fetch(self, url: str, references: tuple[str, ...]) -> tuple[Path, str]:
        """Return a repository that has the commit of the first reference that exists, and the commit."""
        shown = printable(without_user(url))
        self.under_way[shown] = time.monotonic()
        try:
            repository = await self._bare_repository((url, *references))
            name = references[0] if _is_commit(references[0]) else await _existing(url, references)
            # A fetch that was ended leaves its lock.
            (repository / "shallow.lock").unlink(missing_ok=True)
            try:
                await _git(repository, "fetch", "--depth=1", "--no-tags", "--", url, f"+{name}:{_FETCHED}")
            except GitFailed:
                if not _is_commit(name):
                    raise
                return repository, await _unadvertised(repository, url, name)
            return repository, await _git(repository, "rev-parse", "--verify", f"{_FETCHED}^{{commit}}")
        finally:
            self.under_way.pop(shown, None)

    async def _of_working_tree(self, top: Path, directory: Path, path: str) -> Tree:
        """Write the files of a working tree as objects of a repository of ours, with a copy of the author's index."""
        if not directory.is_dir():
            raise GitFailed(f"{directory} is no directory")
        repository = await self._bare_repository((str(top),))
        paths = await output("rev-parse", "--git-path", "index", "--git-path", "objects", directory=top)
        own_index, objects = (top / line for line in paths.splitlines())
        alternates = repository / "objects/info/alternates"
        alternates.write_text(f"{objects.resolve()}\n", encoding="utf-8", errors="surrogateescape")
        index = repository / f"index-{next(self._numbers)}"
        try:
            # With the time of the original: git compares it with those of the files.
            with contextlib.suppress(FileNotFoundError):
                await asyncio.to_thread(shutil.copy2, own_index, index)
            env = {"GIT_INDEX_FILE": str(index), "GIT_OBJECT_DIRECTORY": str(repository / "objects")}
            await output("add", "--all", "--", path, directory=top, variables=env)
            whole = await output("write-tree", directory=top, variables=env)
        finally:
            index.unlink(missing_ok=True)
        found = await _tree(repository, whole, path)
        if not found:
            raise GitFailed(f"{directory} has no files but ignored ones")
        return Tree(repository=repository, id=found)

    async def _bare_repository(self, key: tuple[str, ...]) -> Path:
        """Return the repository for `key`, which is made once."""
        task = self._bare.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._bare[key] = asyncio.create_task(self._init())
        return await asyncio.shield(task)

    async def _init(self) -> Path:
        if self._root is None:
            self._root = Path(tempfile.mkdtemp(prefix="buildless-git-")).resolve()
        repository = self._root / str(next(self._numbers))
        await output("init", "--quiet", "--bare", "--template=", str(repository))
        (repository / "info").mkdir(exist_ok=True)
        (repository / "info/attributes").write_text(_ATTRIBUTES, encoding="utf-8")
        (repository / "objects/info").mkdir(exist_ok=True)
        return repository


async def _existing(url: str, references: tuple[str, ...]) -> str:
    """Return the first of the references that a repository has; raises GitFailed if there is none."""
    listed = await output("ls-remote", "--", url, *references, seconds=LIST_SECONDS)
    names = {line.partition("\t")[2] for line in listed.splitlines()}
    if found := next((name for name in references if name in names), ""):
        return found
    kinds = {"refs/heads/": "branch", "refs/tags/": "tag"}
    missing = [f"{kinds.get(name[: name.find('/', 5) + 1], 'reference')} {short(name)}" for name in references]
    raise GitFailed(f"{without_user(url)} has no {' and no '.join(missing)}")


async def _unadvertised(repository: Path, url: str, commit: str) -> str:
    """Fetch a commit from a server that delivers references only: all branches and tags, with their history."""
    refspecs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    await _git(repository, "fetch", "--no-tags", "--", url, *refspecs)
    try:
        return await _git(repository, "rev-parse", "--verify", f"{commit}^{{commit}}")
    except GitFailed:
        raise GitFailed(f"{without_user(url)} has no commit {commit} in a branch or tag") from None


async def _tree(repository: Path, commit: str, path: str) -> str:
    """Return the id of a directory, "" if there is none."""
    name = f"{commit}^{{tree}}" if path == "." else f"{commit}:{path}"
    with contextlib.suppress(GitFailed):
        found = await _git(repository, "rev-parse", "--verify", "--end-of-options", name)
        return found if await _git(repository, "cat-file", "-t", found) == "tree" else ""
    return ""


async def _git(repository: Path, *arguments: str) -> str:
    return await output(*arguments, seconds=FETCH_SECONDS, variables={"GIT_DIR": str(repository)})


def _is_commit(reference: str) -> bool:
    return len(reference) == _COMMIT_DIGITS and "/" not in reference
