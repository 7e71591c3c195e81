"""
The Secrets and ConfigMaps that a Function references: their list, the missing ones, and a version of their data.
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
from hooks.manifest import Manifest, as_mapping, as_text, value_at
from hooks.protocol import HookRequest

_KIND_BY_FIELD = {
    "secretKeyRef": "Secret",
    "secretRef": "Secret",
    "configMapKeyRef": "ConfigMap",
    "configMapRef": "ConfigMap",
}
_VERSION = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A Secret or ConfigMap that `field` references; `key` is the key in use, "" for all keys."""

    kind: str
    name: str
    field: str
    key: str = ""
    optional: bool = False


def references(spec: FunctionSpec) -> Iterator[Reference]:
    """Yield every reference to a Secret or ConfigMap in the spec, duplicates included."""
    for index, entry in enumerate(spec.env or ()):
        yield from _env_references(f"spec.env[{index}].valueFrom", entry.get("valueFrom") or {})
    for index, source in enumerate(spec.env_from or ()):
        yield from _env_references(f"spec.envFrom[{index}]", source)
    for index, secret in enumerate(spec.secret_mounts or ()):
        yield Reference(kind="Secret", field=f"spec.secretMounts[{index}].secretName", name=secret.secret_name)
    for index, config_map in enumerate(spec.config_map_mounts or ()):
        field = f"spec.configMapMounts[{index}].configMapName"
        yield Reference(kind="ConfigMap", field=field, name=config_map.config_map_name)


def _env_references(field: str, entry: Mapping[str, Any]) -> Iterator[Reference]:
    for name, kind in _KIND_BY_FIELD.items():
        if reference := entry.get(name):
            yield Reference(
                kind=kind,
                name=reference.get("name", ""),
                field=f"{field}.{name}",
                key=reference.get("key", ""),
                optional=bool(reference.get("optional")),
            )


def missing(function: Function, request: HookRequest, config: Config) -> list[str]:
    """Return a message for each missing object or key that is not optional; none unless related.configs is set."""
    if not config.related.configs:
        return []
    problems = []
    for reference in references(function.spec):
        found = request.related.get((reference.kind, reference.name))
        if found is None:
            problem = f"{reference.field}: {reference.kind} {reference.name} does not exist"
        elif reference.key and reference.key not in _data(found):
            problem = f"{reference.field}: {reference.kind} {reference.name} has no key {reference.key}"
        else:
            continue
        problems += [] if reference.optional else [problem]
    return problems


def referenced_data_version(function: Function, request: HookRequest, config: Config, absent: list[str]) -> str:
    """
    Return a text that changes with the data that the Function uses; other keys of the same objects do not count.

    It is "" without references or without related.configs. While something is `absent` (see missing()) the live version
    is kept: new pods could not start.
    """
    used = {(each.kind, each.name, each.key) for each in references(function.spec)} if config.related.configs else set()
    if not used:
        return ""
    if absent and (deployment := request.child("Deployment")):
        return _live_version(deployment)
    data = [(*each, _used_data(request.related.get(each[:2]), each[2])) for each in sorted(used)]
    digest = sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).digest()
    return _slow_digest(digest, function.metadata.uid)


def _used_data(found: Manifest | None, key: str) -> Manifest | None:
    """Return the data of one key, None if it is missing; all data for key ""."""
    data = _data(found) if found else {}
    return {key: data[key]} if key in data else None if key else data


def _data(found: Manifest) -> Manifest:
    """Return the data of a Secret or ConfigMap, by key."""
    parts = (found.get("binaryData"), found.get("data"))
    items = [item for part in parts for item in as_mapping(part).items()]
    return {key: value for key, value in items if isinstance(value, str)}


@lru_cache(maxsize=8192)
def _slow_digest(digest: bytes, uid: str) -> str:
    """
    Return 16 hexadecimal digits for a digest of data, salted with the Function's UID.

    More users can read the pod template than the Secret. Slow hashing and the salt make it expensive to guess the
    Secret from these digits: each guess takes milliseconds and applies to one Function only.
    """
    return pbkdf2_hmac("sha256", digest, uid.encode(), 10_000, 8).hex()


def _live_version(deployment: Manifest) -> str:
    """Return the version in the live pod template, "" if there is none."""
    version = as_text(value_at(deployment, "spec", "template", "metadata", "annotations", naming.CONFIGS_VERSION))
    return version if _VERSION.fullmatch(version) else ""
