"""
The current directory: complete, or to be filled.

The volume survives a restart of the container, so a marker says for which digest and path it is complete. It is written
last: without it everything is fetched again.
"""

import os
import shutil
import tempfile
from pathlib import Path

from function_server.fetch.download import download
from function_server.fetch.failure import Failure
from function_server.fetch.settings import Settings
from function_server.fetch.unpack import OWN_NAMES, unpack

MARKER, STAGING = map(Path, OWN_NAMES)


def is_complete(settings: Settings) -> bool:
    """Return whether the current directory has the files of this very digest and path."""
    try:
        return MARKER.read_text(encoding="utf-8") == _marker(settings)
    except (OSError, UnicodeDecodeError):
        return False


def fill(settings: Settings) -> int:
    """Fetch the archive, move its files to the current directory and return their number; raises Failure."""
    try:
        os.umask(0o022)
        _remove(MARKER)
        _remove(STAGING)
        STAGING.mkdir()
        with tempfile.TemporaryFile(dir=".") as file:
            download(settings, file)
            file.seek(0)
            files = unpack(settings, file, str(STAGING))
        for path in STAGING.iterdir():
            _remove(Path(path.name))
            path.rename(path.name)
        STAGING.rmdir()
        MARKER.write_text(_marker(settings), encoding="utf-8")
    except OSError as error:
        raise Failure(f"the directory cannot be written: {error.strerror}") from None
    return files


def _marker(settings: Settings) -> str:
    return f"{settings.digest} {'/'.join(settings.path)}\n"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
