"""
Print the children of Functions as plain manifests, which need neither the hook nor Metacontroller.

If the children are among the given objects, as kubectl prints them, the manifests take over the running pods: none
restarts. docs/eject.md has the commands. Without them the manifests are those of `buildless render`.

With --app the result is a directory for one Function: the code, the server that calls it, a Dockerfile, manifests and a
README.md. It starts on this machine without Docker. The source of a Function from Git is found as by `buildless run`.
An earlier app in the directory is replaced; values of Secrets are in neither.

examples:
  buildless eject hello.yaml
  buildless eject hello/ --app hello-app
  buildless eject functions/ -o json
  kubectl get function/hello deployment/hello service/hello serviceaccount/hello -o yaml | buildless eject -
"""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hooks.cli import checkouts, options, settings
from hooks.cli.dump import to_json, to_yaml
from hooks.cli.files import Objects, objects
from hooks.cli.problem import Unusable, printable
from hooks.config import Config
from hooks.manifest import Manifest

if TYPE_CHECKING:
    from hooks.cli.run.origins import Origins


@options.command(__doc__)
@options.files_argument()
@click.option(
    "-o", "--output", type=click.Choice(["json", "yaml"]), default="yaml", show_default=True, help="The format."
)
@click.option("--app", metavar="DIR", type=click.Path(), help="Make an app in this directory instead.")
@options.repository_options
@options.config_option
def command(
    files: tuple[str, ...],
    output: str,
    app: str | None,
    config: str | None,
    repository: tuple[str, ...],
    *,
    fetch: bool,
) -> int:
    """Print the manifests or make an app; or print every problem and nothing else."""
    chosen, found = settings.of_author(config), objects(files)
    if app is None:
        return _print(found, chosen, output)
    from hooks.cli.run.origins import Origins  # noqa: PLC0415 - its modules take time to load

    return _make(found, chosen, app, Origins(list(map(checkouts.given, repository)), fetch=fetch))


def _print(found: Objects, chosen: Config, output: str) -> int:
    from hooks.cli.eject.manifests import ejected  # noqa: PLC0415 - its modules take time to load

    items: list[Manifest] = []
    notes: list[str] = []
    for document in found.functions:
        try:
            made = ejected(document, found.others, chosen)
        except Unusable as error:
            found.problems += error.problems
            continue
        items += made.manifests
        notes += made.notes
    if found.problems:
        options.echo_problems(found.problems)
        return 1
    for note in notes:
        click.echo(note, err=True)
    as_list = {"apiVersion": "v1", "kind": "List", "items": items}
    options.write(to_json(as_list) if output == "json" else "---\n".join(map(to_yaml, items)))
    return 0


def _make(found: Objects, chosen: Config, directory: str, origins: "Origins") -> int:
    from hooks.cli.eject.make import make  # noqa: PLC0415 - its modules take time to load

    if len(found.functions) > 1:
        names = ", ".join(printable(each.name) for each in found.functions)
        raise click.UsageError(f"--app makes an app of one Function, found {names}")
    problems = found.problems
    if not problems:
        try:
            make(found.functions[0], found.others, chosen, Path(directory), origins)
        except Unusable as error:
            problems = error.problems
    if problems := problems + origins.unused():
        options.echo_problems(problems)
        return 1
    options.write(f"Made {directory}. Try: sh {shlex.quote(os.path.join(directory, 'start.sh'))}\n")
    return 0
