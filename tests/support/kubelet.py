"""The part of a container's env that the kubelet makes without a cluster, as `buildless run` does."""

from typing import Any

from hooks.cli.run.pod_environment import expanded


def environment(entries: list[dict[str, Any]]) -> dict[str, str]:
    """Return the variables that have a value of their own, expanded in order."""
    known: dict[str, str] = {}
    for entry in entries:
        if "valueFrom" not in entry:
            known[entry["name"]] = expanded(entry.get("value", ""), known)
    return known
