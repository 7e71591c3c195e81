"""
The command line `buildless`: one file per command; files.py and settings.py read what users wrote.

Besides app.py the only place with input and output. Nothing here decides what a child looks like. A command is
imported only when it is asked for, so that `serve` starts fast and carries nothing else.
"""

import argparse
from collections.abc import Sequence
from importlib import import_module

from hooks import __version__

COMMANDS = {
    "run": "run Functions on this machine, without a cluster",
    "serve": "run the hook service",
    "render": "print the children that the hook would make of Functions",
    "policy": "print the admission policy that tells the rules of a config at apply",
    "demo": "start the hook service, ask it about Functions, and show its answers",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 for a faulty Function, or 2 for a faulty config or command line."""
    parser = argparse.ArgumentParser(
        prog="buildless",
        description="Functions on Kubernetes without an image build.",
        epilog="commands:\n" + "\n".join(f"  {name:8}{about}" for name, about in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of the commands below")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="see buildless COMMAND --help")
    args = parser.parse_args(argv)
    return _run(args.command, args.rest)


def _run(name: str, rest: Sequence[str]) -> int:
    command = import_module(f"hooks.cli.{name}")
    about, _, examples = (command.__doc__ or "").strip().partition("\n\n")
    parser = argparse.ArgumentParser(
        prog=f"buildless {name}",
        description=about,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.arguments(parser)
    code: int = command.run(parser.parse_args(rest))
    return code
