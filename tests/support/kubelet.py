"""Environment variables as the kubelet expands them, by the code of `buildless run`."""

from typing import Any

from hooks.cli.run.pod_environment import expanded


def environment(entries: list[dict[str, Any]]) -> dict[str, str]:
    """Return the variables without valueFrom, expanded in order."""
    known: dict[str, str] = {}
    for entry in entries:
        if "valueFrom" not in entry:
            known[entry["name"]] = expanded(entry.get("value", ""), known)
    return known
