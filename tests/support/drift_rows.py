"""
The rows of drift_rows.yaml: changes that others make to a Function's children, and the outcome of each.

They run on the offline model (core/test_additions.py) and on the real Metacontroller
(cluster/test_foreign_additions.py, cluster/test_git_additions.py), and they are the table of docs/changes-by-others.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

from support.cases import ROOT
from support.merge_patch import overlaid
from support.yaml_files import read_yaml

Manifest = dict[str, Any]
Outcome = Literal["restored", "removed", "joined", "echoed", "kept"]

DATA = read_yaml(ROOT / "tests" / "support" / "drift_rows.yaml")
SPEC: Manifest = DATA["spec"]
OUTCOMES: dict[Outcome, tuple[str, int]] = {
    "restored": ("restored at once", 1),
    "removed": ("adopted, then removed", 2),
    "joined": ("ours restored, theirs kept", 1),
    "echoed": ("kept", 1),
    "kept": ("kept", 0),
}
"""The words of docs/changes-by-others.md for an outcome, and how many times Metacontroller writes the child."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """`patch` makes the change `what` to the live child of a Function with this spec; `why` is the reason."""

    kind: str
    field: str
    what: str
    outcome: Outcome
    why: str
    patch: Manifest
    spec: Manifest

    @property
    def writes(self) -> int:
        return OUTCOMES[self.outcome][1]

    def line(self) -> str:
        """Return the row as docs/changes-by-others.md has it."""
        words, writes = OUTCOMES[self.outcome]
        return f"| {self.kind} | `{self.field}` | {self.what} | {words} | {writes} | {self.why} |"

    def changed(self, live: Manifest) -> Manifest:
        """Return the child with the change made."""
        return dict(overlaid(live, self.patch))


def table() -> str:
    """Return the table of docs/changes-by-others.md."""
    head = "| kind | field | change | outcome | writes | reason |\n|---|---|---|---|---|---|\n"
    return head + "".join(f"{row.line()}\n" for row in ROWS)


def _rows(kind: str, rows: list[Any], at: str = "", of: str = "spec") -> Iterator[Row]:
    """Yield the rows of a group; the item of a list, as in `containers.function`, is not part of the field's name."""
    prefix = at.removesuffix(".function") + "." if at else ""
    for field, what, outcome, why, patch in rows:
        yield Row(
            kind=kind,
            field=", ".join(prefix + each for each in field.split(", ")),
            what=what,
            outcome=outcome,
            why=why,
            patch=reduce(lambda inner, key: {key: inner}, reversed(at.split(".")), patch) if at else patch,
            spec=DATA[of],
        )


ROWS = [row for group in DATA["groups"] for row in _rows(**group)]
