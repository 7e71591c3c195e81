"""YAML as kubectl reads it: a table that kubectl 1.36.3 printed, and how to compare a row."""

import json
from typing import Any

from support.cases import ROOT

HEAD = "apiVersion: serverless.kyma-project.io/v1alpha2\nkind: Function\nmetadata: {name: a}\n"
TABLE = json.loads((ROOT / "tests" / "support" / "fixtures" / "kubectl" / "yaml.json").read_text())
STRICTER = {"spec:\n  x: {a: 1, a: 2}\n", "spec:\n  x: {true: 1, 'true': 2}\n", "spec:\n  x: {1: a, '1': b}\n"}
"""Duplicate keys: kubectl takes one of two, `buildless render` refuses the file."""


def comparable(value: Any) -> str:
    """Return a value as JSON; the API server keeps no more digits of a large number than a float has."""
    read = json.loads(json.dumps(value), parse_int=lambda text: float(text) if len(text) > 16 else int(text))
    return json.dumps(read, sort_keys=True)
