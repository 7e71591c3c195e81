"""
The Secrets and ConfigMaps that a Function names: which there are, which are missing, and a version of their data.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import pbkdf2_hmac, sha256
from typing import Any

import orjson

from hooks import naming
from hooks.config import Config
from hooks.function import Function, FunctionSpec
from hooks.manifest import Manifest, at, mapping, text
from hooks.protocol import HookRequest

_REFERENCES = {
    "secretKeyRef": "Secret",
    "secretRef": "Secret",
    "configMapKeyRef": "ConfigMap",
    "configMapRef": "ConfigMap",
}
_VERSION = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A Secret or ConfigMap that `field` names; `key` is the one that is used, "" where all are."""

    kind: str
    name: str
    field: str
    key: str = ""
    optional: bool = False


def references(spec: FunctionSpec) -> Iterator[Reference]:
    """Yield every Secret and ConfigMap that the Function names, as often as it does."""
    for index, entry in enumerate(spec.env or ()):
        yield from _references(f"spec.env[{index}].valueFrom", entry.get("valueFrom") or {})
    for index, source in enumerate(spec.env_from or ()):
        yield from _references(f"spec.envFrom[{index}]", source)
    for index, secret in enumerate(spec.secret_mounts or ()):
        yield Reference(kind="Secret", field=f"spec.secretMounts[{index}].secretName", name=secret.secret_name)
    for index, config_map in enumerate(spec.config_map_mounts or ()):
        field = f"spec.configMapMounts[{index}].configMapName"
        yield Reference(kind="ConfigMap", field=field, name=config_map.config_map_name)


def _references(field: str, entry: Mapping[str, Any]) -> Iterator[Reference]:
    for reference, kind in _REFERENCES.items():
        if found := entry.get(reference):
            name, key, optional = found.get("name", ""), found.get("key", ""), bool(found.get("optional"))
            yield Reference(kind=kind, name=name, field=f"{field}.{reference}", key=key, optional=optional)


def missing(function: Function, request: HookRequest, config: Config) -> list[str]:
    """Return what the Function names and is not there, each with its field; nothing unless configs are sent along."""
    if not config.related.configs:
        return []
    problems = []
    for each in references(function.spec):
        found = request.related.get((each.kind, each.name))
        if found is None:
            problem = f"{each.field}: {each.kind} {each.name} does not exist"
        elif each.key and each.key not in _contents(found):
            problem = f"{each.field}: {each.kind} {each.name} has no key {each.key}"
        else:
            continue
        problems += [] if each.optional else [problem]
    return problems


def referenced_data_version(function: Function, request: HookRequest, config: Config, absent: list[str]) -> str:
    """
    Return a text that changes when data that the Function uses does: the keys that it names, or all of an object.

    "" where there is none, or none is sent along. While one is `absent` (see missing()) the version stays as it is:
    new pods could not start without it.
    """
    used = {(each.kind, each.name, each.key) for each in references(function.spec)} if config.related.configs else set()
    if not used:
        return ""
    if absent and (deployment := request.child("Deployment")):
        return _version_of(deployment)
    data = [(*each, _used(request.related.get(each[:2]), each[2])) for each in sorted(used)]
    digest = sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).digest()
    return _slow_digest(digest, function.metadata.uid)


def _used(found: Manifest | None, key: str) -> Manifest | None:
    """Return the data of an object that counts: one key, or all; None where there is none."""
    contents = _contents(found) if found else {}
    return {key: contents[key]} if key in contents else None if key else contents


def _contents(found: Manifest) -> Manifest:
    """Return what a Secret or ConfigMap holds, by key."""
    parts = (found.get("binaryData"), found.get("data"))
    items = [item for part in parts for item in mapping(part).items()]
    return {key: value for key, value in items if isinstance(value, str)}


@lru_cache(maxsize=8192)
def _slow_digest(digest: bytes, uid: str) -> str:
    """
    Return 16 hexadecimal digits for a digest of data.

    They stand in the pod template, where more people can read them than the Secret: each guess at what is in the Secret
    has to cost as much as this does, some milliseconds, and is worth nothing for another Function.
    """
    return pbkdf2_hmac("sha256", digest, uid.encode(), 10_000, 8).hex()


def _version_of(deployment: Manifest) -> str:
    """Return the version in a live pod template, "" where there is none."""
    version = text(at(deployment, "spec", "template", "metadata", "annotations", naming.CONFIGS_VERSION))
    return version if _VERSION.fullmatch(version) else ""
