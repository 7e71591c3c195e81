"""
A user with the ClusterRole `edit` in one namespace cannot make Metacontroller write any other object.

The user writes last-applied records onto children and creates objects that look like children, of Functions that are
frozen, valid and being deleted. Metacontroller has the permissions of the docs and writes only the children. All tests
run with inline sources and with sources in Git, whose status the tests write, as Flux does.
"""

import itertools
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from support import forged_records
from support.cluster import flux
from support.cluster.bound import FOLDER
from support.cluster.control_plane import wait_until
from support.cluster.functions import wait_until_ready
from support.cluster.stack import KINDS, own_stack
from support.cluster.tenant import FIRST, GIT, NAMESPACE, REQUESTED, USER, Tenant

pytestmark = pytest.mark.own_stack

Manifest = dict[str, Any]

SECONDS = 60
SOUND, BROKEN = {"runtime": "python312"}, {"runtime": "cobol"}
ROLES = {"clusterrole.yaml": "metacontroller", "with-git.yaml": "metacontroller-with-git"}
FLUX_EDIT = ("--verb=create,delete,deletecollection,patch,update", "--resource=gitrepositories,gitrepositories/status")
"""What Flux adds to Kubernetes' ClusterRole "edit"; Flux allows it for every resource of its groups."""


@pytest.fixture(scope="module", params=["inline", "git"])
def tenant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """A cluster on which Metacontroller has the roles of metacontroller/, and mallory may edit Functions."""
    is_git = request.param == "git"
    if is_git:
        flux.crds()
    directory = tmp_path_factory.mktemp("trust")
    with own_stack(directory) as stack:
        kubectl = stack.plane.kubectl
        kubectl("create", "namespace", NAMESPACE)
        for file, role in ROLES.items():
            kubectl("apply", "-f", str(FOLDER / file))
            kubectl("create", "clusterrolebinding", f"bound-{role}", f"--clusterrole={role}", f"--user={USER}")
        stack.install()
        # The chart's aggregated roles add this to Kubernetes' ClusterRole "edit".
        functions = ("--verb=*", "--resource=functions.serverless.kyma-project.io")
        kubectl("create", "role", "functions", *functions, "-n", NAMESPACE)
        if is_git:
            flux.enable(stack, directory)
            kubectl("create", "role", "sources", *FLUX_EDIT, "-n", NAMESPACE)
        else:
            stack.start_hook()
        kubectl("create", "rolebinding", "edit", "--clusterrole=edit", "--user=mallory", "-n", NAMESPACE)
        for role in ("functions", "sources"):
            kubectl("create", "rolebinding", role, f"--role={role}", "--user=mallory", "-n", NAMESPACE)
        stack.metacontroller_flags[0] = f"--kubeconfig={stack.plane.kubeconfig(USER)}"
        stack.start_metacontroller()
        tenant = Tenant(stack, (*KINDS, GIT) if is_git else KINDS)
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
    frozen Function's children keep their specs, deleted Functions disappear, and no Deployment requests the artifact of
    a look-alike.

    Known limit: a record that names an owner makes Metacontroller remove the owner of a child. If the Function is
    deleted before Metacontroller adopts the child again, the child stays. No other record does that.
    """
    stack, forgeries = tenant.stack, list(forged_records.ALL.values())
    takes_owner = list(forged_records.ALL).index("owners, finalizers and annotations")
    mark, before = stack.plane.mark(), tenant.specs("frozen")
    tenant.edit("frozen", BROKEN)
    wait_until(lambda: tenant.reason("frozen") == "InvalidFunctionSpec", "the Function to be frozen")
    end, rounds = time.monotonic() + SECONDS, 0
    while time.monotonic() < end or rounds <= len(forgeries):
        attack(tenant, rounds, forgeries)
        rounds += 1
    print(f"\n{rounds} rounds, {len(forgeries)} forgeries")
    assert tenant.foreign_writes(mark) == []
    assert tenant.revisions() == ({FIRST} if GIT in tenant.resources else set())
    assert tenant.specs("frozen") == before
    assert tenant.reason("frozen") == "InvalidFunctionSpec"
    assert tenant.delete_orphans() <= {f"going-{n}" for n in range(takes_owner, rounds, len(forgeries))}


def attack(tenant: Tenant, number: int, forgeries: list[forged_records.Forgery]) -> None:
    """Forge records and create look-alikes, also of a Function that is created and deleted meanwhile."""
    name = f"going-{number}"
    tenant.create(name)
    label = {"controller-uid": (tenant.function("valid") or {})["metadata"]["uid"]}
    for resource in tenant.resources:
        for each in ("frozen", "valid", name):
            tenant.forge(resource, each, forgeries[number % len(forgeries)])
        tenant.imitate(resource, f"alike-{number}", label)
    tenant.edit("valid", {"labels": {"round": str(number)}})
    tenant.delete(name)
    for resource in tenant.resources:
        tenant.forge(resource, name, forgeries[(number + 7) % len(forgeries)])
    tenant.wait_until_deleted(name)


@pytest.mark.parametrize("tenant", ["git"], indirect=True)
def test_a_forged_source_under_the_name_of_a_function(tenant: Tenant) -> None:
    """A GitRepository that mallory made before the Function provides no code, whatever its labels and status are."""
    uid = {"controller-uid": (tenant.function("valid") or {})["metadata"]["uid"]}
    for name, labels in {"plain": {"app": "x"}, "labelled": uid}.items():
        tenant.imitate(GIT, name, labels)
        tenant.post(name)
    wait_until(lambda: tenant.stack.condition(NAMESPACE, "plain", "SourceReady"), "the source to be reported")
    tenant.fetch("valid")
    assert (tenant.stack.get(GIT, NAMESPACE, "valid") or {})["spec"] == REQUESTED
    wait_until(lambda: tenant.reason("plain") == "ChildrenNotCreated", "the taken name to be reported", 60)
    assert tenant.stack.get("deployments", NAMESPACE, "plain") is None
    wait_until(lambda: tenant.is_own(GIT, "labelled"), "the look-alike to be replaced", 60)
    assert tenant.revisions() == {FIRST}
    for name in ("plain", "labelled"):
        tenant.delete(name)
        tenant.wait_until_deleted(name)
    assert tenant.call("DELETE", tenant.path(GIT, "plain"))[0] == 200


def test_functions_are_repaired_and_deleted(tenant: Tenant) -> None:
    """Without unreadable records Metacontroller restores changed children, and Functions can be deleted."""
    stack = tenant.stack
    for resource, name in itertools.product(tenant.resources, ("frozen", "valid")):
        tenant.forge(resource, name, forged_records.text(""))
    tenant.edit("frozen", SOUND)
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
    for resource in tenant.resources:
        code, answer = tenant.call("PATCH", tenant.path(resource, "kept"), patch, kind="application/merge-patch+json")
        assert code == 200, answer
    tenant.delete("kept")
    tenant.wait_until_deleted("kept")
    assert len(tenant.children("kept")) == len(tenant.resources)
    for resource in tenant.resources:
        tenant.stack.patch(resource, NAMESPACE, "kept", {"metadata": {"finalizers": None}})
    wait_until(lambda: tenant.children("kept") == [], "the children to be deleted", 90)
