"""
A user with the ClusterRole `edit` in one namespace cannot make Metacontroller write any other object.

The user writes last-applied records onto children and creates objects that look like children, of Functions that are
frozen, valid and being deleted. Metacontroller has the permissions of the docs and writes only the four children.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from support import forged_records
from support.cluster.control_plane import WRITES, wait_until
from support.cluster.functions import function, wait_until_ready
from support.cluster.stack import GROUP, KINDS, PREFIX, ROOT, Stack, own_stack

from hooks.children import KINDS as CHILDREN
from hooks.records import LAST_APPLIED

pytestmark = pytest.mark.own_stack

Manifest = dict[str, Any]

NAMESPACE, SECONDS = "tenant", 60
USER, ROLE = "bound", "metacontroller"
SCALED: Manifest = {"scaleConfig": {"minReplicas": 1, "maxReplicas": 3}}
BROKEN: Manifest = {"source": {"inline": {"dependencies": "--nope\n"}}}
KIND = {kind.resource: (kind.name, kind.api_version) for kind in CHILDREN.values()}


@dataclass(frozen=True)
class Tenant:
    """The requests of the user `mallory`."""

    stack: Stack

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

    def imitate(self, resource: str, owner: Manifest, name: str) -> None:
        """Create an object without an owner, with a record and the label by which Metacontroller adopts children."""
        labels = {"controller-uid": owner["metadata"]["uid"]}
        annotations = {LAST_APPLIED: json.dumps(forged_records.PRIVILEGED)}
        metadata = {"name": name, "labels": labels, "annotations": annotations}
        code, answer = self.call("POST", self.path(resource), BODIES[resource] | {"metadata": metadata})
        assert code in (201, 409), answer

    def create(self, name: str) -> None:
        """Create a Function and wait until its children exist."""
        code, answer = self.call("POST", f"{GROUP}/namespaces/{NAMESPACE}/functions", function(name, **SCALED))
        assert code == 201, answer
        wait_until(lambda: all(self.stack.get(kind, NAMESPACE, name) for kind in KINDS), f"the children of {name}")

    def delete(self, name: str) -> None:
        code, answer = self.call("DELETE", f"{GROUP}/namespaces/{NAMESPACE}/functions/{name}")
        assert code == 200, answer

    def children(self) -> list[str]:
        """Return every object of the children's kinds in the namespace."""
        return [f"{kind} {child['metadata']['name']}" for kind in KINDS for child in self.stack.list(kind, NAMESPACE)]

    def delete_orphans(self) -> set[str]:
        """Delete the children without an owner that deleted Functions of the attack left, and return their names."""
        found = [(kind, child["metadata"]) for kind in KINDS for child in self.stack.list(kind, NAMESPACE)]
        left = [(kind, metadata) for kind, metadata in found if metadata["name"].startswith("going-")]
        orphans = [(kind, metadata["name"]) for kind, metadata in left if not metadata.get("ownerReferences")]
        for kind, name in orphans:
            assert self.call("DELETE", self.path(kind, name))[0] in (200, 404)
        return {name for _, name in orphans}

    def reason(self, name: str) -> Any:
        return self.stack.condition(NAMESPACE, name, "Ready").get("reason")

    def specs(self, name: str) -> list[Any]:
        """Return UID and spec of each child."""
        found = [self.stack.get(resource, NAMESPACE, name) or {} for resource in KINDS]
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
            if namespace == NAMESPACE and resource.partition("/")[0] in (*KINDS, "functions") and own:
                continue
            if namespace == NAMESPACE and resource in KINDS and name.startswith("alike-") and event["verb"] != "create":
                continue
            found.append(f"{event['verb']} {what}")
        return found

    def path(self, resource: str, name: str = "") -> str:
        return f"{PREFIX[resource]}/namespaces/{NAMESPACE}/{resource}" + (f"/{name}" if name else "")

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
    "horizontalpodautoscalers": {
        "spec": {"maxReplicas": 1, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}}
    },
}


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """A cluster on which Metacontroller has metacontroller/clusterrole.yaml, and mallory may edit Functions."""
    with own_stack(tmp_path_factory.mktemp("trust")) as stack:
        kubectl = stack.plane.kubectl
        kubectl("create", "namespace", NAMESPACE)
        kubectl("apply", "-f", str(ROOT / "metacontroller" / "clusterrole.yaml"))
        kubectl("create", "clusterrolebinding", "bound", f"--clusterrole={ROLE}", f"--user={USER}")
        stack.install()
        # The chart's aggregated roles add this to Kubernetes' ClusterRole "edit".
        functions = ("--verb=*", "--resource=functions.serverless.kyma-project.io")
        kubectl("create", "role", "functions", *functions, "-n", NAMESPACE)
        kubectl("create", "rolebinding", "edit", "--clusterrole=edit", "--user=mallory", "-n", NAMESPACE)
        kubectl("create", "rolebinding", "functions", "--role=functions", "--user=mallory", "-n", NAMESPACE)
        stack.metacontroller_flags[0] = f"--kubeconfig={stack.plane.kubeconfig(USER)}"
        stack.start_hook()
        stack.start_metacontroller()
        tenant = Tenant(stack)
        for name in ("frozen", "valid"):
            tenant.create(name)
        yield tenant


