"""The table of results, and the survivors that survivors.yaml does not explain."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

import yaml
from mutation.mutants import Mutant


@dataclass(frozen=True)
class Explanation:
    """Why mutants survive: those of functions, and with `before` and `after` lines, that match these patterns."""

    function: str
    because: str
    before: str = "*"
    after: str = "*"

    def explains(self, mutant: Mutant) -> bool:
        pairs = ((mutant.path, self.function), (mutant.before, self.before), (mutant.after, self.after))
        return all(fnmatchcase(text, pattern) for text, pattern in pairs)

    @classmethod
    def read(cls, path: Path) -> list[Self]:
        return [cls(**row) for row in yaml.safe_load(path.read_text(encoding="utf-8"))]


def table(mutants: Sequence[Mutant], killers: Mapping[str, str], rows: Sequence[Explanation]) -> Iterator[str]:
    """Yield lines with the number of mutants by module; `killers` has those that have run, "" for survivors."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for mutant in mutants:
        for module in (mutant.module, "all"):
            counts[module].update(kinds(mutant, killers, rows))
    yield "| module | mutants | run | killed | % | survived | of these explained |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for module, count in sorted(counts.items(), key=lambda row: (row[0] == "all", row[0])):
        share = f"{100 * count['killed'] / count['run']:.1f}" if count["run"] else ""
        numbers = (count["mutants"], count["run"], count["killed"], share, count["survived"], count["explained"])
        yield f"| {module} | {' | '.join(map(str, numbers))} |"


def kinds(mutant: Mutant, killers: Mapping[str, str], rows: Sequence[Explanation]) -> Iterator[str]:
    """Yield the columns of the table in which a mutant counts."""
    yield "mutants"
    if mutant.name in killers:
        yield "run"
        yield "killed" if killers[mutant.name] else "survived"
        if not killers[mutant.name] and any(row.explains(mutant) for row in rows):
            yield "explained"


def unexplained(mutants: Sequence[Mutant], killers: Mapping[str, str], rows: Sequence[Explanation]) -> Iterator[str]:
    """Yield the survivors without an explanation, and the explanations without a survivor."""
    survivors = [mutant for mutant in mutants if killers.get(mutant.name) == ""]
    for mutant in survivors:
        if not any(row.explains(mutant) for row in rows):
            yield f"{mutant.name}\n  - {mutant.before}\n  + {mutant.after}"
    for row in rows:
        if not any(row.explains(mutant) for mutant in survivors):
            yield f"survivors.yaml explains no survivor: {row}"
