"""
Where an exception came from, without a value: its message and the variables around it may hold what a request held.
"""

from collections.abc import Iterator
from types import TracebackType

FRAMES = 30
"""How many frames are named, the innermost: a recursion has a thousand."""


def place(error: BaseException) -> str:
    """Return the type of an exception and the line that raised it: "KeyError at hooks.status:31 in _running"."""
    *_, innermost = ["nowhere", *_frames(error.__traceback__)]
    return f"{type(error).__name__} at {innermost}"


def traceback(error: BaseException) -> str:
    """Return the type of an exception and the frames that it passed, and the same of the one that it came from."""
    said = f"{type(error).__name__} at {' > '.join([*_frames(error.__traceback__)][-FRAMES:]) or 'nowhere'}"
    before = error.__cause__ or error.__context__
    return f"{said}; raised after {place(before)}" if before else said


def _frames(found: TracebackType | None) -> Iterator[str]:
    while found:
        yield f"{found.tb_frame.f_globals.get('__name__')}:{found.tb_lineno} in {found.tb_frame.f_code.co_name}"
        found = found.tb_next
