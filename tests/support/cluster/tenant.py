"""A user with the ClusterRole `edit` in one namespace, who attacks Functions and their children there."""

import json
import re
from dataclasses import dataclass
from typing import Any

from support import forged_records, source_controller
from support.cluster.control_plane import WRITES, Manifest, wait_until
from support.cluster.functions import function
from support.cluster.stack import GROUP, KINDS, PREFIX, Stack

from hooks.children import KINDS as CHILDREN
from hooks.records import LAST_APPLIED

NAMESPACE = "tenant"
GIT = "gitrepositories"
REPOSITORY = {"url": "https://git.example/r.git", "baseDir": "/", "reference": "main"}
REQUESTED = {
    "url": REPOSITORY["url"],
    "ref": {"branch": "main"},
    "interval": "1m0s",
    "timeout": "1m0s",
    "ignore": "/.git/",
}
"""The spec that the hook requests for it."""
FIRST, FORGED = f"main@sha1:{'1' * 40}", f"main@sha1:{'f' * 40}"
"""The revision that the model of Flux fetches, and that of the forged artifacts."""
SCALED: Manifest = {"scaleConfig": {"minReplicas": 1, "maxReplicas": 3}}
USER = "bound"
"""Metacontroller's user."""
KIND = {kind.resource: (kind.name, kind.api_version) for kind in CHILDREN.values()}


