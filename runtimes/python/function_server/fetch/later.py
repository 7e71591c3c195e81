"""
The archives of later commits, one of which may have the same content under another name.

The hook restarts no pod for a commit that changes nothing in the Function's directory. A pod that starts much later has
the name of an archive that source-controller has deleted meanwhile.
"""

import http.client
import re
from email.utils import mktime_tz, parsedate_tz

from function_server.fetch.request import Repeat, answer, words
from function_server.fetch.settings import Settings

MAX_LISTING_BYTES = 256 * 1024
MAX_LISTED, MAX_TRIED = 100, 3
_COMMIT = re.compile("(.*/)([0-9a-f]{40}[.]tar[.]gz)")
_LISTED = re.compile(b'href="([0-9a-f]{40}[.]tar[.]gz)"')


def later_archives(settings: Settings) -> list[str]:
    """Return the paths of the newest archives beside that of a commit, the newest first; [] for other archives."""
    found = _COMMIT.fullmatch(settings.url.path)
    if not found or settings.url.query:
        return []
    names = dict.fromkeys(name.decode() for name in _LISTED.findall(_listing(settings, found[1])))
    paths = [found[1] + name for name in names if name != found[2]][:MAX_LISTED]
    times = {path: _modified(settings, path) for path in paths}
    return sorted(paths, key=lambda path: -times[path])[:MAX_TRIED]


def _listing(settings: Settings, directory: str) -> bytes:
    """Return the page on which source-controller lists the files of a directory, b"" without one."""
    with answer(settings, directory) as response:
        try:
            return response.read(MAX_LISTING_BYTES) if response.status == http.client.OK else b""
        except (OSError, http.client.HTTPException) as error:
            raise Repeat(f"{settings.url.netloc} did not send its list of archives: {words(error)}") from None


def _modified(settings: Settings, path: str) -> float:
    """Return when a file was written, in seconds since 1970, 0 if unknown."""
    with answer(settings, path, "HEAD") as response:
        date = parsedate_tz(response.getheader("Last-Modified", ""))
    try:
        return mktime_tz(date) if date else 0
    except (OverflowError, ValueError):
        return 0
