"""
Which related objects Metacontroller sends with a sync: a Function's pods and, where the operator wants it, the Secrets
and ConfigMaps that the Function names.

Metacontroller keeps the rules for each UID and generation: they may depend on nothing but the spec and the config.
Source: Metacontroller's customize hook, release 4.17.
"""

from math import ceil

from hooks import naming
from hooks.config import Config
from hooks.function import Function, FunctionSpec
from hooks.manifest import Manifest
from hooks.references import references
from hooks.rules.size import encoded_bytes

PODS_BYTES = 2 * 1024 * 1024
"""The most that all pods of a Function may weigh; above it none is requested, and the status has no pod's reason."""
POD_BYTES = 16 * 1024
"""Size of a pod beside its Function's source."""


def related_rules(function: Function, config: Config) -> list[Manifest]:
    """Return the customize hook's `relatedResources` for this Function."""
    wanted: list[Manifest] = []
    namespace = function.metadata.namespace
    if config.related.pods and _estimated_pod_bytes(function.spec) <= PODS_BYTES:
        selector = {"matchLabels": naming.of_uid(function.metadata.uid)}
        wanted.append({"apiVersion": "v1", "resource": "pods", "namespace": namespace, "labelSelector": selector})
    if config.related.configs:
        for kind, resource in (("ConfigMap", "configmaps"), ("Secret", "secrets")):
            if names := sorted({each.name for each in references(function.spec) if each.kind == kind}):
                wanted.append({"apiVersion": "v1", "resource": resource, "namespace": namespace, "names": names})
    return wanted


def _estimated_pod_bytes(spec: FunctionSpec) -> int:
    inline, scale = spec.source.inline, spec.scale_config
    source = encoded_bytes([inline.source, inline.dependencies]) if inline else 0
    replicas = max(spec.replicas, scale.max_replicas if scale else 0)
    return (ceil(replicas * 1.25) + 1) * (source + POD_BYTES)
