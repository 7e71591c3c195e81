"""One request to the host of the archive."""

import http.client
from collections.abc import Iterator
from contextlib import closing, contextmanager

from function_server.fetch.settings import Settings

SILENCE_SECONDS = 10
"""How long a request waits for a connection or for the next bytes."""


class Repeat(Exception):
    """The attempt failed, but the next one may succeed."""


@contextmanager
def answer(settings: Settings, target: str, method: str = "GET") -> Iterator[http.client.HTTPResponse]:
    """Send a request for a path with its query; raises Repeat without an answer. No redirect is followed."""
    with closing(_connection(settings)) as connection:
        try:
            connection.request(method, target)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise Repeat(f"{settings.url.netloc} cannot be reached: {words(error)}") from None
        yield response


def _connection(settings: Settings) -> http.client.HTTPConnection:
    host, port = settings.url.hostname or "", settings.url.port
    if settings.url.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=SILENCE_SECONDS)
    # No certificate is valid for a name with a final dot.
    return http.client.HTTPSConnection(host.rstrip("."), port, timeout=SILENCE_SECONDS)


def words(error: Exception) -> str:
    """Return the error without addresses and without what the other side has sent."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "its answer is not HTTP"
