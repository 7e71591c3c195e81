"""
The related objects that Metacontroller sends with a sync: the Function's pods (related.pods), the Secrets and
ConfigMaps that it references (related.configs), and the object of Flux in spec.source.sourceRef (git.enabled).

Metacontroller caches the rules by UID and generation, so they may depend only on the spec and the config.
Source: Metacontroller's customize hook, release 4.17.
"""

from math import ceil

from hooks import flux, naming
from hooks.config import Config
from hooks.function import Function, FunctionSpec
from hooks.manifest import Manifest
from hooks.references import references
from hooks.rules.size import encoded_bytes

MAX_TOTAL_POD_BYTES = 2 * 1024 * 1024
"""Limit for the estimated size of all pods of a Function. Above it no pods are requested."""
POD_BYTES_WITHOUT_SOURCE = 16 * 1024


def related_rules(function: Function, config: Config) -> list[Manifest]:
    """Return the customize hook's `relatedResources` for this Function."""
    rules: list[Manifest] = []
    namespace = function.metadata.namespace
    if config.related.pods and _estimated_pod_bytes(function.spec) <= MAX_TOTAL_POD_BYTES:
        selector = {"matchLabels": naming.uid_label(function.metadata.uid)}
        rules.append({"apiVersion": "v1", "resource": "pods", "namespace": namespace, "labelSelector": selector})
    if config.related.configs:
        for kind, resource in (("ConfigMap", "configmaps"), ("Secret", "secrets")):
            if names := sorted({each.name for each in references(function.spec) if each.kind == kind}):
                rules.append({"apiVersion": "v1", "resource": resource, "namespace": namespace, "names": names})
    if (reference := function.spec.source.source_ref) and config.git.enabled:
        head = {"apiVersion": flux.API_VERSION, "resource": flux.RESOURCES[reference.kind]}
        rules.append({**head, "namespace": namespace, "names": [reference.name]})
    return rules


def _estimated_pod_bytes(spec: FunctionSpec) -> int:
    """Return the size of all pods during a rollout, which may add 25 % and one more pod."""
    inline, scale = spec.source.inline, spec.scale_config
    source = encoded_bytes([inline.source, inline.dependencies]) if inline else 0
    replicas = max(spec.replicas, scale.max_replicas if scale else 0)
    return (ceil(replicas * 1.25) + 1) * (source + POD_BYTES_WITHOUT_SOURCE)
