"""Print a comparison, and choose the exit code of `diff` and `upgrade-plan`."""

from collections.abc import Iterable

import click

from hooks.cli import options
from hooks.cli.comparison import text
from hooks.cli.comparison.compare import Comparison, Outcome
from hooks.cli.comparison.older import OlderFailed
from hooks.cli.problem import Unusable

TROUBLE = 2
output_option = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="The format."
)
old_config_option = click.option(
    "--old-config", type=click.Path(dir_okay=False), help="The settings before, if different."
)


def report(found: Iterable[Comparison], output: str, *, refused: int) -> int:
    """
    Print as text or JSON, and the problems of refused Functions on standard error.

    Return 0 if nothing changes, 1 if something does, `refused` if a Function is refused, and TROUBLE if the comparison
    failed.
    """
    try:
        listed = list(found)
    except Unusable as error:
        options.echo_problems(error.problems)
        return TROUBLE
    except OlderFailed as error:
        click.echo(f"Error: the other version does not run here: {error}", err=True)
        return TROUBLE
    except ModuleNotFoundError as error:
        click.echo(f"Error: the package {error.name} is not installed, as in the image of the hook", err=True)
        return TROUBLE
    options.write(text.as_json(listed) if output == "json" else "".join(f"{line}\n" for line in text.text(listed)))
    for each in listed:
        options.echo_problems(each.problems)
    return refused if any(each.outcome is Outcome.REFUSED for each in listed) else int(bool(listed))
