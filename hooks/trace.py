"""Where an exception was raised, without its message, which may contain values from a request."""

from collections.abc import Iterator
from types import TracebackType

FRAMES = 30
"""Maximum in a traceback, counted from the innermost; a recursion has a thousand."""


def place(error: BaseException) -> str:
    """Return the type of an exception and the line that raised it: "KeyError at hooks.status:31 in _running"."""
    *_, innermost = ["nowhere", *_frames(error.__traceback__)]
    return f"{type(error).__name__} at {innermost}"


def traceback(error: BaseException) -> str:
    """Return the type and the frames of an exception in one line, and the place() of the exception that led to it."""
    frames = [*_frames(error.__traceback__)][-FRAMES:]
    line = f"{type(error).__name__} at {' > '.join(frames) or 'nowhere'}"
    earlier = error.__cause__ or error.__context__
    return f"{line}; raised after {place(earlier)}" if earlier else line


def _frames(found: TracebackType | None) -> Iterator[str]:
    while found:
        yield f"{found.tb_frame.f_globals.get('__name__')}:{found.tb_lineno} in {found.tb_frame.f_code.co_name}"
        found = found.tb_next
