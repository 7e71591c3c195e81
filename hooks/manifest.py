"""
One Kubernetes object as JSON.

We do not model what we only carry: a manifest is a plain dict, built anew for every answer.
"""

from typing import Any

Manifest = dict[str, Any]


def condition(manifest: Manifest, kind: str) -> Manifest:
    """Return the condition of that type in an object's status, an empty map where there is none."""
    found: Manifest = next(
        (each for each in manifest.get("status", {}).get("conditions", ()) if each["type"] == kind), {}
    )
    return found


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
