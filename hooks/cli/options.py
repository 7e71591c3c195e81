"""What the commands have in common: their help, the arguments for files and config, and how they print."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from hooks.cli.problem import Problem

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class CommandWithExamples(click.Command):
    """A command whose help ends with the examples of its module's docstring, which are not wrapped."""

    def format_epilog(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        formatter.write("\n".join(("Examples:", *(self.epilog or "").splitlines(), "")))


def command(docstring: str | None) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a command of a function; the docstring is its help, and has the examples after a line `examples:`."""
    about, _, examples = (docstring or "").strip().partition("\n\nexamples:\n")
    return click.command(cls=CommandWithExamples, help=about, epilog=examples)


def files_argument() -> Decorator:
    """Declare the argument `files`: at least one, also as kubectl's -f."""

    def merge(context: click.Context, _: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
        files = (*context.params.pop("files", ()), *value)
        if not files and not context.resilient_parsing:
            raise click.UsageError("Missing argument 'FILE...'.", context)
        context.params["files"] = files
        return files

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        path = click.Path(allow_dash=True)
        option = click.option(
            "-f", "filename", multiple=True, type=path, callback=merge, expose_value=False, hidden=True
        )
        argument = click.argument("files", nargs=-1, type=path, metavar="FILE...", is_eager=True)
        return argument(option(function))

    return decorate


config_option = click.option(
    "--config", type=click.Path(dir_okay=False), help="Settings that override the defaults (BUILDLESS_CONFIG)."
)


def variables_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare --env and --env-file, for variables.from_options()."""
    env = click.option(
        "--env", multiple=True, metavar="NAME[=VALUE]", help="A variable; NAME alone takes this shell's."
    )
    return env(
        click.option("--env-file", multiple=True, metavar="FILE", help="Variables, one NAME=VALUE a line.")(function)
    )


def repository_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare --repository, for checkouts.given(), and --fetch."""
    fetch = click.option("--fetch", is_flag=True, help="Fetch sources from Git, even if the files are in a checkout.")
    return fetch(
        click.option(
            "--repository",
            multiple=True,
            metavar="[NAME=]DIR",
            help="A checkout with the code of Functions from Git, or of the Function NAME.",
        )(function)
    )


def echo_problems(problems: Iterable[Problem]) -> None:
    """Print each problem as one line on standard error, its place in bold on a terminal."""
    for problem in problems:
        place, separator, rest = str(problem).partition(": ")
        click.echo(click.style(place, bold=True) + separator + _suggested(rest), err=True)


def _suggested(text: str) -> str:
    """Return `text` with a suggestion in colour."""
    return re.sub(r'(did you mean )("[^"]*")', lambda found: found[1] + click.style(found[2], fg="green"), text)


def write(text: str) -> None:
    """Write text to standard output; raises ClickException if it cannot be written."""
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(f"standard output: {error.strerror}") from None
