"""What is wrong with a file, and where."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """
    One error in a file; `line` is 0 if it is unknown, `path` is "" for the whole document.

    Its text is one line without control characters, whatever the file has.
    """

    file: str
    line: int = 0
    path: str = ""
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return printable(": ".join(part for part in (place, self.path, " ".join(self.message.split())) if part))


class Unusable(Exception):
    """A file, or an object in it, is invalid; `problems` has every reason."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


def printable(text: str) -> str:
    """Return `text` with an escape sequence for each character that a terminal may interpret."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
