"""Environment variables from the command line and from .env files, for Functions that run on this machine."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from hooks.cli.problem import Problem, Unusable
from hooks.runtimes import RESERVED_ENV

_LINE = re.compile(r"(?:export\s++)?([A-Za-z_][A-Za-z0-9_]*+)\s*+=(.*)", re.DOTALL)
_DOUBLE_QUOTED = re.compile(r"""\"([^"\\]*+(?:\\.[^"\\]*+)*+)"(?:\s*+#.*)?""", re.DOTALL)
_SINGLE_QUOTED = re.compile(r"'([^']*+)'(?:\s*+#.*)?", re.DOTALL)


def read(file: str) -> dict[str, str]:
    """Return the variables of a .env file; raises Unusable for a line that is none, which is not repeated."""
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Unusable([Problem(file=file, message=str(message))]) from None
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if message := _problem(match[1] if match and "\0" not in line else ""):
            problems.append(Problem(file=file, line=number, message=message))
        elif match:
            found[match[1]] = _value(match[2].strip())
    if problems:
        raise Unusable(problems)
    return found


def from_options(env: Iterable[str], env_files: Iterable[str]) -> dict[str, str]:
    """Return the variables of --env-file and --env; raises click's exceptions for invalid ones."""
    found: dict[str, str] = {}
    try:
        for file in env_files:
            found |= read(file)
        return found | dict(_given(env))
    except Unusable as error:
        raise click.ClickException(str(error)) from None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--env'") from None


def _given(arguments: Iterable[str]) -> Iterator[tuple[str, str]]:
    for argument in arguments:
        name, is_set, value = argument.partition("=")
        is_name = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
        if message := _problem(name if is_name and "\0" not in value else ""):
            raise ValueError(message)
        if not is_set and name not in os.environ:
            raise ValueError(f"{name} is not set in this shell")
        yield name, value if is_set else os.environ[name]


def _problem(name: str) -> str:
    """Return what is wrong with the name of a variable, "" if nothing is."""
    if not name:
        return "expected NAME=VALUE"
    return f"{name} is reserved for the runtime" if name in RESERVED_ENV else ""


def _value(text: str) -> str:
    """Return a value without its quotes, or without the comment after it; \\n in double quotes is a line break."""
    if double := _DOUBLE_QUOTED.fullmatch(text):
        return double[1].replace("\\n", "\n").replace('\\"', '"')
    if single := _SINGLE_QUOTED.fullmatch(text):
        return single[1]
    return text.partition(" #")[0].rstrip()