@dataclass(frozen=True)
class Tenant:
    """
    The requests of the user `mallory`, and what they lead to.

    `resources` are those of the children that the Functions have; with gitrepositories their source is in Git.
    """

    stack: Stack
    resources: tuple[str, ...] = KINDS

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Manifest]:
        """Send one request as mallory, who has the ClusterRole `edit` in one namespace."""
        admin = self.stack.plane.headers
        self.stack.plane.headers = admin | {"Impersonate-User": "mallory"}
        try:
            return self.stack.plane.call(method, path, body, **options)
        finally:
            self.stack.plane.headers = admin

    def forge(self, resource: str, name: str, forgery: forged_records.Forgery) -> None:
        """Write a record onto a child if it exists."""
        child = self.stack.get(resource, NAMESPACE, name)
        if child is None:
            return
        kind, version = KIND[resource]
        text = forgery({"apiVersion": version, "kind": kind} | child)
        patch = {"metadata": {"annotations": {LAST_APPLIED: text}}}
        code, answer = self.call("PATCH", self.path(resource, name), patch, kind="application/merge-patch+json")
        assert code in (200, 404, 409, 422), answer

    def imitate(self, resource: str, name: str, labels: dict[str, str]) -> None:
        """Create an object without an owner, with a record and, if it is a source, with an artifact."""
        annotations = {LAST_APPLIED: json.dumps(forged_records.PRIVILEGED)}
        metadata = {"name": name, "labels": labels, "annotations": annotations}
        kind, version = KIND[resource]
        body = BODIES[resource] | {"apiVersion": version, "kind": kind, "metadata": metadata}
        code, answer = self.call("POST", self.path(resource), body)
        assert code in (201, 409), answer
        if code == 201 and resource == GIT:
            status = source_controller.fetched(answer, FORGED)
            path = f"{self.path(resource, name)}/status"
            code, answer = self.call("PATCH", path, {"status": status}, kind="application/merge-patch+json")
            assert code in (200, 404), answer

    def post(self, name: str) -> None:
        """Create a Function."""
        source = {"source": {"gitRepository": REPOSITORY}} if GIT in self.resources else {}
        body = function(name, **SCALED, **source)
        code, answer = self.call("POST", f"{GROUP}/namespaces/{NAMESPACE}/functions", body)
        assert code == 201, answer

    def create(self, name: str) -> None:
        """Create a Function and wait until its children exist."""
        self.post(name)
        if GIT in self.resources:
            self.fetch(name)
        every = self.resources
        wait_until(lambda: all(self.stack.get(kind, NAMESPACE, name) for kind in every), f"the children of {name}")

    def fetch(self, name: str) -> None:
        """Set the status of a Function's GitRepository, as Flux does."""
        found = wait_until(lambda: self.stack.get(GIT, NAMESPACE, name), f"GitRepository {name}")
        status = source_controller.fetched(found, FIRST)
        self.stack.patch(GIT, NAMESPACE, name, {"status": status}, status=True)

    def revisions(self) -> set[str]:
        """Return the revisions that the Deployments of the namespace request."""
        return set(re.findall(r"main@sha1:[0-9a-f]{40}", json.dumps(self.found("deployments"))))

    def delete(self, name: str) -> None:
        code, answer = self.call("DELETE", f"{GROUP}/namespaces/{NAMESPACE}/functions/{name}")
        assert code == 200, answer

    def children(self, name: str = "") -> list[str]:
        """Return every object of the children's kinds in the namespace, or those with this name."""
        found = [(kind, child["metadata"]["name"]) for kind in self.resources for child in self.found(kind)]
        return [f"{kind} {each}" for kind, each in found if name in ("", each)]

    def found(self, resource: str) -> list[Manifest]:
        return self.stack.list(resource, NAMESPACE)

    def delete_orphans(self) -> set[str]:
        """Delete the children without an owner that deleted Functions of the attack left, and return their names."""
        found = [(kind, child["metadata"]) for kind in self.resources for child in self.found(kind)]
        left = [(kind, metadata) for kind, metadata in found if metadata["name"].startswith("going-")]
        orphans = [(kind, metadata["name"]) for kind, metadata in left if not metadata.get("ownerReferences")]
        for kind, name in orphans:
            assert self.call("DELETE", self.path(kind, name))[0] in (200, 404)
        return {name for _, name in orphans}

    def reason(self, name: str) -> Any:
        return self.stack.condition(NAMESPACE, name, "Ready").get("reason")

    def specs(self, name: str) -> list[Any]:
        """Return UID and spec of each child."""
        found = [self.stack.get(resource, NAMESPACE, name) or {} for resource in self.resources]
        return [(child["metadata"]["uid"], child.get("spec")) for child in found]

    def foreign_writes(self, mark: int) -> list[str]:
        """Return Metacontroller's writes since then that are not to children, Functions or their status."""
        found = []
        for event, what in self.stack.plane.events(mark, USER):
            resource, _, target = what.partition(" ")
            namespace, _, name = target.partition("/")
            if event["verb"] not in WRITES:
                continue
            own = name in ("frozen", "valid") or name.startswith("going-")
            if namespace == NAMESPACE and resource.partition("/")[0] in (*self.resources, "functions") and own:
                continue
            if (
                namespace == NAMESPACE
                and resource in self.resources
                and name.startswith("alike-")
                and event["verb"] != "create"
            ):
                continue
            found.append(f"{event['verb']} {what}")
        return found

    def path(self, resource: str, name: str = "") -> str:
        return f"{PREFIX[resource]}/namespaces/{NAMESPACE}/{resource}" + (f"/{name}" if name else "")

    def is_own(self, resource: str, name: str) -> bool:
        """Return whether a Function controls the child of its name."""
        found, function = self.stack.get(resource, NAMESPACE, name), self.function(name)
        owners = (found or {}).get("metadata", {}).get("ownerReferences", ())
        return bool(function) and [each["uid"] for each in owners] == [(function or {})["metadata"]["uid"]]

    def has_own_selector(self, name: str) -> bool:
        return "app" not in (self.stack.get("services", NAMESPACE, name) or {})["spec"]["selector"]

    def wait_until_deleted(self, name: str) -> None:
        wait_until(lambda: self.function(name) is None, f"{name} to be deleted")

    def function(self, name: str) -> Manifest | None:
        return self.stack.get("functions", NAMESPACE, name)

    def edit(self, name: str, spec: Manifest) -> None:
        path = f"{GROUP}/namespaces/{NAMESPACE}/functions/{name}"
        code, answer = self.call("PATCH", path, {"spec": spec}, kind="application/merge-patch+json")
        assert code == 200, answer


POD = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
BODIES: dict[str, Manifest] = {
    "serviceaccounts": {},
    "services": {"spec": {"ports": [{"port": 1}]}},
    "deployments": {"spec": {"replicas": 0, "selector": {"matchLabels": {"app": "x"}}, "template": POD}},
    GIT: {"spec": REQUESTED},
    "horizontalpodautoscalers": {
        "spec": {"maxReplicas": 1, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}}
    },
}
