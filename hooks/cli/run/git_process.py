"""One command of git as a process that can be ended at any moment."""

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from pathlib import Path

from hooks.cli import git
from hooks.cli.git import GitFailed
from hooks.cli.run import processes

MAX_OUTPUT_BYTES = 1_000_000
"""Of one command; more is what a hostile server may send, and is dropped."""
LOCAL_SECONDS = 120


async def output(
    *arguments: str,
    seconds: int = LOCAL_SECONDS,
    directory: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Return what `git ARGUMENTS` prints, without the final line break; raises GitFailed, also after `seconds`."""
    try:
        process = await processes.spawn(
            ["git", *git.OPTIONS, *arguments],
            stdout=PIPE,
            stderr=PIPE,
            env=git.environment() | dict(variables or {}),
            cwd=directory,
        )
    except FileNotFoundError as error:
        raise GitFailed("git is not on PATH" if error.filename == "git" else f"{directory} is no directory") from None
    try:
        async with asyncio.timeout(seconds):
            printed, reasons = await asyncio.gather(_some(process.stdout), _some(process.stderr))
            code = await process.wait()
    except TimeoutError:
        raise GitFailed(f"git {arguments[0]} did not end within {seconds} s") from None
    finally:
        await processes.kill(process)
    if code:
        raise GitFailed(git.own_words(reasons, code))
    return printed.removesuffix("\n")


async def _some(stream: asyncio.StreamReader | None) -> str:
    """Read to the end, and return the first MAX_OUTPUT_BYTES."""
    kept = b""
    while stream and (data := await stream.read(65_536)):
        kept += data[: MAX_OUTPUT_BYTES - len(kept)]
    return kept.decode(errors="surrogateescape")
