"""
The command line `buildless`: one file per command; files.py and settings.py read what users wrote.

Besides app.py the only place with input and output. Nothing here decides what a child looks like.
"""

import argparse
from collections.abc import Sequence

from hooks import __version__
from hooks.cli import demo, render, serve

COMMANDS = (serve, render, demo)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 for a faulty Function, or 2 for a faulty config or command line."""
    parser = argparse.ArgumentParser(prog="buildless", description="Functions on Kubernetes without an image build.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2]
        about, _, epilog = (command.__doc__ or "").strip().partition("\n\n")
        subparser = commands.add_parser(
            name,
            help=about,
            description=about,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.arguments(subparser)
        subparser.set_defaults(run=command.run)
    args = parser.parse_args(argv)
    code: int = args.run(args)
    return code
