"""The HorizontalPodAutoscaler: it moves the Deployment's replicas, and resolve.py echoes what it set."""

from collections.abc import Iterator

from hooks import naming
from hooks.manifest import Manifest
from hooks.resolve import ResolvedFunction


def build(function: ResolvedFunction) -> Iterator[Manifest]:
    """Yield the autoscaler if the Function asks to scale, else nothing."""
    if scale := function.scale:
        metrics = [_utilization("cpu", scale.cpu)]
        if scale.memory:
            metrics.append(_utilization("memory", scale.memory))
        yield {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": naming.child(function),
            "spec": {
                "scaleTargetRef": naming.deployment_reference(function),
                "minReplicas": scale.min_replicas,
                "maxReplicas": scale.max_replicas,
                "metrics": metrics,
            },
        }


def summary(child: Manifest) -> Iterator[str]:
    """Yield the bounds and each target."""
    spec = child["spec"]
    yield f"{spec['minReplicas']} to {spec['maxReplicas']} replicas"
    for metric in spec["metrics"]:
        resource = metric["resource"]
        yield f"{resource['name']} at {resource['target']['averageUtilization']} %"


def _utilization(resource: str, percent: int) -> Manifest:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": resource, "target": target}}
