"""
Run Functions on this machine, from the pod template that the hook renders.

Secrets and ConfigMaps in the same files are used. When a file is saved, the new version starts; once it is ready it
gets all new requests, and the old version finishes its own. Ctrl-C stops everything.

A directory may have the code in files: function.yaml without a source, handler.py with requirements.txt or handler.js
with package.json, and variables for this machine in .env.

The variables of this shell that configure package registries reach the installers of packages only, not the Functions.

examples:
  buildless run examples/*.yaml
  buildless run functions/ --port 9000
  buildless run hello/ --env GREETING=Hi --env API_KEY
  buildless run hello.yaml --once
  buildless run hello.yaml --log-format json
"""

import asyncio

import click

from hooks.cli import options, settings, variables
from hooks.cli.run.display import Display
from hooks.cli.run.lifecycle import supervised
from hooks.cli.run.output import Output
from hooks.cli.run.session import Session
from hooks.cli.run.setups import Setups
from hooks.cli.run.sources import Sources
from hooks.cli.run.supervisor import LAST_PORT, Supervisor

POLL_SECONDS = 0.2


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
@options.variables_options
@options.config_option
def command(  # noqa: PLR0913 - one parameter for each option
    files: tuple[str, ...],
    port: int,
    log_format: str,
    config: str | None,
    env: tuple[str, ...],
    env_file: tuple[str, ...],
    *,
    once: bool,
) -> int:
    """Return 0 at Ctrl-C; 1 if no Function is valid or, with --once, if one is invalid or fails."""
    chosen, output = settings.read(config), Output(as_json=log_format == "json")
    session = Session(output=output, setups=Setups(output))
    sources = Sources(files, chosen, variables.from_options(env, env_file))
    supervisor = Supervisor(sources, chosen, session, port)
    work = _once(supervisor) if once else _watch(supervisor)
    return asyncio.run(supervised(supervisor, Display(supervisor).shown_during(work), interrupted=0))


async def _once(supervisor: Supervisor) -> int:
    await supervisor.load()
    await supervisor.settle()
    has_failed = supervisor.has_problems or any(local.state == "failed" for local in supervisor.running.values())
    return 0 if await supervisor.request_all() and not has_failed else 1


async def _watch(supervisor: Supervisor) -> int:
    """Load the files again whenever one of them has changed; return 1 if there is no valid Function at first."""
    seen = supervisor.sources.stamps()
    await supervisor.load()
    while supervisor.running:
        await asyncio.sleep(POLL_SECONDS)
        if (now := supervisor.sources.stamps()) != seen:
            seen = now
            await supervisor.load()
    return 1
