"""The handler of a Function, checked without running it: by the compiler of its language, as far as it is here."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping

import click

from hooks.cli import node_check, python_check, runtime_cache
from hooks.cli.document import Document
from hooks.cli.problem import Problem, printable
from hooks.config import Config
from hooks.function import Function, InlineSource
from hooks.runtimes import FAMILIES

PATH = "spec.source.inline.source"
Found = list[tuple[int, str]]
"""Line in the source (0 for the whole) and message of each problem."""
_OLDER = "(event, context)"
_PARAMETERS = {"nodejs": "(request, response)", "python": "()"}
"""What follows the name main in the newer style."""


def handler_problems(document: Document, function: Function, config: Config) -> Iterator[Problem]:
    """
    Yield the problems of the source of a valid Function, with their lines in the file.

    What cannot be checked on this machine is a line on standard error.
    """
    inline, runtime = function.spec.source.inline, function.spec.runtime
    if not inline:
        return
    family = config.runtimes[runtime].family
    parameters = _PARAMETERS[family] if FAMILIES[family].has_newer_style(runtime) else _OLDER
    try:
        for line, message in _CHECKS[family](inline, FAMILIES[family].interpreter.version_of(runtime)):
            is_missing = message in (node_check.MISSING, python_check.MISSING)
            yield document.problem_in_text(PATH, line, message + parameters if is_missing else message)
    except node_check.NotChecked as reason:
        place = document.problem_in_text(PATH, 0, str(reason))
        click.echo(printable(str(place)), err=True)


def _python(inline: InlineSource, version: str) -> Found:
    """Check with this Python, or with the one of the runtime if this one is older; without either, check nothing."""
    wanted = tuple(map(int, version.split("."))) if version else (0,)
    if sys.version_info >= wanted:
        return python_check.problems(inline.source)
    program = runtime_cache.nearest_python(version)
    if program == sys.executable:
        return []
    command = [program, "-I", python_check.__file__]
    done = subprocess.run(command, input=inline.source.encode(), capture_output=True, check=False)
    return [(line, message) for line, message in json.loads(done.stdout)] if done.returncode == 0 else []


_CHECKS: Mapping[str, Callable[[InlineSource, str], Found]] = {"nodejs": node_check.problems, "python": _python}
"""A row for each of runtimes.FAMILIES."""
