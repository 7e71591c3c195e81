"""
Run the hook service.

examples:
  buildless serve --bind 127.0.0.1:8080 --config config.yaml
  buildless serve --tls-certificate tls.crt --tls-key tls.key
"""

import os
import re
import sys
from pathlib import Path

import click

import hooks
from hooks.cli import options, settings

GUNICORN_SETTINGS = Path(hooks.__file__).with_name("gunicorn.conf.py")


def address(_: click.Context, __: click.Parameter, text: str) -> str:
    """Return `text`; raises BadParameter if it is not HOST:PORT."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\s]*):(\d{1,5})", text)
    if not match or int(match[2]) > 65535:
        raise click.BadParameter(f"expected HOST:PORT, found {text!r}")
    return text


@options.command(__doc__)
@click.option(
    "--bind", callback=address, default="0.0.0.0:8080", metavar="HOST:PORT", show_default=True, help="Where to listen."
)
@options.config_option
@click.option("--tls-certificate", metavar="FILE", help="PEM; with --tls-key, serve HTTPS.")
@click.option("--tls-key", metavar="FILE", help="PEM.")
def command(bind: str, config: str | None, tls_certificate: str | None, tls_key: str | None) -> None:
    """Check the config, so that each error is one line, then replace this process with gunicorn."""
    settings.read(config)
    if config:
        os.environ["BUILDLESS_CONFIG"] = os.path.abspath(config)
    if bool(tls_certificate) != bool(tls_key):
        raise click.UsageError("--tls-certificate and --tls-key go together")
    tls = [f"--certfile={tls_certificate}", f"--keyfile={tls_key}"] if tls_key else []
    gunicorn = ["-m", "gunicorn", "-c", str(GUNICORN_SETTINGS), "--bind", bind, *tls, "hooks.app:create_app()"]
    os.execv(sys.executable, [sys.executable, *gunicorn])
