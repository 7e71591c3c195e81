"""
Print files with their Functions in another version of the API, or rewrite them.

Comments, quotes, block scalars and the order of keys stay. Other objects, and Functions that have the version already,
stay byte for byte. A Function that is invalid is converted too.

examples:
  buildless convert --to v2alpha1 hello.yaml
  buildless convert --to v2alpha1 --write functions/
  kustomize build . | buildless convert --to v2alpha1 -
"""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile

import click

from hooks.cli import options
from hooks.cli.files import expanded, mistaken, parsed
from hooks.cli.problem import Problem, Unusable
from hooks.moved_fields import VERSIONS

NAMES = {version.rpartition("/")[2]: version for version in VERSIONS}


@options.command(__doc__)
@options.files_argument()
@click.option("--to", "version", type=click.Choice(list(NAMES)), required=True, help="The version to convert to.")
@click.option("-w", "--write", is_flag=True, help="Rewrite the files that change, and print their names.")
def command(files: tuple[str, ...], version: str, *, write: bool) -> int:
    """Print or write the converted files; a file with an error is left as it is, and without --write all are."""
    if write and "-" in files:
        raise click.UsageError("Standard input cannot be rewritten: name files.")
    texts: list[str] = []
    problems: list[Problem] = []
    for name in dict.fromkeys(file for each in files for file in expanded(each)):
        try:
            texts.append(_converted(name, NAMES[version], write=write))
        except Unusable as error:
            problems += error.problems
    options.echo_problems(problems)
    if not write and not problems:
        options.write(_joined(texts))
    return 1 if problems else 0


def _converted(name: str, version: str, *, write: bool) -> str:
    """Return the converted text of a file, and write it if it differs; raises Unusable."""
    from hooks.cli.conversion.texts import NotConverted, converted_text  # noqa: PLC0415 - ruamel.yaml takes 0.1 s to load

    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        if problems := [each for document in parsed(name, data) for each in mistaken(document)]:
            raise Unusable(problems)
        after = converted_text(data.decode(), version)
        if write and after.encode() != data:
            _replace(Path(name).resolve(), after.encode())
            click.echo(name)
    except OSError as error:
        raise Unusable([Problem(file=name, message=str(error.strerror))]) from None
    except UnicodeDecodeError:
        raise Unusable([Problem(file=name, message="must be UTF-8")]) from None
    except NotConverted as error:
        raise Unusable([Problem(file=name, message=str(error))]) from None
    return after


def _replace(file: Path, data: bytes) -> None:
    """Write a file as a whole or not at all, with its mode; of a symbolic link, the file that it leads to."""
    with NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as new:
        try:
            new.write(data)
            new.flush()
            shutil.copymode(file, new.name)
            os.replace(new.name, file)
        except BaseException:
            os.unlink(new.name)
            raise


def _joined(texts: Iterable[str]) -> str:
    """Return the texts as one stream of documents."""
    joined = ""
    for text in texts:
        if joined and not text.removeprefix("\ufeff").startswith("---"):
            joined += "---\n"
        joined += text if text.endswith("\n") or not text else f"{text}\n"
    return joined
