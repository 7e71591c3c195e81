"""Metacontroller as a user with exactly the given permissions, and its refused requests."""

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import yaml
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.stack import ROOT, Stack, needed_metacontroller
from support.ports import free_port

Life = Callable[[Stack, str], Iterator[Callable[[], Any]]]
"""Yields, after each step of a Function's life cycle, a function that returns whether the step is over."""
FOLDER = ROOT / "metacontroller"
VALUES = yaml.safe_load((FOLDER / "values.yaml").read_text(encoding="utf-8"))
USER = "bound"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
_numbers = itertools.count(1)


def rules(file: str) -> list[Manifest]:
    """Return the rules of the ClusterRole in a file, split into one resource and one verb each."""
    role = next(yaml.safe_load_all((FOLDER / file).read_text(encoding="utf-8")))
    return [
        rule | {"resources": [resource], "verbs": [verb]}
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def name_of(rule: Manifest) -> str:
    return f"{rule['verbs'][0]} {rule['resources'][0]}"


LEAST, CONFIGS, GIT = rules("clusterrole.yaml"), rules("with-configs.yaml"), rules("with-git.yaml")


class Bound:
    """A control plane and the hook; Metacontroller has the rules of bind() only."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.plane = stack, stack.plane
        self.mark = 0

    def start_hook(self, config: str = "related: {configs: true}") -> None:
        """Restart the hook; by default its customize response names the Secrets and ConfigMaps of Functions."""
        file = self.plane.directory / "config.yaml"
        file.write_text(config)
        self.stack.restart_hook("--config", str(file))

    def bind(self, granted: list[Manifest]) -> None:
        """Give Metacontroller exactly these rules; an extra rule shows when they have taken effect."""
        number = f"/{next(_numbers)}"
        marker = {"nonResourceURLs": [number], "verbs": ["get"]}
        code, answer = self.plane.call(
            "PATCH",
            f"{RBAC}/clusterroles/metacontroller",
            {"rules": [*granted, marker]},
            kind="application/merge-patch+json",
        )
        assert code == 200, answer
        access = {"user": USER, "nonResourceAttributes": {"path": number, "verb": "get"}}
        wait_until(lambda: self._is_allowed(access), "the rules to take effect")
        self.mark = self.plane.mark()

    def _is_allowed(self, access: Manifest) -> bool:
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": access}
        return bool(
            self.plane.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)[1]["status"]["allowed"]
        )

    def start(self, namespace: str, *flags: str, name: str = "metacontroller", **environment: str) -> int:
        """Start a replica of Metacontroller with its lease in this namespace; return the port of its metrics."""
        program, metrics = needed_metacontroller(), free_port()
        own = [
            f"--kubeconfig={self.plane.kubeconfig(USER)}",
            f"--leader-election-namespace={namespace}",
            f"--metrics-address=127.0.0.1:{metrics}",
            f"--health-probe-bind-address=127.0.0.1:{free_port()}",
        ]
        self.stack.processes.start(name, [program, *VALUES["commandArgs"], *own, *flags], **environment)
        return metrics

    def ca_bundle(self, bundle: Manifest | None) -> None:
        """Set the caBundle of the sync webhook in the CompositeController."""
        patch = {"spec": {"hooks": {"sync": {"webhook": {"caBundle": bundle}}}}}
        path = "/apis/metacontroller.k8s.io/v1alpha1/compositecontrollers/function-controller"
        code, answer = self.plane.call("PATCH", path, patch, kind="application/merge-patch+json")
        assert code == 200, answer

    def refused(self) -> set[str]:
        """Return Metacontroller's refused requests since bind(), as "verb resource"."""
        found = set()
        for event, what in self.plane.requests(self.mark, USER):
            if event["responseStatus"]["code"] == 403:
                finalizers = "set finalizers on" in event["responseStatus"].get("message", "")
                found.add("update functions/finalizers" if finalizers else f"{event['verb']} {what.partition(' ')[0]}")
        return found

    def refused_during(self, namespace: str, life: Life) -> set[str]:
        """Run a life cycle until a request is refused; return the refused requests."""
        for step in life(self.stack, namespace):
            wait_until(partial(self._is_over, step), "the next step of the life cycle", 60)
            if found := self.refused():
                return found
        return set()

    def _is_over(self, step: Callable[[], Any]) -> bool:
        return bool(self.refused() or step())
