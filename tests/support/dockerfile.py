"""A Dockerfile as a list of steps."""

import re
from pathlib import Path
from typing import NamedTuple


class Step(NamedTuple):
    """One instruction of a Dockerfile and its arguments."""

    word: str
    rest: str


def steps(dockerfile: Path) -> list[Step]:
    """Return the instructions; comments are removed, continued lines joined."""
    lines = [line for line in dockerfile.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Step(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]
