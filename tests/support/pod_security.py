"""
Pod Security Standards, profile "restricted", for pods of Linux nodes, ported from their documentation.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Iterator
from typing import Any

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP = {"RuntimeDefault", "Localhost"}
SYSCTLS = {
    "kernel.shm_rmid_forced",
    *(f"net.ipv4.{name}" for name in ("ip_local_port_range", "ip_local_reserved_ports", "ip_unprivileged_port_start")),
    *(f"net.ipv4.{name}" for name in ("ping_group_range", "tcp_syncookies", "tcp_fin_timeout")),
    *(f"net.ipv4.tcp_keepalive_{name}" for name in ("time", "intvl", "probes")),
}
SELINUX = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}

Manifest = dict[str, Any]


def of_template(template: Manifest) -> Iterator[str]:
    """Yield the violations of a pod template: of its spec, and of annotations that set fields of the spec."""
    yield from faults(template["spec"])
    for key, value in template["metadata"].get("annotations", {}).items():
        if key.startswith(APPARMOR) and value not in ("", "runtime/default") and not value.startswith("localhost/"):
            yield f"annotation {key}"


def faults(pod: Manifest) -> Iterator[str]:
    """Yield the violations for which a namespace that enforces "restricted" rejects this pod spec."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield key
    for volume in pod.get("volumes", []):
        if not set(volume) - {"name"} <= VOLUMES:
            yield f"volume {volume['name']}"
    context = pod.get("securityContext", {})
    names = [sysctl["name"] for sysctl in context.get("sysctls", [])]
    yield from (f"sysctl {name}" for name in names if name not in SYSCTLS)
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
    if "ALL" not in own.get("capabilities", {}).get("drop", []):
        yield "capabilities.drop"
    if not set(own.get("capabilities", {}).get("add", [])) <= {"NET_BIND_SERVICE"}:
        yield "capabilities.add"
    if merged.get("runAsNonRoot") is not True or merged.get("runAsUser") == 0:
        yield "runAsNonRoot"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "hostPort"
    yield from _of_profiles(own, pod)


def _of_profiles(own: Manifest, pod: Manifest) -> Iterator[str]:
    merged = pod | own
    if merged.get("seccompProfile", {}).get("type") not in SECCOMP:
        yield "seccompProfile"
    if merged.get("appArmorProfile", {"type": "RuntimeDefault"})["type"] not in SECCOMP:
        yield "appArmorProfile"
    if merged.get("windowsOptions", {}).get("hostProcess"):
        yield "hostProcess"
    for options in (context.get("seLinuxOptions", {}) for context in (own, pod)):
        if options.get("user") or options.get("role") or options.get("type", "") not in SELINUX:
            yield "seLinuxOptions"
