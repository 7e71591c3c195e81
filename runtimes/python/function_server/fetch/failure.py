"""Why a fetch failed, as one line for the pod's status."""

QUOTED_CHARACTERS = 100


class Failure(Exception):
    """The fetch ends here; the message is the last line of the log. It has no counters, times or addresses."""


def refused(reason: str) -> Failure:
    """Return a failure that is the fault of the archive's author."""
    return Failure(f"the archive is refused: {reason}")


def damaged(reason: str) -> Failure:
    """Return a failure for an archive that cannot be read to its end."""
    return Failure(f"the archive is damaged: {reason}")


def quoted(name: str) -> str:
    """Return a name of other people for a message: short, on one line."""
    import json  # noqa: PLC0415 - needed for failures only

    return json.dumps(name[:QUOTED_CHARACTERS])


def printable(name: str) -> str:
    """Return a name as it stands, quoted if it has control characters."""
    return name if name.isascii() and name.isprintable() else quoted(name)
