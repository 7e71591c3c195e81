"""Print a comparison, and choose the exit code: 0 without changes, 1 with changes, 2 with a refused Function."""

from collections.abc import Sequence

from hooks.cli import options
from hooks.cli.comparison import text
from hooks.cli.comparison.compare import Comparison, Outcome, Side, compare
from hooks.cli.files import Objects
from hooks.config import Config


def compared(old: Objects, new: Objects, old_config: Config, config: Config) -> list[Comparison]:
    """Return every Function that differs; raises Unusable."""
    return list(compare(Side.of(old, old_config), Side.of(new, config)))


def report(found: Sequence[Comparison], output: str) -> int:
    """Print as text or JSON, and the problems of refused Functions on standard error."""
    options.write(text.as_json(found) if output == "json" else "".join(f"{line}\n" for line in text.text(found)))
    for each in found:
        options.echo_problems(each.problems)
    if any(each.outcome is Outcome.REFUSED for each in found):
        return 2
    return 1 if found else 0
