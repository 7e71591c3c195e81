"""One broken rule, as data."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hooks.config import Config
from hooks.function import FunctionSpec


@dataclass(frozen=True)
class Violation:
    """One broken rule: the field's path in the user's spelling, what was found and what would be accepted."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


Rule = Callable[[FunctionSpec, Config], Iterator[Violation]]
