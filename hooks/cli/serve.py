"""
Run the hook service.

examples:
  buildless serve --bind 127.0.0.1:8080 --config config.yaml
  buildless serve --tls-certificate tls.crt --tls-key tls.key
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
    parser.add_argument("--config", metavar="FILE", help="settings that override the defaults")
    parser.add_argument("--tls-certificate", metavar="FILE", help="PEM; with --tls-key, serve HTTPS")
    parser.add_argument("--tls-key", metavar="FILE", help="PEM")


def run(args: argparse.Namespace) -> int:
    """Check the config, so that each error is one line, then replace this process with gunicorn."""
    settings.read(args.config)
    if args.config:
        os.environ["BUILDLESS_CONFIG"] = os.path.abspath(args.config)
    if bool(args.tls_certificate) != bool(args.tls_key):
        print("buildless serve: --tls-certificate and --tls-key go together", file=sys.stderr)
        raise SystemExit(2)
    tls = [f"--certfile={args.tls_certificate}", f"--keyfile={args.tls_key}"] if args.tls_key else []
    gunicorn = ["-m", "gunicorn", "-c", str(GUNICORN_SETTINGS), "--bind", args.bind, *tls, "hooks.app:create_app()"]
    os.execv(sys.executable, [sys.executable, *gunicorn])


def address(text: str) -> str:
    """Return `text`; raises ArgumentTypeError if it is not HOST:PORT."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\s]*):(\d{1,5})", text)
    if not match or int(match[2]) > 65535:
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, found {text!r}")
    return text
