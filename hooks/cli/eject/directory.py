"""
The directory of an app: everything is written below it, first beside an earlier app and then in its place.

An earlier app is recognized by a file with the names of what was written. Only these are replaced, so that what has
been added stays.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

WRITTEN = ".ejected"
_HEAD = "# buildless eject writes these files again:\n"


@contextlib.contextmanager
def replaced(directory: Path) -> Iterator[Path]:
    """
    Yield an empty directory whose content replaces that of an earlier app at the end; on an error nothing changes.

    Raises ClickException for a directory that has other files, and for one that cannot be written.
    """
    is_new = not directory.exists()
    try:
        earlier = _earlier(directory)
        directory.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".eject-", dir=directory))
        try:
            yield staging
            _move(staging, directory, earlier)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            if is_new:
                with contextlib.suppress(OSError):
                    directory.rmdir()  # it is empty if an error came before
    except OSError as error:
        raise click.ClickException(f"{error.filename or directory}: {error.strerror}") from None


def _earlier(directory: Path) -> list[str]:
    """Return the names of what an earlier app has; raises ClickException if something else is there."""
    if not directory.is_dir():
        if directory.exists() or directory.is_symlink():
            raise click.ClickException(f"{directory} is no directory")
        return []
    if not any(directory.iterdir()):
        return []
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = (directory / WRITTEN).read_text(encoding="utf-8")
        if text.startswith(_HEAD):
            names = text.removeprefix(_HEAD).splitlines()
            return [name for name in names if name == Path(name).name and name not in ("", "..")]
    raise click.ClickException(f"{directory} is not empty, and was not written by buildless eject")


def _move(staging: Path, directory: Path, earlier: list[str]) -> None:
    names = sorted(each.name for each in staging.iterdir())
    (staging / WRITTEN).write_text(_HEAD + "".join(f"{name}\n" for name in names), encoding="utf-8")
    for name in dict.fromkeys([*earlier, *names, WRITTEN]):
        _remove(directory / name)
    for name in [*names, WRITTEN]:
        (staging / name).rename(directory / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
