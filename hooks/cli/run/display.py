"""What `buildless run` shows besides the lines of the Functions: the progress, and a table once all have started."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import click

from hooks.cli.run import keyboard
from hooks.cli.run.local_function import LocalFunction
from hooks.cli.run.supervisor import Supervisor

FRAME_SECONDS = 0.1
_COLOURS = {"ready": "green", "failed": "red"}


class Display:
    """Shows the progress while a Function starts; the table when a Function is new or gone, and at Enter."""

    def __init__(self, supervisor: Supervisor, *, is_watching: bool) -> None:
        self.supervisor = supervisor
        self.is_watching = is_watching
        self.output = supervisor.session.output
        self._shown: list[tuple[str, str]] = []

    async def shown_during(self, work: Coroutine[Any, Any, int]) -> int:
        """Return the result of `work`."""
        showing = asyncio.create_task(self._show())
        try:
            with keyboard.on_enter(self._forget):
                result = await work
            self._show_table()
            return result
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
        starting = [local for local in locals_ if local.state == "starting"]
        if not starting:
            return ""
        now, setups = time.monotonic(), self.supervisor.session.setups.under_way
        fetches = self.supervisor.session.repositories.under_way
        steps = [f"setting up {title}, {now - since:.0f} s" for title, since in setups.items()]
        steps += [f"fetching {url}, {now - since:.0f} s" for url, since in fetches.items()]
        steps += [f"{local.name}: {local.step}" for local in starting if local.step]
        rest = ", ".join(local.name for local in starting if not local.step)
        return "; ".join(
            [f"{len(locals_) - len(starting)} of {len(locals_)} started", *steps, *([rest] if rest else [])]
        )

    def _forget(self) -> None:
        self._shown = []

    def _show_table(self) -> None:
        locals_ = list(self.supervisor.running.values())
        known = [(local.name, _url(local)) for local in locals_]
        if self.output.as_json or known == self._shown or not self.supervisor.has_settled():
            return
        self._shown = known
        for line in [*_table(locals_, self.output.columns), *(_hint(locals_) if self.is_watching else ())]:
            self.output.event("table", line)


def _table(functions: list[LocalFunction], columns: int) -> list[str]:
    """Return a line with name, state, and URL or reason for each Function, unless there is only one."""
    if len(functions) == 1:
        return []
    names = max(len(local.name) for local in functions)
    states = max(len(local.state) for local in functions)
    lines = [
        f"  {local.name:{names}}  {click.style(f'{local.state:{states}}', fg=_COLOURS.get(local.state))}  "
        + _cut(_place(local), columns - names - states - 6)
        for local in functions
    ]
    return [click.style(f"{len(functions)} Functions:", bold=True), *lines]


def _hint(functions: list[LocalFunction]) -> list[str]:
    """Return what to do next: call the first Function that answers, or save a file."""
    if ready := next((local for local in functions if local.instance), None):
        return [click.style("Try: ", bold=True) + f"curl {ready.url}"]
    return ["No Function runs. A saved file starts it again, Ctrl-C ends."]


def _url(local: LocalFunction) -> str:
    return local.url if local.instance else ""


def _place(local: LocalFunction) -> str:
    """Return where a Function answers, or why it does not."""
    if local.state != "failed":
        return _url(local)
    return f"{_url(local)}  the previous version: {local.reason}" if local.instance else local.reason


def _cut(text: str, columns: int) -> str:
    text = text.rstrip()
    return text if len(text) <= columns else f"{text[: max(columns, 20) - 3]}..."
