"""Reading the tables and cases of the tests, which every test process does before its first test."""

from pathlib import Path
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(file: Path) -> Any:
    """Return the document of a file, read by libyaml where PyYAML has it: ten times as fast."""
    return yaml.load(file.read_text(encoding="utf-8"), Loader=LOADER)
