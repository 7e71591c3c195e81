"""
Write manifests as JSON, or as readable YAML that every Kubernetes tool parses to the same values.

Strings of several lines are block scalars, and repeated parts are written out, without anchors.
"""

import json
import re
from typing import Any

import yaml

AMBIGUOUS = re.compile(r"[-+.\d].*|[yYnN]")
"""Strings that some YAML parser reads as a number, a date or a boolean unless they are quoted."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, __data: Any) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else "'" if AMBIGUOUS.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _string)


def to_yaml(value: Any) -> str:
    """Return `value` as one YAML document, with the order of its keys."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**20)
    return text


def to_json(value: Any) -> str:
    """Return `value` as indented JSON, with the order of its keys."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


WRITERS = {"yaml": to_yaml, "json": to_json}
