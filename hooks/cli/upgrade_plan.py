"""
Print which pods restart when the hook is upgraded to this version, and why.

--from is the version that runs now, for what the changelog announces since then. It announces restarts by fields and
runtimes, so a Function that it names may turn out not to restart. With --from as a wheel or a source tree of that
version, both versions render the children, and their differences are printed. Without --from the files have to hold the
live children too, as kubectl prints them: these are compared with what this version makes of them.

Exit codes: 0 if nothing changes, 1 if something does, 2 for an invalid file, command line or config.

examples:
  buildless upgrade-plan --from 0.1.0 functions/
  kubectl get functions -A -o yaml | buildless upgrade-plan --from 0.1.0 - --config config.yaml
  kubectl get functions,deployments,services,serviceaccounts,hpa -A -o json | buildless upgrade-plan -
"""

from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

import click

from hooks.children import KINDS
from hooks.cli import options, releases, settings
from hooks.cli.comparison import upgrade
from hooks.cli.comparison.compare import Comparison, Side, compare
from hooks.cli.comparison.report import TROUBLE, old_config_option, output_option, report
from hooks.cli.files import objects


@options.command(__doc__)
@options.files_argument()
@click.option("--from", "source", metavar="VERSION|PATH", help="The version that runs now, or its wheel or sources.")
@output_option
@options.config_option
@old_config_option
def command(files: tuple[str, ...], source: str | None, output: str, config: str | None, old_config: str | None) -> int:
    """Print the plan; return 0, 1 or 2 as diff does."""
    chosen, found = settings.of_author(config), objects(files)
    if found.problems:
        options.echo_problems(found.problems)
        return TROUBLE
    old = Side.of(found, settings.of_author(old_config) if old_config else chosen)
    new = Side.of(found, chosen)
    return report(_plan(source, old_config or config, old, new), output, refused=1)


def _plan(source: str | None, old_config: str | None, old: Side, new: Side) -> Iterable[Comparison]:
    if source is None:
        if not any(each.get("kind") in KINDS for each in new.others):
            raise click.UsageError("Expected --from, or files with the live children of the Functions.")
        return compare(old, new)
    if source and Path(source).exists():
        return upgrade.as_rendered_by(source, old_config, old, new)
    return upgrade.announced(new, _since(source))


def _since(version: str) -> list[releases.Section]:
    """Return the releases after a version; raises UsageError if the changelog does not have it."""
    try:
        sections = list(releases.sections(releases.changelog()))
    except FileNotFoundError:
        raise click.UsageError("This installation has no changelog: expected a path in --from.") from None
    known = [each.version for each in sections]
    if version.removeprefix("v") not in known:
        listed = ", ".join(f'"{each}"' for each in known)
        raise click.UsageError(f'--from: Unsupported value: "{version}": supported values: a path, {listed}')
    return list(takewhile(lambda each: each.version != version.removeprefix("v"), sections))
