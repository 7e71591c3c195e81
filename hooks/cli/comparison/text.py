"""How differences are printed: for readers, and as JSON."""

import difflib
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import click

from hooks.cli.comparison.changes import ABSENT, Change, Path, restored
from hooks.cli.comparison.compare import Comparison, Outcome
from hooks.cli.document import DEFAULT_NAMESPACE
from hooks.cli.problem import printable

MAX_LINES = 40
"""Of one text: a source, a list of packages, a script."""
MAX_CHARACTERS = 160
"""Of one value."""
MAX_LEAVES = 8
"""Of an added or removed part that is printed value by value."""
_MAX_COMPARED_LINES = 1_000
"""The lines that differ; more would take difflib seconds."""
_CONTEXT = 3
_COLOURS = {"+": "green", "-": "red"}
_WORDS = {
    Outcome.CREATED: "is created: {created}",
    Outcome.DELETED: "is deleted; its pods end",
    Outcome.REFUSED: "is refused; the old pods stay",
    Outcome.REPAIRED: "is valid again; what its pods run at present is unknown",
}


def text(found: Iterable[Comparison]) -> Iterator[str]:
    """Yield the lines for a reader: one for each Function, and its changes below it."""
    for each in found:
        yield click.style(printable(f"{title(each)}: {summary(each)}"), bold=True)
        if each.outcome is Outcome.CHANGED:
            yield from (f"  {kind} is created" for kind in each.created)
            yield from (f"  {kind} is deleted" for kind in each.deleted)
        for kind, changes in each.changed.items():
            yield f"  {kind}"
            for change in changes:
                yield from (f"    {_coloured(line)}" for line in lines(change))


def title(found: Comparison) -> str:
    """Return the Function as kubectl names it, with its namespace unless that is default."""
    namespace, name = found.key
    return f"function/{name}" if namespace == DEFAULT_NAMESPACE else f"function/{name} in {namespace}"


def summary(found: Comparison) -> str:
    """Return what happens to the Function and its pods."""
    if found.outcome is not Outcome.CHANGED:
        return _WORDS[found.outcome].format(created=", ".join(found.created))
    if not found.restarts:
        return "restarts no pods"
    none = " (replicas is 0: none run)" if found.replicas == 0 else ""
    return f"restarts pods{none}: {', '.join(found.reasons)}"


def lines(change: Change) -> Iterator[str]:
    """Yield the lines of one change; each begins with +, - or ~."""
    path = dotted(change.path)
    if change.is_order:
        yield f"~ {path}: order {_value(change.old)} -> {_value(change.new)}"
    elif difference := text_difference(change):
        yield f"~ {path}:"
        yield from (f"  {line}" for line in difference)
    elif ABSENT not in (change.old, change.new):
        yield f"~ {path}: {_value(change.old)} -> {_value(change.new)}"
    else:
        sign, value = ("+", change.new) if change.old is ABSENT else ("-", change.old)
        leaves = list(_leaves(change.path, value))
        if len(leaves) > MAX_LEAVES:
            yield f"{sign} {path}"
        else:
            yield from (f"{sign} {dotted(inner)}: {_value(leaf)}" for inner, leaf in leaves)


def text_difference(change: Change) -> list[str]:
    """Return the lines of a text that differ, at most MAX_LINES, with some around them; none for other values."""
    values = [each for each in (change.old, change.new) if each is not ABSENT]
    if not (all(isinstance(each, str) for each in values) and any("\n" in each for each in values)):
        return []
    sides = [[] if each is ABSENT else _lines(each) for each in (change.old, change.new)]
    if not any(side and side[-1] for side in sides):
        sides = [side[:-1] for side in sides]  # what follows the last line break
    difference = list(_difference(*sides))
    if len(difference) > MAX_LINES:
        return [*difference[:MAX_LINES], f"... {len(difference) - MAX_LINES} more lines"]
    return difference


def _lines(value: str) -> list[str]:
    # $$ is how a value of the hook has a $ (hooks/environment.py).
    return [printable(line.expandtabs(4)) for line in value.replace("$$", "$").split("\n")]


def _difference(old: list[str], new: list[str]) -> Iterator[str]:
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    start, end = max(start - _CONTEXT, 0), max(end - _CONTEXT, 0)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if max(len(old), len(new)) > _MAX_COMPARED_LINES:
        return (f"{sign}{line}" for sign, side in (("-", old), ("+", new)) for line in side)
    found = difflib.unified_diff(old, new, n=_CONTEXT, lineterm="")
    return (line for line in islice(found, 2, None) if not line.startswith("@@"))


def _leaves(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves((*path, key), item)
    else:
        yield path, value


def dotted(path: Path) -> str:
    """Return a path as in `spec.template.spec.containers[function].image`, and a key with a dot in brackets."""
    steps = (step if step[:1] == "[" else f"[{step}]" if "." in step else f".{step}" for step in path)
    return printable("".join(steps).lstrip("."))


def _value(value: Any) -> str:
    shown = printable(json.dumps(restored(value), ensure_ascii=False))
    cut = len(shown) - MAX_CHARACTERS
    return shown if cut <= 0 else f"{shown[:MAX_CHARACTERS]}... ({cut} more characters)"


def _coloured(line: str) -> str:
    return click.style(line, fg=_COLOURS[line.strip()[:1]]) if line.strip()[:1] in _COLOURS else line


def as_json(found: Iterable[Comparison]) -> str:
    """Return one object with a list `functions`."""
    return json.dumps({"functions": [_object(each) for each in found]}, indent=2, ensure_ascii=False) + "\n"


def _object(found: Comparison) -> dict[str, Any]:
    kinds = [{"kind": kind, "change": "created"} for kind in found.created]
    kinds += [{"kind": kind, "change": "deleted"} for kind in found.deleted]
    fields = {kind: [_field(change) for change in changes] for kind, changes in found.changed.items()}
    changed = [{"kind": kind, "change": "changed", "fields": rows} for kind, rows in fields.items()]
    return {
        "namespace": found.key[0],
        "name": found.key[1],
        "change": found.outcome.value,
        "restartsPods": found.restarts,
        "reasons": list(found.reasons),
        "children": [*kinds, *changed],
        "problems": [str(problem) for problem in found.problems],
    }


def _field(change: Change) -> dict[str, Any]:
    if difference := text_difference(change):
        return {"path": dotted(change.path), "diff": difference}
    sides = {"old": change.old, "new": change.new}
    return {"path": dotted(change.path)} | {key: restored(each) for key, each in sides.items() if each is not ABSENT}
