"""Draw what the hook answered for a Function: its conditions, and its children with what matters about each."""

from collections.abc import Iterator
from typing import Any

from hooks.manifest import Manifest


def lines(title: str, answer: dict[str, Any]) -> Iterator[str]:
    """Yield the tree of one answer, line by line."""
    conditions = [_condition(condition) for condition in answer["status"].get("conditions", [])]
    children = [f"{child['kind']} {child['metadata']['name']}: {_facts(child)}" for child in answer["children"]]
    yield title
    yield from _branch("status", conditions, last=False)
    yield from _branch("children", children, last=True)


def _branch(name: str, leaves: list[str], *, last: bool) -> Iterator[str]:
    yield f"{'└' if last else '├'}─ {name}"
    for number, leaf in enumerate(leaves, start=1):
        yield f"{' ' if last else '│'}  {'└' if number == len(leaves) else '├'}─ {leaf}"


def _condition(condition: dict[str, Any]) -> str:
    return f"{condition['type']} {condition['status']}: {condition['reason']}: {condition['message']}"


def _facts(child: Manifest) -> str:
    facts = {
        "Deployment": _deployment,
        "Service": _service,
        "ServiceAccount": _service_account,
        "HorizontalPodAutoscaler": _autoscaler,
    }
    return ", ".join(facts[child["kind"]](child)) if child["kind"] in facts else "-"


def _deployment(child: Manifest) -> Iterator[str]:
    pod = child["spec"]["template"]["spec"]
    main = pod["containers"][0]
    yield f"{child['spec']['replicas']} x {main['image']}"
    for name in ("cpu", "memory"):
        resources = main["resources"]
        yield f"{name} {resources['requests'].get(name, 'any')} to {resources['limits'].get(name, 'any')}"
    yield from (f"first {step['name']}" for step in pod.get("initContainers", []))


def _service(child: Manifest) -> Iterator[str]:
    yield from (f"port {port['port']} to {port['targetPort']}" for port in child["spec"]["ports"])


def _service_account(child: Manifest) -> Iterator[str]:
    yield "API token mounted" if child.get("automountServiceAccountToken", True) else "no API token"


def _autoscaler(child: Manifest) -> Iterator[str]:
    spec = child["spec"]
    yield f"{spec['minReplicas']} to {spec['maxReplicas']} replicas"
    for metric in spec["metrics"]:
        resource = metric["resource"]
        yield f"{resource['name']} at {resource['target']['averageUtilization']} %"
