"""
Pod Security Standards, profile "restricted", for pods of Linux nodes, ported from their documentation.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Iterator
from typing import Any

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
SECCOMP = {"RuntimeDefault", "Localhost"}

Manifest = dict[str, Any]


def faults(pod: Manifest) -> Iterator[str]:
    """Yield what a namespace that enforces "restricted" would say of this pod spec."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield key
    for volume in pod.get("volumes", []):
        if not set(volume) - {"name"} <= VOLUMES:
            yield f"volume {volume['name']}"
    context = pod.get("securityContext", {})
    if context.get("sysctls"):
        yield "sysctls"
    for container in pod["containers"] + pod.get("initContainers", []):
        for fault in _of_container(container, context):
            yield f"container {container['name']}: {fault}"


def _of_container(container: Manifest, pod: Manifest) -> Iterator[str]:
    own = container.get("securityContext", {})
    merged = pod | own
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if own.get("capabilities", {}).get("drop") != ["ALL"]:
        yield "capabilities.drop"
    if not set(own.get("capabilities", {}).get("add", [])) <= {"NET_BIND_SERVICE"}:
        yield "capabilities.add"
    if merged.get("runAsNonRoot") is not True or merged.get("runAsUser") == 0:
        yield "runAsNonRoot"
    if merged.get("seccompProfile", {}).get("type") not in SECCOMP:
        yield "seccompProfile"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "hostPort"
