"""
Make a directory with a new Function whose code is in files.

It has function.yaml, the handler, the list of its packages, a test of the handler, types for editors and a .gitignore.
`buildless run`, `validate`, `render` and `manifest` take the directory. The runtime decides about the style of the
handler: main(event, context), or the newer one of nodejs26 and python314.

examples:
  buildless new hello
  buildless new orders --runtime nodejs22 --template cloudevent
  buildless new orders --runtime nodejs24 --typescript
  buildless new orders --runtime python314 --api-version v2alpha1
"""

import re
from collections.abc import Iterable
from pathlib import Path
from string import Template

import click

from hooks.cli import options, settings
from hooks.cli.convert import NAMES as VERSIONS
from hooks.config import Config
from hooks.runtimes import FAMILIES

ROOT = Path(__file__).with_name("templates")
"""Has a directory FAMILY[/typescript]/STYLE/TEMPLATE for each template; files of those above belong to it, too."""
STYLES = ("event", "sdk")
TEMPLATES = sorted({path.parent.name for style in STYLES for path in ROOT.glob(f"**/{style}/*/handler.*")})
_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")


@options.command(__doc__)
@click.argument("directory", metavar="NAME", type=click.Path())
@click.option("--runtime", default="python312", show_default=True, help="A runtime of the config.")
@click.option("--template", type=click.Choice(TEMPLATES), default="http", show_default=True, help="What it handles.")
@click.option(
    "--api-version",
    type=click.Choice(list(VERSIONS)),
    default="v1alpha2",
    show_default=True,
    help="The version of its API.",
)
@click.option("--typescript", is_flag=True, help="Write the handler in TypeScript, for Node.js 22.18 or newer.")
@options.config_option
def command(
    directory: str, runtime: str, template: str, api_version: str, config: str | None, *, typescript: bool
) -> None:
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
        for file in files_of(template_directory(runtime, family, template, typescript=typescript)):
            text = file.read_text(encoding="utf-8")
            if file.name == "function.yaml":
                values = {"API_VERSION": VERSIONS[api_version], "NAME": path.name, "RUNTIME": runtime}
                text = Template(text).safe_substitute(values)
            (path / file.name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    options.write(f"Made {path}. Try: buildless run {path}\n")


def template_directory(runtime: str, family: str, template: str, *, typescript: bool) -> Path:
    """Return the directory of a template for a runtime; raises UsageError if there is none."""
    style = STYLES[FAMILIES[family].has_newer_style(runtime)]
    directory = ROOT.joinpath(family, *(["typescript"] if typescript else []), style, template)
    if not directory.is_dir():
        raise click.UsageError(f"there is no template {template!r} for {runtime}")
    return directory


def files_of(directory: Path) -> Iterable[Path]:
    """Return the files of a template; one in a deeper directory replaces another of its name."""
    levels = [level for level in reversed([directory, *directory.parents]) if level.is_relative_to(ROOT)]
    return {file.name: file for level in levels for file in level.iterdir() if file.is_file()}.values()


def _family(runtime: str, config: Config) -> str:
    if runtime not in config.runtimes:
        known = ", ".join(sorted(config.runtimes))
        raise click.BadParameter(f"{runtime!r} is not one of {known}", param_hint="'--runtime'")
    return config.runtimes[runtime].family
