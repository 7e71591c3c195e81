"""Kyma in a cluster: what its simulator and its own programs have in common."""

from support.cluster.control_plane import Manifest
from support.cluster.kyma_children import internal_labels
from support.cluster.kyma_module import CONTROLLER, OPERATOR, SYSTEM
from support.cluster.stack import Stack


class Kyma:
    """Kyma's serverless module, whose two Deployments in `kyma-system` say whether its programs run."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.plane = stack, stack.plane

    def install(self) -> None:
        """Install the module, and return once its CRD is served."""
        raise NotImplementedError

    def follow_replicas(self) -> None:
        """Start and stop the programs as the replicas of their Deployments say, as a kubelet does."""

    def settle(self, functions: list[tuple[str, str]]) -> None:
        """Return once the CRD is Kyma's, and its controller has nothing left to do for these Functions."""
        raise NotImplementedError

    def interfere(self, namespace: str, name: str) -> None:
        """Reconcile a Function although the module's Deployments do not say so."""
        raise NotImplementedError

    def stop(self) -> None:
        """End every program."""

    def is_running(self) -> bool:
        """Return whether operator or controller has replicas: a running operator starts the controller."""
        return any(map(self.replicas, (OPERATOR, CONTROLLER)))

    def replicas(self, name: str) -> int:
        """Return the replicas of one of the module's Deployments, 0 if it does not exist."""
        found = self.stack.get("deployments", SYSTEM, name)
        return int(found["spec"]["replicas"]) if found else 0

    def deployments(self, function: Manifest) -> list[Manifest]:
        """Return the Function's Deployments, which Kyma finds by three labels, not by name or owner."""
        own, namespace = internal_labels(function).items(), function["metadata"]["namespace"]
        return [each for each in self.stack.list("deployments", namespace) if own <= each["metadata"]["labels"].items()]

    def create(self, prefix: str, resource: str, namespace: str, body: Manifest) -> None:
        code, answer = self.plane.call("POST", f"{prefix}/namespaces/{namespace}/{resource}", body)
        assert code == 201, answer


def is_ready(deployment: Manifest) -> bool:
    """Return whether a Deployment is ready for Kyma, which ignores observedGeneration."""
    conditions = {each["type"]: each for each in deployment.get("status", {}).get("conditions", ())}
    available, progressing = conditions.get("Available", {}), conditions.get("Progressing", {})
    return (available.get("status"), progressing.get("reason")) == ("True", "NewReplicaSetAvailable")
