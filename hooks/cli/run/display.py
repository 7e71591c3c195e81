"""What `buildless run` shows besides the lines of the Functions: the progress, and a table once all have started."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import click

from hooks.cli.run.local_function import LocalFunction
from hooks.cli.run.supervisor import Supervisor

FRAME_SECONDS = 0.1


class Display:
    """Shows the progress while a Function starts, and the table whenever a Function is new or has another state."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.output = supervisor.session.output
        self._shown: list[tuple[str, str]] = []

    async def shown_during(self, work: Coroutine[Any, Any, int]) -> int:
        """Return the result of `work`."""
        showing = asyncio.create_task(self._show())
        try:
            return await work
        finally:
            showing.cancel()
            self.output.show("")

    async def _show(self) -> None:
        while True:
            self.output.show(self._progress())
            self._show_table()
            await asyncio.sleep(FRAME_SECONDS)

    def _progress(self) -> str:
        locals_ = self.supervisor.running.values()
        starting = [local.name for local in locals_ if local.state == "starting"]
        if not starting:
            return ""
        now, setups = time.monotonic(), self.supervisor.session.setups.under_way
        steps = [f"preparing {runtime}, {now - since:.0f} s" for runtime, since in setups.items()]
        fetches = self.supervisor.session.repositories.under_way
        steps += [f"fetching {url}, {now - since:.0f} s" for url, since in fetches.items()]
        return f"{len(locals_) - len(starting)} of {len(locals_)} started; {'; '.join([*steps, ', '.join(starting)])}"

    def _show_table(self) -> None:
        locals_ = list(self.supervisor.running.values())
        states: list[tuple[str, str]] = [(local.name, local.state) for local in locals_]
        if self.output.as_json or states == self._shown or not self.supervisor.has_settled():
            return
        self._shown = states
        for line in _table(locals_):
            self.output.event("table", line)


def _table(functions: list[LocalFunction]) -> list[str]:
    """Return a line for each Function, unless there is only one, and how to call the first one that answers."""
    ready = next((local for local in functions if local.state == "ready"), None)
    rows = [(local.name, local.url if local.instance else "-", _state(local)) for local in functions]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"  {name:{widths[0]}}  {url:{widths[1]}}  {state}" for name, url, state in rows]
    call = [f"Try: curl {ready.url}"] if ready else []
    title = click.style(f"{len(functions)} Functions:", bold=True)
    return [title, *lines, *call] if len(functions) > 1 else call


def _state(local: LocalFunction) -> str:
    colours = {"ready": "green", "failed": "red"}
    text = local.reason if local.state == "failed" else local.state
    more = "; the previous version answers" if local.state == "failed" and local.instance else ""
    return click.style(text + more, fg=colours.get(local.state))
