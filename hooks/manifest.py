"""
One Kubernetes object as JSON.

We do not model what we only carry: a manifest is a plain dict, built anew for every answer. What is observed was
written by others and may hold anything: it is read through the accessors here, each of which returns a neutral value
for whatever has another type.
"""

from datetime import datetime
from typing import Any

import orjson

Manifest = dict[str, Any]

MOST = 2**31 - 1
"""The largest count: Kubernetes keeps counts in 32 bits."""
_TIME_CHARACTERS = len("2026-01-01T00:00:00.123456789+00:00")


def mapping(value: Any) -> Manifest:
    """Return a map as it is, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[Manifest]:
    """Return the maps in a list, none for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """Return a string as it is, an empty one for anything else."""
    return value if isinstance(value, str) else ""


def number(value: Any, otherwise: int = 0) -> int:
    """Return a count as it is, `otherwise` for anything else."""
    return value if type(value) is int and 0 <= value <= MOST else otherwise


def moment(value: Any) -> datetime | None:
    """Return the time, with its zone, that a text in Kubernetes' notation names, None for anything else."""
    if not isinstance(value, str) or len(value) > _TIME_CHARACTERS:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else None


def at(value: Any, *path: str) -> Any:
    """Return what stands at a path of keys, None where the path leads nowhere."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def can_be_written(child: Manifest) -> bool:
    """Tell whether an answer can hold a child: JSON is read four times as deep as it is written."""
    try:
        orjson.dumps({"children": [child]})
    except orjson.JSONEncodeError:
        return False
    return True


def condition(manifest: Manifest, kind: str) -> Manifest:
    """Return the condition of that type in an object's status, an empty map where there is none."""
    return next((each for each in mappings(at(manifest, "status", "conditions")) if each.get("type") == kind), {})


def pruned(value: Any) -> Any:
    """
    Return `value` without null, "", [] and {} at any depth.

    The API server drops or defaults these, so that sending them costs one useless write per sync.
    """
    if isinstance(value, dict):
        kept = {key: pruned(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if not _is_empty(item)}
    if isinstance(value, list):
        return [item for item in map(pruned, value) if not _is_empty(item)]
    return value


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list, dict)) and not value)
