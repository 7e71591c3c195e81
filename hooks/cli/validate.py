"""
Check Functions as the API server and the hook do, and the syntax of their handlers.

Reports every problem with its file, line and path: invalid YAML (read as kubectl reads it), unknown fields, violations
of the schema and of the rules for the config, invalid data of Secrets and ConfigMaps, a handler that does not compile
or has no main. Other objects are left alone.

Exit codes: 0 if every Function is valid; 1 if there is a problem, or no Function; 2 for an invalid command line or
config.

examples:
  buildless validate functions/
  kustomize build . | buildless validate -
  buildless validate functions/ --output sarif > functions.sarif
  buildless validate functions/ --output github --config config.yaml
"""

from collections.abc import Sequence

import click

from hooks.cli import options, settings
from hooks.cli.data_objects import objects_in
from hooks.cli.files import objects
from hooks.cli.handler_check import handler_problems
from hooks.cli.problem import Problem, Unusable
from hooks.cli.render import validated
from hooks.cli.reports import REPORTS
from hooks.config import Config


@options.command(__doc__)
@options.files_argument()
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", *REPORTS]),
    default="text",
    show_default=True,
    help="sarif is for code scanning and editors, github for the log of a workflow.",
)
@click.option("--allow-empty", is_flag=True, help="Files without any Function are no error.")
@options.config_option
def command(files: tuple[str, ...], output: str, config: str | None, *, allow_empty: bool) -> int:
    """Print the problems; return 1 if there are any."""
    problems, count = problems_in(files, settings.of_author(config), allow_empty=allow_empty)
    if output != "text":
        options.write(REPORTS[output](problems))
    elif problems:
        options.echo_problems(problems)
    else:
        options.write(f"{count} Function{' is' if count == 1 else 's are'} valid\n")
    return 1 if problems else 0


def problems_in(files: Sequence[str], config: Config, *, allow_empty: bool = False) -> tuple[list[Problem], int]:
    """Return every problem, in the order of files and lines, and the number of Functions."""
    found = objects(files, allow_empty=allow_empty)
    problems = found.problems + objects_in(found.others)[1]
    for document in found.functions:
        try:
            problems += handler_problems(document, validated(document, config), config)
        except Unusable as error:
            problems += error.problems
    order = {name: index for index, name in enumerate(dict.fromkeys(each.file for each in problems))}
    return sorted(problems, key=lambda each: (order[each.file], each.line)), len(found.functions)
