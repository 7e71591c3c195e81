"""
The current directory is filled in two steps, into a directory of it and from there.

The volume survives a restart of the container: a marker, written last, says that everything is there. Without it
everything is fetched again.
"""

import contextlib
import os
import shutil

from function_server.fetch import marker
from function_server.fetch.download import download
from function_server.fetch.failure import Failure
from function_server.fetch.marker import MARKER, STAGING
from function_server.fetch.settings import Settings
from function_server.fetch.unpack import unpack


def fill(settings: Settings) -> int:
    """Fetch the archive, move its files to the current directory and return their number; raises Failure."""
    try:
        os.umask(0o022)
        _remove(MARKER)
        _remove(STAGING)
        os.mkdir(STAGING)
        files = _fetch_into(STAGING, settings)
        for name in os.listdir(STAGING):
            _remove(name)
            os.rename(os.path.join(STAGING, name), name)
        os.rmdir(STAGING)
        with open(MARKER, "x", encoding="utf-8") as file:
            file.write(marker.content(settings))
    except OSError as error:
        raise Failure(f"the directory cannot be written: {error.strerror}") from None
    return files


def _fetch_into(directory: str, settings: Settings) -> int:
    path = os.path.join(directory, "archive")
    with open(path, "x+b") as file:
        os.unlink(path)
        download(settings, file)
        file.seek(0)
        return unpack(settings, file, directory)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