def test_the_user_lacks_the_permissions(tenant: Tenant) -> None:
    """The API server refuses mallory the objects in the records, so that only Metacontroller could create them."""
    path = "/apis/apps/v1/namespaces/kube-system/deployments"
    assert tenant.call("POST", path, forged_records.PRIVILEGED)[0] == 403
    assert (
        tenant.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", forged_records.BINDING)[0] == 403
    )


def test_records_and_look_alikes_change_nothing_else(tenant: Tenant) -> None:
    """
    For a minute mallory writes every forged record onto every child and creates look-alikes.

    Metacontroller writes only children and Functions. It adopts a look-alike because of its label and deletes it. The
    frozen Function's children keep their specs, and deleted Functions disappear.

    Known limit: a record that names an owner makes Metacontroller remove the owner of a child. If the Function is
    deleted before Metacontroller adopts the child again, the child stays. No other record does that.
    """
    stack, forgeries = tenant.stack, list(forged_records.ALL.values())
    takes_owner = list(forged_records.ALL).index("owners, finalizers and annotations")
    mark, before = stack.plane.mark(), tenant.specs("frozen")
    tenant.edit("frozen", BROKEN)
    wait_until(lambda: tenant.reason("frozen") == "InvalidFunctionSpec", "the Function to be frozen")
    end, rounds = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        name = f"going-{rounds}"
        tenant.create(name)
        for resource in KINDS:
            for each in ("frozen", "valid", name):
                tenant.forge(resource, each, forgeries[rounds % len(forgeries)])
            tenant.imitate(resource, tenant.function("valid") or {}, f"alike-{rounds}")
        tenant.edit("valid", {"labels": {"round": str(rounds)}})
        tenant.delete(name)
        for resource in KINDS:
            tenant.forge(resource, name, forgeries[(rounds + 7) % len(forgeries)])
        tenant.wait_until_deleted(name)
        rounds += 1
    print(f"\n{rounds} rounds, {len(forgeries)} forgeries")
    assert rounds > len(forgeries)
    assert tenant.foreign_writes(mark) == []
    assert tenant.specs("frozen") == before
    assert tenant.reason("frozen") == "InvalidFunctionSpec"
    assert tenant.delete_orphans() <= {f"going-{n}" for n in range(takes_owner, rounds, len(forgeries))}


def test_functions_are_repaired_and_deleted(tenant: Tenant) -> None:
    """Without unreadable records Metacontroller restores changed children, and Functions can be deleted."""
    stack = tenant.stack
    for resource in KINDS:
        for name in ("frozen", "valid"):
            tenant.forge(resource, name, forged_records.text(""))
    tenant.edit("frozen", {"source": {"inline": {"dependencies": None}}})
    for name in ("frozen", "valid"):
        assert tenant.call("DELETE", tenant.path("services", name))[0] == 200
        selector = {"spec": {"selector": {"app": "mallory"}}}
        wait_until_ready(stack, NAMESPACE, name)
        stack.patch("services", NAMESPACE, name, selector)
        wait_until(partial(tenant.has_own_selector, name), "the selector to be restored")
        tenant.delete(name)
        tenant.wait_until_deleted(name)
    wait_until(lambda: tenant.children() == [], "the children to be deleted", 90)


def test_a_foreign_finalizer_keeps_no_function(tenant: Tenant) -> None:
    """A foreign finalizer keeps a child, but not its Function."""
    patch = {"metadata": {"finalizers": ["example.com/stays"]}}
    tenant.create("kept")
    for resource in KINDS:
        code, answer = tenant.call("PATCH", tenant.path(resource, "kept"), patch, kind="application/merge-patch+json")
        assert code == 200, answer
    tenant.delete("kept")
    tenant.wait_until_deleted("kept")
    assert len(tenant.children()) == len(KINDS)
    for resource in KINDS:
        tenant.stack.patch(resource, NAMESPACE, "kept", {"metadata": {"finalizers": None}})
    wait_until(lambda: tenant.children() == [], "the children to be deleted", 90)
