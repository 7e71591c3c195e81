"""
Run Functions on this machine, from the pod template that the hook renders.

Secrets and ConfigMaps in the same files are used. When a file is saved, the new version starts; once it is ready it
gets all new requests, and the old version finishes its own. Ctrl-C stops everything.

A directory may have the code in files: function.yaml without a source, handler.py with requirements.txt or handler.js
with package.json, and variables for this machine in .env.

The source of a Function from Git is fetched with git, again whenever the Function's file is saved. If that file is in
a checkout of the repository, or if --repository names one, the files of the checkout are used as they are, and
followed.

The variables of this shell that configure package registries reach the installers of packages only, not the Functions.

examples:
  buildless run examples/*.yaml
  buildless run functions/ --port 9000
  buildless run hello/ --env GREETING=Hi --env API_KEY
  buildless run hello/ --debug
  buildless run hello.yaml --once
  buildless run hello.yaml --log-format json
"""

import click

from hooks.cli import checkouts, options, variables
from hooks.cli.run.output import Output
from hooks.cli.run.setups import Setups

LAST_PORT = 65_535


@options.command(__doc__)
@options.files_argument()
@click.option(
    "--port", type=click.IntRange(1, LAST_PORT), default=8080, show_default=True, help="The first port to try."
)
@click.option("--once", is_flag=True, help="Send GET / to each Function once, then exit.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object a line for each event.",
)
@click.option(
    "--debug", is_flag=True, help="Listen for debuggers; a save ends the old version before the new one starts."
)
@options.repository_options
@options.variables_options
@options.config_option
def command(  # noqa: PLR0913, PLR0917 - one parameter for each option
    files: tuple[str, ...],
    port: int,
    log_format: str,
    config: str | None,
    env: tuple[str, ...],
    env_file: tuple[str, ...],
    repository: tuple[str, ...],
    *,
    fetch: bool,
    once: bool,
    debug: bool,
) -> int:
    """Return 0 at Ctrl-C; 1 if no Function is valid or, with --once, if one is invalid or fails."""
    given = variables.from_options(env, env_file)
    repositories = list(map(checkouts.given, repository))
    setups = Setups(Output(as_json=log_format == "json"), debug=debug)
    setups.output.show("starting")
    from hooks.cli.run.origins import Origins  # noqa: PLC0415 - as below
    from hooks.cli.run.start import start  # noqa: PLC0415 - takes most of the time until a Function starts

    origins = Origins(repositories, fetch=fetch)
    return start(files, config, given, setups, origins, port=port, once=once)
