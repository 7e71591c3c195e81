"""The variables of an app on one machine: those with a value, and those that come from elsewhere."""

import re
import shlex
from collections.abc import Iterable, Iterator

from hooks.cli.run.pod_environment import expanded
from hooks.environment import referenced_variables
from hooks.manifest import Manifest
from hooks.runtimes import SOURCE, SOURCE_2

_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OF_THE_CLUSTER = ("TRACE_COLLECTOR_ENDPOINT", "PUBLISHER_PROXY_ADDRESS")
"""Addresses that the hook sets, and that exist in the cluster only."""
Row = tuple[str, str]
"""A variable, or files, and where it comes from."""


def known(container: Manifest, left_out: Iterable[str], own: Iterable[str]) -> dict[str, str]:
    """
    Return the variables that have a value, as the kubelet expands it.

    None of `left_out`, none that refers to a value that comes from elsewhere, and no address of the cluster unless it
    is one of the author's `own`.
    """
    skipped = {SOURCE, SOURCE_2, *left_out, *(set(_OF_THE_CLUSTER) - set(own))}
    found: dict[str, str] = {}
    unknown: set[str] = set()
    for entry in container["env"]:
        name, value = entry["name"], entry.get("value", "")
        references = referenced_variables(value)
        if "valueFrom" in entry or references & unknown or (container.get("envFrom") and references - found.keys()):
            unknown.add(name)
        else:
            found[name] = expanded(value, found)
    return {name: value for name, value in found.items() if name not in skipped and _SHELL_NAME.fullmatch(name)}


def exports(variables: dict[str, str]) -> str:
    """Return a script that sets the variables."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def from_elsewhere(container: Manifest, volumes: Iterable[Manifest], left_out: Iterable[str]) -> Iterator[Row]:
    """Yield the variables and files that come from Secrets, ConfigMaps and the pod, without their values."""
    for source in container.get("envFrom", ()):
        yield f"{source.get('prefix', '')}*", f"all keys of {_object(source)}"
    values = known(container, left_out, [each["name"] for each in container["env"]])
    for entry in container["env"]:
        if "valueFrom" in entry:
            yield entry["name"], _origin(entry["valueFrom"])
        elif entry["name"] not in {*values, *left_out, SOURCE, SOURCE_2}:
            yield entry["name"], "its value in `manifests/`, which has to be set by hand"
    objects = {volume["name"]: _object(volume) for volume in volumes}
    for mount in container["volumeMounts"]:
        if place := objects.get(mount["name"]):
            yield f"{mount['mountPath']}/", place


def _origin(origin: Manifest) -> str:
    if path := origin.get("fieldRef", {}).get("fieldPath") or origin.get("resourceFieldRef", {}).get("resource"):
        return f"the pod: `{path}`"
    return next(f"key `{reference['key']}` of {_object(origin)}" for reference in origin.values())


def _object(holder: Manifest) -> str:
    """Return the Secret or ConfigMap that a part of a pod names, "" if it names none."""
    for field, value in holder.items():
        for start, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
            if field.startswith(start):
                return f"the {kind} `{value.get('name') or value.get('secretName')}`"
    return ""
