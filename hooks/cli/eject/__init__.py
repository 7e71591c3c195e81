"""
Print the children of Functions as plain manifests, which need neither the hook nor Metacontroller.

If the children are among the given objects, as kubectl prints them, the manifests take over the running pods: none
restarts. docs/eject.md has the commands. Without them the manifests are those of `buildless render`.

examples:
  buildless eject hello.yaml
  buildless eject functions/ -o json
  kubectl get function/hello deployment/hello service/hello serviceaccount/hello -o yaml | buildless eject -
"""

import click

from hooks.cli import options, settings
from hooks.cli.dump import to_json, to_yaml
from hooks.cli.files import objects
from hooks.cli.problem import Unusable
from hooks.manifest import Manifest


@options.command(__doc__)
@options.files_argument()
@click.option(
    "-o", "--output", type=click.Choice(["json", "yaml"]), default="yaml", show_default=True, help="The format."
)
@options.config_option
def command(files: tuple[str, ...], output: str, config: str | None) -> int:
    """Print the manifests, or every problem and nothing else."""
    from hooks.cli.eject.manifests import ejected  # noqa: PLC0415 - its modules take time to load

    chosen, found = settings.of_author(config), objects(files)
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
