"""The download: a few attempts within one time limit, and the digest of what came."""

import hashlib
import http.client
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import IO

from function_server.fetch.failure import Failure
from function_server.fetch.request import Repeat, answer, words
from function_server.fetch.settings import Settings

PAUSES = (0, 1, 2, 4)
"""Seconds before each attempt: source-controller may restart. The kubelet repeats the container in any case."""
CHUNK = 65_536
MOMENTARY = (429, 500, 502, 503, 504)


class _Expired(Exception):
    pass


def download(settings: Settings, file: IO[bytes]) -> None:
    """
    Write the archive to `file`, which is empty; raises Failure unless it has the digest.

    No redirect is followed and no proxy is used: the archive comes from the host in the Function's pod template.
    """
    reason = f"{settings.url.netloc} did not send the archive within {settings.timeout} seconds"
    try:
        with _deadline(settings.timeout):
            for pause in PAUSES:
                time.sleep(pause)
                try:
                    return _attempt(settings, file)
                except Repeat as error:
                    reason = str(error)
    except _Expired:
        pass
    raise Failure(reason)


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Raise _Expired after `seconds`, wherever the body is: a timeout of sockets starts anew with each byte."""

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise _Expired

    signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _attempt(settings: Settings, file: IO[bytes]) -> None:
    url = settings.url
    found = _store(settings, f"{url.path or '/'}{'?' if url.query else ''}{url.query}", file)
    if found and found != settings.digest:
        raise Failure(f"the archive of {settings.label} has another digest: {found}")
    if not found and not any(_store(settings, path, file) == settings.digest for path in _later(settings)):
        newest = "source-controller keeps only the newest"
        raise Failure(f"{url.netloc} does not have the archive of {settings.label}: {newest}")


def _later(settings: Settings) -> list[str]:
    from function_server.fetch.later import later_archives  # noqa: PLC0415 - needed for archives of the past only

    return later_archives(settings)


def _store(settings: Settings, target: str, file: IO[bytes]) -> str:
    """Write the answer for a path to the file; return its digest, "" if there is no such file."""
    file.seek(0)
    file.truncate()
    with answer(settings, target) as response:
        if response.status == http.client.NOT_FOUND:
            return ""
        _check_status(settings, response.status)
        return _copy(settings, response, file)


def _check_status(settings: Settings, status: int) -> None:
    host = settings.url.netloc
    if status in MOMENTARY:
        raise Repeat(f"{host} answered with status {status}")
    if 300 <= status < 400:
        raise Failure(f"{host} answered with a redirect (status {status}), which is not followed")
    if status != http.client.OK:
        raise Failure(f"{host} answered with status {status}")


def _copy(settings: Settings, response: http.client.HTTPResponse, file: IO[bytes]) -> str:
    """Copy the body and return its digest."""
    limit = settings.max_archive
    left = limit
    digest = hashlib.sha256()
    for chunk in _chunks(settings, response):
        left -= len(chunk)
        if left < 0 or (response.length or 0) > left:
            raise Failure(f"the archive is refused: it has more than {limit} bytes")
        digest.update(chunk)
        try:
            file.write(chunk)
        except OSError as error:
            raise Failure(f"the archive cannot be stored: {error.strerror}") from None
    return f"sha256:{digest.hexdigest()}"


def _chunks(settings: Settings, response: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := response.read1(CHUNK):
            yield chunk
        is_short = bool(response.length)
    except (OSError, http.client.HTTPException) as error:
        raise Repeat(f"{settings.url.netloc} did not send the whole archive: {words(error)}") from None
    if is_short:
        raise Repeat(f"{settings.url.netloc} did not send the whole archive: it closed the connection")
