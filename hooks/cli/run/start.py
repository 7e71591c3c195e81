"""The work of `buildless run`: start the Functions, then watch their files or, with --once, call each."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from hooks.cli import settings
from hooks.cli.run.display import Display
from hooks.cli.run.lifecycle import supervised
from hooks.cli.run.origins import Origins
from hooks.cli.run.session import Session
from hooks.cli.run.setups import Setups
from hooks.cli.run.sources import Sources
from hooks.cli.run.supervisor import Supervisor

POLL_SECONDS = 0.2


def start(  # noqa: PLR0913 - from one parameter for each option
    files: Sequence[str],
    config: str | None,
    variables: Mapping[str, str],
    setups: Setups,
    origins: Origins,
    *,
    port: int,
    once: bool,
) -> int:
    """Return 0 at Ctrl-C; 1 if no Function is valid or, with `once`, if one is invalid or fails."""
    chosen = settings.of_author(config)
    session = Session(output=setups.output, setups=setups)
    supervisor = Supervisor(Sources(files, chosen, variables, origins), chosen, session, port)
    work = _once(supervisor) if once else _watch(supervisor)
    return asyncio.run(
        supervised(supervisor, Display(supervisor, is_watching=not once).shown_during(work), interrupted=0)
    )


async def _once(supervisor: Supervisor) -> int:
    await supervisor.load()
    await supervisor.settle()
    has_failed = supervisor.has_problems or any(local.state == "failed" for local in supervisor.running.values())
    return 0 if await supervisor.request_all() and not has_failed else 1


async def _watch(supervisor: Supervisor) -> int:
    """Load the files again whenever one of them has changed; return 1 if there is no valid Function at first."""
    seen = supervisor.sources.stamps()
    await supervisor.load()
    if not supervisor.running:
        return 1
    while True:
        started = time.monotonic()
        now = await asyncio.to_thread(supervisor.sources.stamps)
        if now != seen:
            seen = now
            await supervisor.load()
        # A working tree of many files is read less often.
        await asyncio.sleep(max(POLL_SECONDS, 5 * (time.monotonic() - started)))
