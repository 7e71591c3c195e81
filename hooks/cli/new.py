"""
Make a directory with a new Function whose code is in files.

It has function.yaml, the handler, the list of its packages, a test of the handler and a .gitignore. `buildless run`,
`validate`, `render` and `manifest` take the directory.

examples:
  buildless new hello
  buildless new orders --runtime nodejs22 --template cloudevent
  buildless new orders --runtime nodejs24 --typescript
"""

import re
from pathlib import Path

import click

from hooks.cli import options, settings
from hooks.cli.templates import TEMPLATES, files_of
from hooks.config import Config

_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")


@options.command(__doc__)
@click.argument("directory", metavar="NAME", type=click.Path())
@click.option("--runtime", default="python312", show_default=True, help="A runtime of the config.")
@click.option("--template", type=click.Choice(TEMPLATES), default="http", show_default=True, help="What it handles.")
@click.option("--typescript", is_flag=True, help="Write the handler in TypeScript, for Node.js 22.18 or newer.")
@options.config_option
def command(directory: str, runtime: str, template: str, config: str | None, *, typescript: bool) -> None:
    """Write the files; the last part of the path is the Function's name."""
    family = _family(runtime, settings.read(config))
    path = Path(directory)
    if not _NAME.fullmatch(path.name):
        raise click.BadParameter(
            f"{path.name!r} is no name: letters a-z, digits and '-', at most 63", param_hint="NAME"
        )
    if typescript and family != "nodejs":
        raise click.UsageError(f"--typescript needs a runtime of Node.js, {runtime} is of {family}")
    if path.is_dir() and any(path.iterdir()):
        raise click.ClickException(f"{path} is not empty")
    try:
        path.mkdir(parents=True, exist_ok=True)
        for name, text in files_of(family, path.name, runtime, template, typescript=typescript).items():
            (path / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    options.write(f"Made {path}. Try: buildless run {path}\n")


def _family(runtime: str, config: Config) -> str:
    if runtime not in config.runtimes:
        known = ", ".join(sorted(config.runtimes))
        raise click.BadParameter(f"{runtime!r} is not one of {known}", param_hint="'--runtime'")
    return config.runtimes[runtime].family
