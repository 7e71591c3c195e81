"""The Service: one stable address for the Function, port 80 under the Function's name."""

from collections.abc import Iterator

from hooks import naming
from hooks.manifest import Manifest
from hooks.resolved import ResolvedFunction


def build(function: ResolvedFunction) -> Iterator[Manifest]:
    """Yield the Service. Service meshes read the protocol from the port's name."""
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": naming.child_metadata(function.identity),
        "spec": {
            "type": "ClusterIP",
            "internalTrafficPolicy": "Cluster",
            "selector": naming.selector(function.identity),
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": naming.PORT}],
        },
    }
