"""The variables of the init container."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from function_server.fetch.failure import Failure, printable, quoted

VOLUME_BYTES = 1024**3
TIMEOUT_SECONDS = 60
MOST_BYTES = 2**53 - 1
MOST_SECONDS = 24 * 3600


class Settings(NamedTuple):
    """
    What to fetch.

    digest      of the archive: "sha256:" and 64 hexadecimal digits
    path        the directory in the archive, as its names; () is the root
    label       the revision and the digest, for messages
    max_archive limit of the archive in bytes: a quarter of the volume
    max_files   limit of the disk space for the unpacked files in bytes: half of the volume, which leaves the other half
                for the dependencies
    timeout     limit of the download in seconds, all attempts together
    """

    url: SplitResult
    digest: str
    path: tuple[str, ...]
    label: str
    max_archive: int
    max_files: int
    timeout: float


def read_settings(env: Mapping[str, str]) -> Settings:
    """Return the settings; raises Failure, which names the variable."""
    digest = _digest(env.get("SOURCE_DIGEST", ""))
    revision = env.get("SOURCE_REVISION")
    volume = _positive(env, "SOURCE_MAX_BYTES", VOLUME_BYTES, MOST_BYTES)
    return Settings(
        url=_url(env.get("SOURCE_URL", "")),
        digest=digest,
        path=_path(env.get("SOURCE_PATH", "")),
        label=f"{printable(revision)} ({digest})" if revision else digest,
        max_archive=volume // 4,
        max_files=volume // 2,
        timeout=_positive(env, "SOURCE_TIMEOUT", TIMEOUT_SECONDS, MOST_SECONDS),
    )


def _digest(value: str) -> str:
    if not re.fullmatch("sha256:[0-9a-f]{64}", value):
        raise Failure(f"SOURCE_DIGEST: Invalid value: {quoted(value)}: must be sha256: and 64 hexadecimal digits")
    return value


def _url(value: str) -> SplitResult:
    """Return the URL. It is in no message: a query may hold a signature."""
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        raise Failure("SOURCE_URL: Invalid value: must be an http or https URL") from None
    if not (re.fullmatch("https?://[!-~]+", value) and url.hostname and port != 0):
        raise Failure("SOURCE_URL: Invalid value: must be an http or https URL")
    if "@" in url.netloc:
        raise Failure("SOURCE_URL: Invalid value: must not contain a user")
    return url


def _path(value: str) -> tuple[str, ...]:
    names = tuple(name for name in value.split("/") if name not in ("", "."))
    if ".." in names:
        raise Failure(f"SOURCE_PATH: Invalid value: {quoted(value)}: must not contain ..")
    return names


def _positive(env: Mapping[str, str], name: str, default: int, most: int) -> int:
    value = env.get(name) or str(default)
    if not re.fullmatch("[1-9][0-9]{0,14}", value) or int(value) > most:
        raise Failure(f"{name}: Invalid value: {quoted(value)}: must be a whole number from 1 to {most}")
    return int(value)
