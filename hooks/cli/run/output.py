"""What `buildless run` prints: a line for each event, and on a terminal a last line with what is being done."""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import click

from hooks.cli import options
from hooks.cli.problem import Problem

COLOURS = ("cyan", "yellow", "magenta", "blue", "green", "red")
_FRAMES = "|/-\\"
_ERASE = "\r\x1b[K"


class Output:
    """Writes events as text after the Function's name or, with `as_json`, as JSON, one object a line."""

    def __init__(self, *, as_json: bool, to_stderr: bool = False) -> None:
        self.as_json = as_json
        self.to_stderr = to_stderr
        self.has_status = not as_json and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._colours: dict[str, str] = {}
        self._shown = False

    def event(self, kind: str, message: str, function: str = "", **fields: Any) -> None:
        """Print one event; JSON has its kind, time, message, Function and `fields`, text only message and Function."""
        self._erase()
        if self.as_json:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            named = {"function": function} if function else {}
            click.echo(
                json.dumps({"time": now, "event": kind, **named, **fields, "message": message}), err=self.to_stderr
            )
            return
        # One write, so that lines of several processes do not mix.
        click.echo(f"{self._prefix(function)}{message}", err=self.to_stderr)

    def record(self, kind: str, message: str, function: str = "", **fields: Any) -> None:
        """Print an event as JSON only: as text, something else has it."""
        if self.as_json:
            self.event(kind, message, function, **fields)

    def problems(self, problems: Iterable[Problem]) -> None:
        """Print problems of files: on standard error, or as events."""
        self._erase()
        if not self.as_json:
            options.echo_problems(problems)
            return
        for each in problems:
            self.event("problem", str(each), file=each.file, line=each.line, path=each.path)

    @property
    def columns(self) -> int:
        """The width of the terminal; without a terminal, more than any line needs."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize

    def show(self, status: str) -> None:
        """Replace the last line of the terminal by `status`; "" removes it."""
        if not self.has_status or not (status or self._shown):
            return
        width = shutil.get_terminal_size().columns
        frame = _FRAMES[int(time.monotonic() * 8) % len(_FRAMES)]
        text = f"{frame} {status}"[: width - 1] if status else ""
        click.echo(f"{_ERASE}{text}", nl=False, err=True, color=True)
        self._shown = bool(status)

    def _erase(self) -> None:
        if self._shown:
            self.show("")

    def _prefix(self, function: str) -> str:
        if not function:
            return ""
        colour = self._colours.setdefault(function, COLOURS[len(self._colours) % len(COLOURS)])
        return click.style(function, fg=colour) + " | "
