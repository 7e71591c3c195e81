"""
Kubernetes objects as plain dicts, and accessors that never raise.

Objects are not modelled, since the hook reads only a few of their fields. Other components write observed objects, so
any field may have any type: each accessor returns a neutral value in place of one of another type.
"""

from datetime import datetime
from typing import Any

import orjson

Manifest = dict[str, Any]

MAX_COUNT = 2**31 - 1
"""The largest count: Kubernetes keeps counts in 32 bits."""
_TIME_CHARACTERS = len("2026-01-01T00:00:00.123456789+00:00")


def as_mapping(value: Any) -> Manifest:
    """Return a map unchanged, and an empty map for any other type."""
    return value if isinstance(value, dict) else {}


def mappings_in(value: Any) -> list[Manifest]:
    """Return the maps in a list, and none for any other type."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Return a string unchanged, and "" for any other type."""
    return value if isinstance(value, str) else ""


def as_count(value: Any, default: int = 0) -> int:
    """Return an integer between 0 and MAX_COUNT unchanged, and `default` for anything else."""
    return value if type(value) is int and 0 <= value <= MAX_COUNT else default


def as_time(value: Any) -> datetime | None:
    """Return the time of an ISO 8601 string with a time zone, and None for anything else."""
    if not isinstance(value, str) or len(value) > _TIME_CHARACTERS:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time if time.tzinfo else None


def value_at(value: Any, *path: str) -> Any:
    """Return the value at a path of keys, None if there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def is_serializable(child: Manifest) -> bool:
    """Return whether a response can hold a child: orjson parses deeper nesting than it serializes."""
    try:
        orjson.dumps({"children": [child]})
    except orjson.JSONEncodeError:
        return False
    return True


def find_condition(manifest: Manifest, condition_type: str) -> Manifest:
    """Return the first condition of that type in an object's status, an empty map if there is none."""
    conditions = mappings_in(value_at(manifest, "status", "conditions"))
    return next((condition for condition in conditions if condition.get("type") == condition_type), {})


def without_empty_values(value: Any) -> Any:
    """
    Return `value` without null, "", [] and {} at any depth.

    The API server drops or defaults them, so sending them would cause a useless write on every sync.
    """
    if isinstance(value, dict):
        kept = {key: without_empty_values(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if not _is_empty(item)}
    if isinstance(value, list):
        return [item for item in map(without_empty_values, value) if not _is_empty(item)]
    return value


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list, dict)) and not value)
