"""
The command line `buildless`: one module per command, with click; files.py and settings.py read the users' files.

Nothing here decides what a child looks like. A command's module is imported when the command runs, so that `serve` and
completion start fast.
"""

import os
import signal
from collections.abc import Sequence
from importlib import import_module

import click

from hooks import __version__

COMMANDS = {
    "new": "Make a directory with a new Function.",
    "run": "Run Functions on this machine, without a cluster.",
    "render": "Print the children of Functions and, with --status, their status.",
    "invoke": "Call a Function once.",
    "validate": "Check Functions as the API server and the hook do.",
    "diff": "Print what a change does to children and which pods restart.",
    "upgrade-plan": "Print which pods an upgrade of the hook restarts.",
    "manifest": "Print Functions whose code is in files as single objects.",
    "policy": "Print the ValidatingAdmissionPolicies and their parameters for a config.",
    "eject": "Print plain manifests, or make an app, that need no hook.",
    "serve": "Run the hook service.",
    "completion": "Print the completion script of a shell.",
}
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Commands(click.Group):
    """Lists the commands of COMMANDS in their order, and imports only the one that runs."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, import_module(f"hooks.cli.{name.replace('-', '_')}").command if name and command else None, rest


@click.group(
    cls=_Commands,
    commands={name: click.Command(name, short_help=about) for name, about in COMMANDS.items()},
    context_settings=SETTINGS,
    invoke_without_command=True,
    epilog="`buildless COMMAND --help` has examples. Exit codes: 0 success, 1 an invalid Function or a failed call, "
    "2 an invalid command line or config. Those of diff and upgrade-plan are those of diff(1).",
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """Functions on Kubernetes without an image build."""
    if not context.invoked_subcommand:
        click.echo(context.get_help())


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run one command and return its exit code; without any, print the help.

    0 is success, 1 an invalid Function or a failed call, 2 an invalid command line or config.
    """
    try:
        code = commands.main(argv, prog_name="buildless", standalone_mode=False, color=_colour())
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 128 + signal.SIGINT
    return int(code or 0)


def _colour() -> bool | None:
    """Return whether to print colours: None if that depends on the terminal (no-color.org, force-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None
