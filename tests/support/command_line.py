"""The command line, called in this process."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from hooks.cli import main


class Output(NamedTuple):
    """Exit code, standard output and standard error of a command."""

    code: int
    out: str
    err: str


Run = Callable[..., Output]


def runner(capsys: pytest.CaptureFixture[str], *command: str) -> Run:
    """Return a function that runs `buildless COMMAND` with further arguments; earlier output does not count."""

    def run(*arguments: str) -> Output:
        capsys.readouterr()
        code = main([*command, *arguments])
        return Output(code, *capsys.readouterr())

    return run
