"""
Kyma's serverless controller, simulated: its effect on Functions and their children.

Written from its source at commit 779485d.
"""

from itertools import starmap
from typing import Any

from support.cluster.control_plane import Manifest, wait_until
from support.cluster.kyma_children import deployment, selector, service
from support.cluster.kyma_module import CRD, MANAGER, MODULE_CRD, SYSTEM, crd, objects
from support.cluster.kyma_pod import COMMIT, is_from_git, size
from support.cluster.kyma_system import Kyma, is_ready


class Simulator(Kyma):
    """Kyma without its programs; the controller reconciles on interfere() and settle() only."""

    def install(self) -> None:
        self.plane.kubectl("create", "namespace", SYSTEM)
        self.apply(*objects())
        for name in (CRD, MODULE_CRD):
            self.stack.wait_until_established(name)
        module = {"apiVersion": "operator.kyma-project.io/v1alpha1", "kind": "Serverless"}
        metadata = {
            "name": "default",
            "namespace": SYSTEM,
            "finalizers": ["serverless-operator.kyma-project.io/deletion"],
        }
        self.plane.kubectl("create", "-f", "-", stdin=module | {"metadata": metadata})

    def settle(self, functions: list[tuple[str, str]]) -> None:
        assert self.is_running()
        self.apply(crd())
        wait_until(lambda: all(list(starmap(self.reconcile, functions))), "Kyma to have settled", 60)

    def apply(self, *wanted: Manifest) -> None:
        """Apply objects as Kyma's operator does."""
        items = {"apiVersion": "v1", "kind": "List", "items": wanted}
        manager = f"--field-manager={MANAGER}"
        self.plane.kubectl("apply", "--server-side", "--force-conflicts", manager, "-f", "-", stdin=items)

    def interfere(self, namespace: str, name: str) -> None:
        self.reconcile(namespace, name)

    def reconcile(self, namespace: str, name: str) -> bool:
        """Reconcile a Function once; return whether nothing was left to do."""
        function = self.stack.get("functions", namespace, name)
        assert function is not None
        found = self.deployments(function)
        if len(found) > 1:
            all_of_them = f"/apis/apps/v1/namespaces/{namespace}/deployments?labelSelector={selector(function)}"
            options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
            self.plane.call("DELETE", all_of_them, options)
            return False
        wanted = deployment(function)
        if not found:
            self.create("/apis/apps/v1", "deployments", namespace, wanted)
            return False
        if self.update(found[0], wanted) or self.update_service(function):
            return False
        self.report(function, found[0])
        return is_ready(found[0])

    def update(self, live: Manifest, wanted: Manifest) -> bool:
        """Restore template and replicas, nothing else; return whether that was needed."""
        template, found = wanted["spec"]["template"], live["spec"]["template"]
        # Those that another component has added stay.
        template["metadata"]["annotations"] = (
            found["metadata"].get("annotations", {}) | template["metadata"]["annotations"]
        )
        if compared(live) == compared(wanted):
            return False
        live["spec"] |= {key: wanted["spec"][key] for key in ("template", "replicas")}
        self.put("/apis/apps/v1", "deployments", live)
        return True

    def update_service(self, function: Manifest) -> bool:
        """Restore ports, selector, type and labels; return whether that was needed."""
        namespace, wanted = function["metadata"]["namespace"], service(function)
        live = self.stack.get("services", namespace, function["metadata"]["name"])
        if live is None:
            self.create("/api/v1", "services", namespace, wanted)
            return True
        labels = wanted["metadata"]["labels"]
        if (live["metadata"]["labels"], live["spec"]["selector"]) == (labels, wanted["spec"]["selector"]):
            return False
        live["metadata"]["labels"] = labels
        live["spec"] |= wanted["spec"]
        self.put("/api/v1", "services", live)
        return True

    def put(self, prefix: str, resource: str, body: Manifest) -> None:
        path = f"{prefix}/namespaces/{body['metadata']['namespace']}/{resource}/{body['metadata']['name']}"
        code, answer = self.plane.call("PUT", path, body)
        assert code == 200, answer

    def report(self, function: Manifest, live: Manifest) -> None:
        """Write the status of a Function whose Deployment is ready, as Kyma does."""
        if is_ready(live):
            metadata, new = function["metadata"], {"status": status(function, live)}
            self.stack.patch("functions", metadata["namespace"], metadata["name"], new, status=True)


def status(function: Manifest, live: Manifest) -> Manifest:
    """Return the status of a Function whose Deployment is ready."""
    since, name = live["metadata"]["creationTimestamp"], live["metadata"]["name"]
    true_conditions = [
        ("ConfigurationReady", "FunctionSpecValidated", "Function configured"),
        ("Running", "DeploymentReady", f"Deployment {name} is ready"),
    ]
    kept = function.get("status", {}).get("conditions", [])
    copied = {"functionAnnotations": function["spec"]["annotations"]} if "annotations" in function["spec"] else {}
    return {
        **copied,
        **of_git(function),
        "observedGeneration": function["metadata"]["generation"],
        "runtime": function["spec"]["runtime"],
        "runtimeImage": main_container(live)["image"],
        "replicas": live["status"]["replicas"],
        "podSelector": selector(function, resource=True),
        "functionResourceProfile": size(function)[0],
        "containerSecurityContext": main_container(live)["securityContext"],
        "podSecurityContext": live["spec"]["template"]["spec"]["securityContext"],
        "conditions": [
            *(each for each in kept if each["type"] not in ("ConfigurationReady", "Running")),
            *(
                {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": since}
                for kind, reason, message in true_conditions
            ),
        ],
    }


def of_git(function: Manifest) -> Manifest:
    """Return the part of the status that a Function from Git has; some of it twice."""
    if not is_from_git(function):
        return {}
    source = function["spec"]["source"]["gitRepository"]
    found = {"baseDir": source["baseDir"], "reference": source["reference"], "commit": COMMIT}
    return found | {"gitRepository": found | {"url": source["url"]}}


def compared(deployment: Manifest) -> list[Any]:
    """Return the parts of a Deployment that the controller compares."""
    template, container = deployment["spec"]["template"], main_container(deployment)
    names = ("image", "workingDir", "command", "resources", "env", "volumeMounts", "ports", "securityContext")
    return [
        deployment["spec"]["replicas"],
        *(template["metadata"][key] for key in ("labels", "annotations")),
        template["spec"]["securityContext"],
        *(container.get(name) for name in names),
        *(
            [each.get(name) for name in ("image", "workingDir", "command", "env", "volumeMounts")]
            for each in template["spec"].get("initContainers", ())
        ),
    ]


def main_container(deployment: Manifest) -> Any:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container
