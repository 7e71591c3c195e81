"""
What a user with `edit` in one namespace cannot make Metacontroller do, with the rights that the docs ask for.

The user writes records of last-applied configuration onto children, and makes objects that claim to be children: of
Functions that are broken, sound and being deleted. Metacontroller writes nothing outside the four children.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from support import forged_records
from support.cluster.control_plane import WRITES, wait_until
from support.cluster.stack import GROUP, KINDS, PREFIX, ROOT, Stack, own_stack

from hooks.children import KINDS as CHILDREN
from hooks.records import LAST_APPLIED

pytestmark = pytest.mark.own_stack

Manifest = dict[str, Any]

NAMESPACE, SECONDS = "tenant", 60
USER, ROLE = "bound", "metacontroller"
SPEC: Manifest = {
    "runtime": "python312",
    "source": {"inline": {"source": "def main(event, context):\n    return 'hi'\n"}},
    "scaleConfig": {"minReplicas": 1, "maxReplicas": 3},
}
BROKEN: Manifest = {"source": {"inline": SPEC["source"]["inline"] | {"dependencies": "--nope\n"}}}
KIND = {kind.resource: (kind.name, kind.api_version) for kind in CHILDREN.values()}


@dataclass(frozen=True)
class Tenant:
    """The cluster as the user `mallory` finds it."""

    stack: Stack

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Manifest]:
        """Make one request as mallory, who has the ClusterRole `edit` in one namespace."""
        admin = self.stack.plane.headers
        self.stack.plane.headers = admin | {"Impersonate-User": "mallory"}
        try:
            return self.stack.plane.call(method, path, body, **options)
        finally:
            self.stack.plane.headers = admin

    def forge(self, resource: str, name: str, forgery: forged_records.Forgery) -> None:
        """Write a record onto a child, if it is there."""
        child = self.stack.get(resource, NAMESPACE, name)
        if child is None:
            return
        kind, version = KIND[resource]
        text = forgery({"apiVersion": version, "kind": kind} | child)
        patch = {"metadata": {"annotations": {LAST_APPLIED: text}}}
        code, answer = self.call("PATCH", self.path(resource, name), patch, kind="application/merge-patch+json")
        assert code in (200, 404, 409, 422), answer

    def imitate(self, resource: str, owner: Manifest, name: str) -> None:
        """Make an object without an owner whose label makes Metacontroller adopt it, with a record of its own."""
        labels = {"controller-uid": owner["metadata"]["uid"]}
        annotations = {LAST_APPLIED: json.dumps(forged_records.PRIVILEGED)}
        metadata = {"name": name, "labels": labels, "annotations": annotations}
        code, answer = self.call("POST", self.path(resource), BODIES[resource] | {"metadata": metadata})
        assert code in (201, 409), answer

    def create(self, name: str) -> None:
        """Make a Function and wait until its children are there."""
        head = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": {"name": name}}
        path = f"{GROUP}/namespaces/{NAMESPACE}/functions"
        code, answer = self.call("POST", path, head | {"spec": SPEC})
        assert code == 201, answer
        wait_until(lambda: all(self.stack.get(kind, NAMESPACE, name) for kind in KINDS), f"the children of {name}")

    def delete(self, name: str) -> None:
        code, answer = self.call("DELETE", f"{GROUP}/namespaces/{NAMESPACE}/functions/{name}")
        assert code == 200, answer

    def left(self) -> list[str]:
        """Return what is in the namespace of the kinds of children."""
        return [f"{kind} {child['metadata']['name']}" for kind in KINDS for child in self.stack.list(kind, NAMESPACE)]

    def reason(self, name: str) -> Any:
        return self.stack.condition(NAMESPACE, name, "Ready").get("reason")

    def specs(self, name: str) -> list[Any]:
        """Return UID and spec of each child, which an autoscaler or a freeze leaves alone."""
        found = [self.stack.get(resource, NAMESPACE, name) or {} for resource in KINDS]
        return [(child["metadata"]["uid"], child.get("spec")) for child in found]

    def foreign_writes(self, mark: int) -> list[str]:
        """Return what Metacontroller tried to write since, but to the children, the Functions and their status."""
        found = []
        for event, what in self.stack.plane.events(mark, USER):
            resource, _, target = what.partition(" ")
            namespace, _, name = target.partition("/")
            if event["verb"] not in WRITES:
                continue
            own = name in ("frozen", "sound") or name.startswith("going-")
            if namespace == NAMESPACE and resource.partition("/")[0] in (*KINDS, "functions") and own:
                continue
            if namespace == NAMESPACE and resource in KINDS and name.startswith("alike-") and event["verb"] != "create":
                continue
            found.append(f"{event['verb']} {what}")
        return found

    def path(self, resource: str, name: str = "") -> str:
        return f"{PREFIX[resource]}/namespaces/{NAMESPACE}/{resource}" + (f"/{name}" if name else "")

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
    """A cluster on which Metacontroller may do what metacontroller/clusterrole.yaml says, and mallory may edit."""
    with own_stack(tmp_path_factory.mktemp("trust")) as stack:
        kubectl = stack.plane.kubectl
        kubectl("create", "namespace", NAMESPACE)
        kubectl("apply", "-f", str(ROOT / "metacontroller" / "clusterrole.yaml"))
        kubectl("create", "clusterrolebinding", "bound", f"--clusterrole={ROLE}", f"--user={USER}")
        stack.install()
        # What the chart's roles for users add to Kubernetes' own "edit".
        functions = ("--verb=*", "--resource=functions.serverless.kyma-project.io")
        kubectl("create", "role", "functions", *functions, "-n", NAMESPACE)
        kubectl("create", "rolebinding", "edit", "--clusterrole=edit", "--user=mallory", "-n", NAMESPACE)
        kubectl("create", "rolebinding", "functions", "--role=functions", "--user=mallory", "-n", NAMESPACE)
        stack.metacontroller_flags[0] = f"--kubeconfig={stack.plane.kubeconfig(USER)}"
        stack.start_hook()
        stack.start_metacontroller()
        tenant = Tenant(stack)
        for name in ("frozen", "sound"):
            tenant.create(name)
        yield tenant


def test_the_user_may_do_nothing_else(tenant: Tenant) -> None:
    """The attack is one: mallory cannot do with their own rights what the records ask for."""
    path = "/apis/apps/v1/namespaces/kube-system/deployments"
    assert tenant.call("POST", path, forged_records.PRIVILEGED)[0] == 403
    assert (
        tenant.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", forged_records.BINDING)[0] == 403
    )


def test_records_and_look_alikes_change_nothing_else(tenant: Tenant) -> None:
    """
    For a minute every forged record is written onto every child, and look-alikes come and go.

    Metacontroller writes to the children and the Functions only; of a look-alike, which it adopts for its label, it
    takes possession and deletes it. The broken Function's children keep their specs, and Functions that are deleted go.
    """
    stack, forgeries = tenant.stack, list(forged_records.ALL.values())
    mark, before = stack.plane.mark(), tenant.specs("frozen")
    tenant.edit("frozen", BROKEN)
    wait_until(lambda: tenant.reason("frozen") == "InvalidFunctionSpec", "the Function to be frozen")
    end, rounds = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        name = f"going-{rounds}"
        tenant.create(name)
        for resource in KINDS:
            for each in ("frozen", "sound", name):
                tenant.forge(resource, each, forgeries[rounds % len(forgeries)])
            tenant.imitate(resource, tenant.function("sound") or {}, f"alike-{rounds}")
        tenant.edit("sound", {"labels": {"round": str(rounds)}})
        tenant.delete(name)
        for resource in KINDS:
            tenant.forge(resource, name, forgeries[(rounds + 7) % len(forgeries)])
        wait_until(lambda name=name: tenant.function(name) is None, f"{name} to go", 20)
        rounds += 1
    print(f"\n{rounds} rounds, {len(forgeries)} forgeries")
    assert rounds > len(forgeries)
    assert tenant.foreign_writes(mark) == []
    assert tenant.specs("frozen") == before
    assert tenant.reason("frozen") == "InvalidFunctionSpec"


def test_functions_are_repaired_and_deleted(tenant: Tenant) -> None:
    """Once records that Metacontroller cannot read are gone, what was changed is healed, and Functions go."""
    stack = tenant.stack
    for resource in KINDS:
        for name in ("frozen", "sound"):
            tenant.forge(resource, name, forged_records.text(""))
    tenant.edit("frozen", {"source": {"inline": {"dependencies": None}}})
    for name in ("frozen", "sound"):
        assert tenant.call("DELETE", tenant.path("services", name))[0] == 200
        selector = {"spec": {"selector": {"app": "mallory"}}}
        wait_until(lambda name=name: stack.is_ready(NAMESPACE, name), f"{name} to be ready")
        stack.patch("services", NAMESPACE, name, selector)
        healed = lambda name=name: "app" not in (stack.get("services", NAMESPACE, name) or {})["spec"]["selector"]  # noqa: E731
        wait_until(healed, "the selector to be healed")
        tenant.delete(name)
        wait_until(lambda name=name: tenant.function(name) is None, f"{name} to go")
    wait_until(lambda: tenant.left() == [], f"{tenant.left()} to go")


def test_a_finalizer_of_the_users_keeps_no_function(tenant: Tenant) -> None:
    """A child that a finalizer of its users keeps stays; its Function goes all the same."""
    patch = {"metadata": {"finalizers": ["example.com/stays"]}}
    tenant.create("kept")
    for resource in KINDS:
        code, answer = tenant.call("PATCH", tenant.path(resource, "kept"), patch, kind="application/merge-patch+json")
        assert code == 200, answer
    tenant.delete("kept")
    wait_until(lambda: tenant.function("kept") is None, "the Function to go")
    assert len(tenant.left()) == len(KINDS)
    for resource in KINDS:
        tenant.stack.patch(resource, NAMESPACE, "kept", {"metadata": {"finalizers": None}})
    wait_until(lambda: tenant.left() == [], "the children to go")
