"""
The command line `buildless`: one module per command; files.py and settings.py read the users' files.

Beside app.py this is the only part with input and output. Nothing here decides what a child looks like. A command's
module is imported when the command runs, so that `serve` starts fast and loads nothing else.
"""

import argparse
from collections.abc import Sequence
from importlib import import_module

from hooks import __version__

COMMANDS = {
    "run": "run Functions on this machine, without a cluster",
    "serve": "run the hook service",
    "render": "print the children of Functions and, with --status, their status",
    "policy": "print the ValidatingAdmissionPolicies and their parameters for a config",
}


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run one command; without any, print the help.

    Return 0, 1 for an invalid Function, or 2 for an invalid config; raises SystemExit(2) for an invalid command line.
    """
    parser = argparse.ArgumentParser(
        prog="buildless",
        description="Functions on Kubernetes without an image build.",
        epilog="commands:\n" + "\n".join(f"  {name:8}{about}" for name, about in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("command", nargs="?", choices=COMMANDS, metavar="COMMAND", help="one of the commands below")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="see buildless COMMAND --help")
    args = parser.parse_args(argv)
    if args.command:
        return _run(args.command, args.rest)
    parser.print_help()
    return 0


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
