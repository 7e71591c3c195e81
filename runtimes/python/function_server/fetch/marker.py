"""The file that says for which digest and path the current directory is complete. It is written last."""

from function_server.fetch.settings import Settings

MARKER, STAGING = OWN_NAMES = (".fetched-source", ".fetching-source")
"""Names in the root of the code that fetch-source uses itself."""


def is_complete(settings: Settings) -> bool:
    """Return whether the current directory has the files of this very digest and path."""
    try:
        with open(MARKER, encoding="utf-8") as file:
            return file.read() == content(settings)
    except (OSError, UnicodeDecodeError):
        return False


def content(settings: Settings) -> str:
    """Return what the marker of these settings has in it."""
    return f"{settings.digest} {'/'.join(settings.path)}\n"
