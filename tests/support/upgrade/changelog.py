"""
What the newest section of CHANGELOG.md allows a release to do to Functions that run.

Below "### Rolls pods" each item is "- WHO: what changes". Only words of WHO in backticks count: they are fields,
runtimes or other words of a spec, and the item speaks of the Functions in which one of them stands; without any it
speaks of all.

    - Functions with `dependencies`: packages are installed into another directory.
    - `python312`: its image is 0.2.0.
    - All Functions: the readiness probe is asked every two seconds.

"- Nothing: ..." and a missing heading speak of nobody. Only a section that is "(unreleased)" can still allow anything.
Below "### Writes" the words are resources, such as `services` or `functions/status`, that an upgrade writes once,
without a restart.
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
        """Say whether an item of "Rolls pods" speaks of this Function."""
        return any(not words(item) or words(item) & mentioned(spec) for item in self.rolls)

    def may_write(self, resource: str) -> bool:
        """Say whether an item of "Writes" names this resource."""
        return any(resource in words(item) for item in self.writes)


def newest(text: str) -> Section:
    """Return the first section of a changelog; raises AssertionError if an item does not say of whom it speaks."""
    title, _, body = text.partition("\n## ")[2].partition("\n## ")[0].partition("\n")
    version, _, state = title.partition(" ")
    return Section(version, state == "(unreleased)", _items(body, "Rolls pods"), _items(body, "Writes"))


def words(item: str) -> set[str]:
    """Return the words in backticks before the colon."""
    return set(re.findall(r"`([^`]+)`", item.partition(":")[0]))


def mentioned(spec: Any) -> set[str]:
    """Return every key and every text that stands in a spec."""
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
