"""
What the kubelet makes of a container's env: $(NAME) becomes a value known so far, $$ becomes $.

Source: k8s.io/kubernetes/third_party/forked/golang/expansion, from its documented behaviour.
"""

import re
from typing import Any

_REFERENCE = re.compile(r"\$(\$|\(([^)]*)\))")


def environment(entries: list[dict[str, Any]]) -> dict[str, str]:
    """Return the variables that have a value of their own, expanded in order."""
    known: dict[str, str] = {}
    for entry in entries:
        if "valueFrom" not in entry:
            known[entry["name"]] = expanded(entry.get("value", ""), known)
    return known


def expanded(text: str, known: dict[str, str]) -> str:
    """Expand one value; an unknown $(NAME) stays as it is, and so does a lone $."""

    def replacement(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        return known.get(match[2], match[0])

    return _REFERENCE.sub(replacement, text)
