"""The HorizontalPodAutoscaler. It changes the Deployment's replicas, and resolve.py keeps the number that it set."""

from collections.abc import Iterator

from hooks import naming
from hooks.manifest import Manifest
from hooks.resolved import ResolvedFunction


def build(function: ResolvedFunction) -> Iterator[Manifest]:
    """Yield the autoscaler if the Function is autoscaled."""
    if autoscaling := function.scaling.autoscaling:
        metrics = [_utilization("cpu", autoscaling.cpu)]
        if autoscaling.memory:
            metrics.append(_utilization("memory", autoscaling.memory))
        yield {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": naming.child_metadata(function.identity),
            "spec": {
                "scaleTargetRef": naming.deployment_reference(function.identity),
                "minReplicas": autoscaling.min_replicas,
                "maxReplicas": autoscaling.max_replicas,
                "metrics": metrics,
            },
        }


def _utilization(resource: str, percent: int) -> Manifest:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": resource, "target": target}}
