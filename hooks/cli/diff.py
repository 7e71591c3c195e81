"""
Print what a change of Functions changes in their children, and which pods restart and why.

OLD and NEW are files or directories. OLD may be what kubectl prints: the children in it count as live. With --base,
the files are compared with themselves at a Git revision.

Exit codes: 0 if nothing changes, 1 if something does, 2 for an invalid Function or file, command line or config.

examples:
  buildless diff old.yaml new.yaml
  buildless diff --base HEAD functions/
  kubectl get functions,deployments,services,serviceaccounts,hpa -o json | buildless diff - functions/
  buildless diff -o json --base HEAD functions/
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from hooks.cli import options, settings
from hooks.cli.comparison.compare import Side, compare
from hooks.cli.comparison.report import TROUBLE, old_config_option, output_option, report
from hooks.cli.comparison.revisions import Revision
from hooks.cli.files import Objects, objects
from hooks.cli.git import GitFailed
from hooks.cli.problem import Problem


@options.command(__doc__)
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True), metavar="OLD NEW | FILE...")
@click.option("--base", metavar="REVISION", help="Compare with this Git revision, such as origin/main.")
@output_option
@options.config_option
@old_config_option
def command(files: tuple[str, ...], base: str | None, output: str, config: str | None, old_config: str | None) -> int:
    """Print the differences; return 0, 1 or 2 as diff does."""
    chosen = settings.of_author(config)
    earlier = settings.of_author(old_config) if old_config else chosen
    old, new = _of_revision(base, files) if base else _of_pair(files)
    if old.problems or new.problems:
        options.echo_problems([*old.problems, *new.problems])
        return TROUBLE
    return report(compare(Side.of(old, earlier), Side.of(new, chosen)), output, refused=TROUBLE)


def _of_pair(files: Sequence[str]) -> tuple[Objects, Objects]:
    if len(files) != 2:
        raise click.UsageError("Expected OLD and NEW, or --base REVISION and any number of files.")
    if files[0] == files[1] == "-":
        raise click.UsageError("Only one of OLD and NEW can be standard input.")
    old, new = (objects([name], allow_empty=True) for name in files)
    return old, new


def _of_revision(base: str, files: Sequence[str]) -> tuple[Objects, Objects]:
    if "-" in files:
        raise click.UsageError("Standard input has no revision: name files.")
    with TemporaryDirectory(prefix="buildless-") as directory:
        place = Path(directory).resolve()
        try:
            revision = Revision.of(base)
            former = revision.written(files, place)
        except GitFailed as error:
            raise click.UsageError(str(error)) from None
        old = objects(former, allow_empty=True)
    old.problems = [_in_revision(each, f"{place}/", base) for each in old.problems]
    there = [name for name in files if Path(name).exists() or not former]
    return old, objects(there, allow_empty=True)


def _in_revision(problem: Problem, directory: str, base: str) -> Problem:
    """Return a problem with files as git names them: REVISION:PATH."""
    file, message = (text.replace(directory, f"{base}:") for text in (problem.file, problem.message))
    return replace(problem, file=file, message=message)
