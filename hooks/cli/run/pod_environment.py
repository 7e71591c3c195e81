"""
The environment of a container as the kubelet makes it, as far as one machine without a cluster can.

Source of the expansion: k8s.io/kubernetes/third_party/forked/golang/expansion, from its documented behaviour.
"""

import re
from collections.abc import Iterable, Mapping

from hooks.cli.data_objects import Objects
from hooks.manifest import Manifest

_REFERENCE = re.compile(r"\$(\$|\(([^)]*+)(\)|\Z))")
"""A reference without its closing bracket matches to the end of the text; without \\Z the time would be quadratic."""


class MissingObject(Exception):
    """A Secret, ConfigMap or key that the pod needs is in none of the files, or cannot be used as it is."""


def expanded(text: str, known: Mapping[str, str]) -> str:
    """Return `text` with $(NAME) replaced by its value in `known` and $$ by $; an unknown $(NAME) is kept."""

    def value(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        return known.get(match[2], match[0]) if match[3] else match[0].replace("$$", "$")

    return _REFERENCE.sub(value, text)


def container_environment(container: Manifest, pod: Manifest, objects: Objects) -> dict[str, str]:
    """Return all variables of a container; raises MissingObject for an object or key that is not optional."""
    known: dict[str, str] = {}
    for source in container.get("envFrom", []):
        for kind, reference in _references(source):
            contents = _object(objects, kind, reference) or {}
            known |= {source.get("prefix", "") + key: _text(data, kind, key) for key, data in contents.items()}
    for entry in container.get("env", []):
        value = _value(entry, pod, objects)
        if value is not None:
            known[entry["name"]] = expanded(value, known) if "value" in entry else value
    return known


def _value(entry: Manifest, pod: Manifest, objects: Objects) -> str | None:
    origin = entry.get("valueFrom")
    if origin is None:
        return str(entry.get("value", ""))
    for kind, reference in _references(origin):
        contents = _object(objects, kind, reference)
        if contents is not None and reference["key"] in contents:
            return _text(contents[reference["key"]], kind, reference["key"])
        if not reference.get("optional"):
            name = reference["name"]
            raise MissingObject(f"{kind} {name} has no key {reference['key']}, which env {entry['name']} needs")
        return None
    return _field(origin.get("fieldRef", {}).get("fieldPath", ""), pod)


def _text(data: bytes, kind: str, key: str) -> str:
    """Return the value of a variable; raises MissingObject for bytes that no variable can hold."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise MissingObject(f"the {kind}'s key {key} is no variable: its value is not UTF-8 without NUL; mount it")
    return text


def _references(origin: Manifest) -> Iterable[tuple[str, Manifest]]:
    for field, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
        for suffix in ("Ref", "KeyRef"):
            if reference := origin.get(field + suffix):
                yield kind, reference


def _object(objects: Objects, kind: str, reference: Manifest) -> Mapping[str, bytes] | None:
    contents = objects.get((kind, reference["name"]))
    if contents is None and not reference.get("optional"):
        raise MissingObject(f"{kind} {reference['name']} is in none of the files")
    return contents


def _field(path: str, pod: Manifest) -> str | None:
    """Return a downward API field; None, so that the variable is left out, for a field that only a node knows."""
    metadata = pod["metadata"]
    if keyed := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
        value: str = metadata.get(keyed[1], {}).get(keyed[2], "")
        return value
    known = {"metadata.name": metadata["name"], "metadata.namespace": metadata["namespace"]}
    return (known | {"status.podIP": "127.0.0.1", "status.hostIP": "127.0.0.1"}).get(path)
