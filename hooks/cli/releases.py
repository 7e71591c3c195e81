"""
What CHANGELOG.md announces for each release: restarts of pods, and writes without a restart.

Below "### Rolls pods" each item is "- WHO: what changes". Only the words of WHO in backticks count: fields, runtimes or
other words of a spec. The item announces a restart of the Functions whose spec contains one of them; without such a
word, of all Functions.

    - Functions with `dependencies`: packages are installed into another directory.
    - `python312`: its image is 0.2.0.
    - All Functions: the readiness probe runs every two seconds.

"- Nothing: ..." and a missing heading announce no restart. Below "### Writes" the words are resources, such as
`services` or `functions/status`, that an upgrade writes once, without a restart.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PLACES = (Path(__file__).with_name("CHANGELOG.md"), Path(__file__).parents[2] / "CHANGELOG.md")
"""In an installed package, and in a checkout."""


@dataclass(frozen=True)
class Section:
    """One release of the changelog."""

    version: str
    is_open: bool
    rolls: tuple[str, ...]
    writes: tuple[str, ...]

    def rolls_pods(self, spec: dict[str, Any]) -> bool:
        """Return whether an item of "Rolls pods" announces a restart of a Function with this spec."""
        return bool(self.announced(spec))

    def announced(self, spec: dict[str, Any]) -> list[str]:
        """Return what changes in the pods of a Function with this spec, in one line for each item of "Rolls pods"."""
        found = (item for item in self.rolls if not words(item) or words(item) & mentioned(spec))
        return [" ".join(item.partition(":")[2].split()).removesuffix(".") for item in found]

    def may_write(self, resource: str) -> bool:
        """Return whether an item of "Writes" names this resource."""
        return any(resource in words(item) for item in self.writes)


def changelog() -> str:
    """Return the text of the changelog; raises FileNotFoundError if this package has none, as in the hook's image."""
    return next((place for place in _PLACES if place.is_file()), _PLACES[0]).read_text(encoding="utf-8")


def sections(text: str) -> Iterator[Section]:
    """Yield the releases of a changelog, the newest first; raises ValueError for an item without "WHO: "."""
    for part in text.split("\n## ")[1:]:
        title, _, body = part.partition("\n")
        version, _, state = title.partition(" ")
        yield Section(version, state == "(unreleased)", _items(body, "Rolls pods"), _items(body, "Writes"))


def words(item: str) -> set[str]:
    """Return the words in backticks before the colon."""
    return set(re.findall(r"`([^`]+)`", item.partition(":")[0]))


def mentioned(spec: Any) -> set[str]:
    """Return every key and every string in a spec."""
    if isinstance(spec, dict):
        return set(spec).union(*map(mentioned, spec.values()))
    if isinstance(spec, list):
        return set().union(*map(mentioned, spec))
    return {spec} if isinstance(spec, str) else set()


def _items(body: str, heading: str) -> tuple[str, ...]:
    section = f"\n{body}\n### ".partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    items = [item for item in re.split(r"^- ", section, flags=re.MULTILINE)[1:] if not item.startswith("Nothing")]
    for item in items:
        if not re.match(r"[^:]+: \S", item):
            raise ValueError(f'CHANGELOG.md, {heading}: "- {item.strip()}" is not "- WHO: what changes"')
    return tuple(items)
