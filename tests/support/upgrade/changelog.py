"""
The restarts and writes that the newest section of CHANGELOG.md announces.

Below "### Rolls pods" each item is "- WHO: what changes". Only the words of WHO in backticks count: fields, runtimes or
other words of a spec. The item announces a restart of the Functions whose spec contains one of them; without such a
word, of all Functions.

    - Functions with `dependencies`: packages are installed into another directory.
    - `python312`: its image is 0.2.0.
    - All Functions: the readiness probe runs every two seconds.

"- Nothing: ..." and a missing heading announce no restart. Only an "(unreleased)" section allows a change. Below
"### Writes" the words are resources, such as `services` or `functions/status`, that an upgrade writes once, without a
restart.
"""

import re
from dataclasses import dataclass
from typing import Any

from support.cases import ROOT

FILE = ROOT / "CHANGELOG.md"


@dataclass(frozen=True)
class Section:
    """One release of the changelog."""

    version: str
    is_open: bool
    rolls: tuple[str, ...]
    writes: tuple[str, ...]

    def rolls_pods(self, spec: dict[str, Any]) -> bool:
        """Return whether an item of "Rolls pods" announces a restart of a Function with this spec."""
        return any(not words(item) or words(item) & mentioned(spec) for item in self.rolls)

    def may_write(self, resource: str) -> bool:
        """Return whether an item of "Writes" names this resource."""
        return any(resource in words(item) for item in self.writes)


def newest(text: str) -> Section:
    """Return the first section of a changelog; raise AssertionError for an item without "WHO: "."""
    title, _, body = text.partition("\n## ")[2].partition("\n## ")[0].partition("\n")
    version, _, state = title.partition(" ")
    return Section(version, state == "(unreleased)", _items(body, "Rolls pods"), _items(body, "Writes"))


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
        assert re.match(r"[^:]+: \S", item), f'CHANGELOG.md, {heading}: "- {item.strip()}" is not "- WHO: what changes"'
    return tuple(items)
