"""API servers of other projects, as processes on this machine that the cluster's API server aggregates."""

import socket

from support.cluster.control_plane import ControlPlane, Manifest, wait_until

NAMESPACE = "kube-system"
AUTHENTICATION = f"/api/v1/namespaces/{NAMESPACE}/configmaps/extension-apiserver-authentication"
API_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"


def missing(plane: ControlPlane) -> str | None:
    """Return why the cluster cannot aggregate APIs, None if it can."""
    found = plane.call("GET", AUTHENTICATION)[1].get("data", {})
    if "requestheader-client-ca-file" not in found:
        return "the API server has no --requestheader-client-ca-file, so it cannot aggregate APIs"
    return None


def node_address(plane: ControlPlane) -> str:
    """Return the address of the only node, which is this machine."""
    (node,) = plane.call("GET", "/api/v1/nodes")[1]["items"]
    (address,) = (each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP")
    return str(address)


def add(plane: ControlPlane, name: str, group: str, port: int) -> None:
    """Make the API server forward v1beta1 of a group to a port of this machine; return once that is available."""
    wait_until(lambda: _accepts(port), f"{name} to listen", 60)
    for manifest in _manifests(name, group, node_address(plane), port):
        plane.kubectl("apply", "-f", "-", stdin=manifest)
    wait_until(lambda: _is_available(plane, group), f"{group} to be available", 60)


def remove(plane: ControlPlane, name: str, group: str) -> None:
    plane.kubectl("delete", "apiservice", f"v1beta1.{group}", "--ignore-not-found")
    for kind in ("service", "endpointslice"):
        plane.kubectl("delete", kind, name, "-n", NAMESPACE, "--ignore-not-found")


def _manifests(name: str, group: str, address: str, port: int) -> list[Manifest]:
    """Return a Service without selector, its endpoint and the APIService."""
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {"kubernetes.io/service-name": name}}
    endpoint = {"addresses": [address], "conditions": {"ready": True}}
    spec = {
        "group": group,
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": {"name": name, "namespace": NAMESPACE, "port": 443},
    }
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
        | {"spec": {"ports": [{"name": "https", "port": 443, "targetPort": port}]}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata}
        | {"addressType": "IPv4", "endpoints": [endpoint], "ports": [{"name": "https", "port": port}]},
        {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService"}
        | {"metadata": {"name": f"v1beta1.{group}"}, "spec": spec},
    ]


def _accepts(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=2):
        return True


def _is_available(plane: ControlPlane, group: str) -> bool:
    conditions = plane.call("GET", f"{API_SERVICES}/v1beta1.{group}")[1]["status"]["conditions"]
    return any((each["type"], each["status"]) == ("Available", "True") for each in conditions)
