"""The Service: a Function's one address, port 80 under its own name."""

from collections.abc import Iterator

from hooks import naming
from hooks.manifest import Manifest
from hooks.resolve import ResolvedFunction


def build(function: ResolvedFunction) -> Iterator[Manifest]:
    """Yield the Service; the port's name tells service meshes the protocol."""
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": naming.child(function),
        "spec": {
            "type": "ClusterIP",
            "internalTrafficPolicy": "Cluster",
            "selector": naming.selector(function),
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}],
        },
    }


def summary(child: Manifest) -> Iterator[str]:
    """Yield each port."""
    yield from (f"port {port['port']} to {port['targetPort']}" for port in child["spec"]["ports"])
