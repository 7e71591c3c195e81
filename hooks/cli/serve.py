"""
Run the hook service.

example:
  buildless serve --bind 127.0.0.1:8080 --config config.yaml
"""

import argparse
import os
import re
import sys
from pathlib import Path

import hooks
from hooks.cli import settings

GUNICORN_SETTINGS = Path(hooks.__file__).with_name("gunicorn.conf.py")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--bind", type=address, default="0.0.0.0:8080", metavar="HOST:PORT", help="default: %(default)s"
    )
    parser.add_argument("--config", metavar="FILE", help="settings laid over the defaults")


def run(args: argparse.Namespace) -> int:
    """Check the config, so that a fault is one clear line, then become gunicorn."""
    settings.read(args.config)
    if args.config:
        os.environ["BUILDLESS_CONFIG"] = os.path.abspath(args.config)
    gunicorn = ["-m", "gunicorn", "-c", str(GUNICORN_SETTINGS), "--bind", args.bind, "hooks.app:create_app()"]
    os.execv(sys.executable, [sys.executable, *gunicorn])


def address(text: str) -> str:
    """Return `text` if it is HOST:PORT."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\s]*):(\d{1,5})", text)
    if not match or int(match[2]) > 65535:
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, found {text!r}")
    return text
