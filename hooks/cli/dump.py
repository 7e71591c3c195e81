"""
Write manifests as JSON, or as YAML that people can read and every Kubernetes tool reads as it was meant.

Source code stands as a block, not as one line full of "\\n"; shared parts are written out, without anchors.
"""

import json
import re
from typing import Any

import yaml

LOOKS_LIKE_A_VALUE = re.compile(r"[-+.\d].*|[yYnN]")
"""Strings that one YAML reader or another takes for a number, a date or a boolean unless they are quoted."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, __data: Any) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else "'" if LOOKS_LIKE_A_VALUE.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _string)


def to_yaml(value: Any) -> str:
    """Return `value` as one YAML document, keys in their own order."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**20)
    return text


def to_json(value: Any) -> str:
    """Return `value` as indented JSON, keys in their own order."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


WRITERS = {"yaml": to_yaml, "json": to_json}
