"""
What Metacontroller sends along beside the children: a Function's pods and, where the operator wants it, the Secrets
and ConfigMaps that it names.

Metacontroller keeps the rules for each UID and generation: they may depend on nothing but the spec and the config.
Source: Metacontroller's customize hook, release 4.17.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import pbkdf2_hmac, sha256
from math import ceil
from typing import Any

import orjson

from hooks import meta
from hooks.config import Config
from hooks.function import Function, FunctionSpec
from hooks.manifest import Manifest, at, condition, mapping, mappings, text
from hooks.protocol import SyncRequest
from hooks.rules.size import encoded_bytes

PODS_BYTES = 2 * 1024 * 1024
"""What all pods of a Function may weigh; beyond that none is asked for, and the status has the Deployment's words."""
POD_BYTES = 16 * 1024
"""What a pod weighs beside its Function's source."""

_REFERENCES = {
    "secretKeyRef": "Secret",
    "secretRef": "Secret",
    "configMapKeyRef": "ConfigMap",
    "configMapRef": "ConfigMap",
}
_VERSION = re.compile(r"[0-9a-f]{16}")
_NEWEST = re.compile(r'(?i)replica ?set "([^"]+)"')


@dataclass(frozen=True, kw_only=True)
class Named:
    """A Secret or ConfigMap that `field` names; `key` is the one wanted of it, "" where all are."""

    kind: str
    name: str
    field: str
    key: str = ""
    optional: bool = False


def rules(function: Function, config: Config) -> list[Manifest]:
    """Return the rules for what a sync of this Function is sent."""
    wanted: list[Manifest] = []
    namespace = function.metadata.namespace
    if config.related.pods and _weight(function.spec) <= PODS_BYTES:
        selector = {"matchLabels": meta.of_uid(function.metadata.uid)}
        wanted.append({"apiVersion": "v1", "resource": "pods", "namespace": namespace, "labelSelector": selector})
    if config.related.configs:
        for kind, resource in (("ConfigMap", "configmaps"), ("Secret", "secrets")):
            if names := sorted({each.name for each in named(function.spec) if each.kind == kind}):
                wanted.append({"apiVersion": "v1", "resource": resource, "namespace": namespace, "names": names})
    return wanted


def newest_pods(request: SyncRequest, deployment: Manifest) -> list[Manifest]:
    """Return the pods of the Deployment's newest ReplicaSet, or all while no condition names one."""
    pods = [pod for (kind, _), pod in request.related.items() if kind == "Pod"]
    if not (newest := _NEWEST.search(text(condition(deployment, "Progressing").get("message")))):
        return pods
    return [pod for pod in pods if newest[1] in _owners(pod)]


def _owners(pod: Manifest) -> list[str]:
    return [text(owner.get("name")) for owner in mappings(at(pod, "metadata", "ownerReferences"))]


def named(spec: FunctionSpec) -> Iterator[Named]:
    """Yield every Secret and ConfigMap that the Function names, as often as it does."""
    for index, entry in enumerate(spec.env or ()):
        yield from _references(f"spec.env[{index}].valueFrom", entry.get("valueFrom") or {})
    for index, source in enumerate(spec.env_from or ()):
        yield from _references(f"spec.envFrom[{index}]", source)
    for index, secret in enumerate(spec.secret_mounts or ()):
        yield Named(kind="Secret", field=f"spec.secretMounts[{index}].secretName", name=secret.secret_name)
    for index, config_map in enumerate(spec.config_map_mounts or ()):
        field = f"spec.configMapMounts[{index}].configMapName"
        yield Named(kind="ConfigMap", field=field, name=config_map.config_map_name)


def _references(field: str, entry: Mapping[str, Any]) -> Iterator[Named]:
    for reference, kind in _REFERENCES.items():
        if found := entry.get(reference):
            key, optional = found.get("key", ""), bool(found.get("optional"))
            yield Named(kind=kind, name=found.get("name", ""), field=f"{field}.{reference}", key=key, optional=optional)


def missing(function: Function, request: SyncRequest, config: Config) -> list[str]:
    """Return what the Function names and is not there, each with its field; nothing unless configs are sent along."""
    if not config.related.configs:
        return []
    faults = []
    for each in named(function.spec):
        found = request.related.get((each.kind, each.name))
        if found is None:
            fault = f"{each.field}: {each.kind} {each.name} does not exist"
        elif each.key and each.key not in _contents(found):
            fault = f"{each.field}: {each.kind} {each.name} has no key {each.key}"
        else:
            continue
        faults += [] if each.optional else [fault]
    return faults


def configs_version(function: Function, request: SyncRequest, config: Config, absent: list[str]) -> str:
    """
    Return a text that changes when data that the Function uses does: the keys that it names, or all of an object.

    "" where there is none, or none is sent along. While one is `absent` (see missing()) the version stays as it is:
    new pods could not start without it.
    """
    used = {(each.kind, each.name, each.key) for each in named(function.spec)} if config.related.configs else set()
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
    version = text(at(deployment, "spec", "template", "metadata", "annotations", meta.CONFIGS_VERSION))
    return version if _VERSION.fullmatch(version) else ""


def _weight(spec: FunctionSpec) -> int:
    inline, scale = spec.source.inline, spec.scale_config
    source = encoded_bytes([inline.source, inline.dependencies]) if inline else 0
    replicas = max(spec.replicas, scale.max_replicas if scale else 0)
    return (ceil(replicas * 1.25) + 1) * (source + POD_BYTES)
