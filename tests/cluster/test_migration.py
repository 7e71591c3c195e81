"""
From Kyma to buildless Functions and back, with the commands of docs/migrating-from-kyma.md in the order of the page.

Kyma's own programs run if they are on PATH (kyma_programs.py), else kyma_simulator.py simulates them. One thread
marks pods as ready, as a kubelet does; another checks all the time that each Service has a ready pod. The hook is a
process with the config of the chart. It is Metacontroller's HTTP proxy, so that the URL of its Service works.
"""

import time
from collections.abc import Iterator
from functools import partial

import pytest
from support.cluster.control_plane import wait_until
from support.cluster.git_http import HttpRemote
from support.cluster.git_repository import Repository
from support.cluster.helm import run_hook, start_metacontroller
from support.cluster.kyma_children import deployment
from support.cluster.kyma_module import MODULE_CRD, SYSTEM
from support.cluster.migrating_functions import FROM_GIT, FUNCTIONS, REFUSED, ROOTED, VALID, with_remote
from support.cluster.migration import NAMESPACES, PAGE, Migration
from support.cluster.pages import commands
from support.cluster.stack import GROUP, own_stack

from hooks.records import LAST_APPLIED

pytestmark = pytest.mark.own_stack

FINALIZER = "metacontroller.io/compositecontroller-function-controller"


@pytest.fixture(scope="module")
def migration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migration]:
    """A cluster with Kyma, its Functions and Metacontroller, and a checkout in which the commands run."""
    with own_stack(tmp_path_factory.mktemp("kyma")) as stack:
        stack.plane.kubectl("create", "namespace", "shop")
        remote = HttpRemote(tmp_path_factory.mktemp("remotes"))
        Repository(remote.folder / "functions.git").push({"hello/handler.js": "module.exports = {main: () => 'hi'}\n"})
        functions = with_remote(f"{remote.url}/functions.git")
        migration = Migration(stack, tmp_path_factory.mktemp("checkout"), functions)
        try:
            migration.start()
            migration.plane.kubectl("autoscale", "function", "scaled", "-n", "shop", "--min=2", "--max=5", "--cpu=50%")
            start_metacontroller(stack)
            yield migration
        finally:
            migration.stop()
            remote.close()


def test_the_check_separates_valid_from_refused(migration: Migration) -> None:
    """The file `sound` lists each Function that can move; the output has the errors of the others with their paths."""
    assert "serverless-config" in migration.follow("Settings")
    output = migration.follow("Check")
    assert migration.sound() == {migration.line(*each) for each in VALID}
    assert "refused: shop/rooted" in output
    assert "spec.source.gitRepository: Forbidden: disabled: the operator enables it" in output
    assert "spec.podSecurityContext.runAsUser: Forbidden: 0 is not allowed" in output
    migration.follow("Find what will behave differently")
    migration.check_nothing_was_interrupted()


def uid(migration: Migration, namespace: str, name: str) -> str:
    return str(migration.function(namespace, name)["metadata"]["uid"])


def test_differences_are_found(migration: Migration) -> None:
    """A scaleConfig, an autoscaler on a Deployment and a conflicting ServiceAccount are listed."""
    scale = {"scaleConfig": {"minReplicas": 1, "maxReplicas": 2}}
    (old,) = (each["metadata"]["name"] for each in migration.kyma.deployments(migration.function("default", "plain")))
    kubectl = migration.plane.kubectl
    migration.stack.patch("functions", "default", "plain", {"spec": scale})
    kubectl("autoscale", "deployment", old, "--min=1", "--max=2", "--cpu=50%")
    kubectl("create", "serviceaccount", "packages")
    output = migration.follow("Find what will behave differently").splitlines()
    migration.stack.patch("functions", "default", "plain", {"spec": {"scaleConfig": None}})
    kubectl("delete", f"hpa/{old}", "serviceaccount/packages")
    assert [output[1], output[3], output[5]] == ["default/plain", f"default/{old} {old}", "serviceaccount/packages"]


def test_preparation_changes_no_pod(migration: Migration) -> None:
    """After the preparation Kyma is stopped, the CRD is ours, and the pods are the same."""
    pods = names_of_pods(migration)
    migration.prepare()
    assert not migration.kyma.is_running()
    assert names_of_pods(migration) == pods
    metadata = migration.crd()["metadata"]
    assert set(metadata.get("labels", ())) <= {"app.kubernetes.io/managed-by"}
    assert "DO NOT EDIT" not in str(metadata.get("annotations"))
    output = migration.plane.kubectl("explain", "function.spec.serviceAccountName")
    assert "VERSION:    v1alpha2" in output
    migration.check_nothing_was_interrupted()


def test_going_back_after_preparation(migration: Migration) -> None:
    """Before the hook is installed the last two blocks of the way back are enough, and the pods stay the same."""
    pods = names_of_pods(migration)
    for command in commands(PAGE, "Back to Kyma")[-2:]:
        migration.run(command)
    migration.kyma.settle(list(FUNCTIONS))
    migration.check_kyma_owns([f"{name}-..." for _, name in FUNCTIONS])
    assert names_of_pods(migration) == pods
    migration.prepare()
    migration.check_nothing_was_interrupted()


def names_of_pods(migration: Migration) -> set[str]:
    return {each["metadata"]["name"] for namespace in NAMESPACES for each in migration.stack.list("pods", namespace)}


def test_new_pods_start_beside_the_old(migration: Migration) -> None:
    """All valid Functions become ready; their Services are adopted unchanged and select old and new pods."""
    migration.follow("4. Without Helm")
    run_hook(migration.stack)
    migration.follow("5. Wait")
    for each in VALID:
        assert migration.deployments(*each) == [each[1], f"{each[1]}-..."]
        service = migration.get("services", *each)["metadata"]
        assert [owner["controller"] for owner in service["ownerReferences"]] == [True]
        assert LAST_APPLIED in service["annotations"]
    migration.check_nothing_was_interrupted()


@pytest.mark.parametrize("each", REFUSED, ids=["git", "root"])
def test_a_refused_function_is_unchanged(migration: Migration, each: tuple[str, str]) -> None:
    """Its status has the reason; its Deployment, its Service and their owner are unchanged."""
    wait_until(lambda: migration.stack.condition(*each, "Stalled"), "the status of the refused Function")
    assert migration.stack.condition(*each, "Stalled")["reason"] == "InvalidFunctionSpec"
    assert migration.deployments(*each) == [f"{each[1]}-..."]
    (live,) = migration.kyma.deployments(migration.function(*each))
    for child in (live, migration.get("services", *each)):
        (owner,) = child["metadata"]["ownerReferences"]
        assert owner["uid"] == uid(migration, *each)
    migration.check_nothing_was_interrupted()


def test_the_service_of_a_refused_function_may_be_adopted(migration: Migration) -> None:
    """If the Service of a refused Function gets the label, Metacontroller adopts it unchanged and creates no child."""
    label = f"controller-uid={uid(migration, *ROOTED)}"
    migration.plane.kubectl("label", "service", "rooted", "-n", "shop", label)
    wait_until(
        lambda: migration.get("services", *ROOTED)["metadata"].get("ownerReferences"),
        "Metacontroller to adopt the Service",
    )
    assert migration.stack.condition(*ROOTED, "Stalled")["reason"] == "InvalidFunctionSpec"
    assert migration.deployments(*ROOTED) == ["rooted-..."]
    migration.check_nothing_was_interrupted()


def test_going_back_with_two_deployments(migration: Migration) -> None:
    """Before the old Deployments are deleted, Kyma finds them again, and the new ones are deleted."""
    migration.go_back()
    migration.check_kyma_owns([f"{name}-..." for _, name in FUNCTIONS])
    migration.check_nothing_was_interrupted()


def test_moving_over_with_helm(migration: Migration) -> None:
    """The complete migration with Helm: of every valid Function only the new Deployment is left."""
    migration.prepare()
    migration.follow("4. Install the hook")
    run_hook(migration.stack)
    migration.follow("5. Wait")
    migration.follow("6. Delete the old Deployments")
    for each in FUNCTIONS:
        wait_until(partial(has_deployments, migration, each, 1), "one Deployment")
        assert migration.deployments(*each) == [each[1] if each in VALID else f"{each[1]}-..."]
        assert migration.stack.condition(*each, "Ready")["status"] == str(each in VALID)
    migration.check_nothing_was_interrupted()


def has_deployments(migration: Migration, function: tuple[str, str], number: int) -> bool:
    return len(migration.deployments(*function)) == number


def test_the_settings_are_those_of_the_page(migration: Migration) -> None:
    """The Functions run with the settings that the commands wrote into config.yaml."""
    status = migration.function("default", "plain")["status"]
    assert status["functionResourceProfile"] == "XS"
    env = migration.get("deployments", "default", "plain")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert any("telemetry-otlp-traces" in each.get("value", "") for each in env)


def test_an_autoscaler_on_the_function_keeps_working(migration: Migration) -> None:
    """It reads and writes the scale of the Function, which sets the replicas of the new Deployment."""
    path = f"{GROUP}/namespaces/shop/functions/scaled/scale"
    _, scale = migration.plane.call("GET", path)
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (2, 2)
    assert "serverless.kyma-project.io/resource=deployment" in scale["status"]["selector"]
    for replicas in (3, 2):
        patch = {"spec": {"replicas": replicas}}
        code, _ = migration.plane.call("PATCH", path, patch, kind="application/merge-patch+json")
        assert code == 200
        wait_until(partial(has_replicas, migration, replicas), f"{replicas} replicas")
    wait_until(partial(is_function_ready, migration, "shop", "scaled"), "the Function to be ready")
    assert migration.get("horizontalpodautoscalers", "shop", "scaled")["spec"]["scaleTargetRef"]["kind"] == "Function"


def has_replicas(migration: Migration, number: int) -> bool:
    return bool(migration.get("deployments", "shop", "scaled")["spec"]["replicas"] == number)


def is_function_ready(migration: Migration, namespace: str, name: str) -> bool:
    return migration.stack.condition(namespace, name, "Ready").get("status") == "True"


def test_no_write_at_rest(migration: Migration) -> None:
    """After a restart Metacontroller syncs every Function, valid or refused, and writes nothing."""
    time.sleep(2)
    mark = migration.plane.mark()
    migration.stack.processes.stop("metacontroller")
    migration.stack.start_metacontroller(HTTP_PROXY=f"http://127.0.0.1:{migration.stack.hook_port}")
    wanted = {f"functions {namespace}/{name}" for namespace, name in FUNCTIONS}
    wait_until(lambda: wanted <= {what for _, what in migration.plane.events(mark)}, "every Function to be synced")
    time.sleep(3)
    assert migration.plane.writes(mark) == {}


def test_a_corrected_function_moves_later(migration: Migration) -> None:
    """It is ChildrenNotCreated until the same commands hand over its Service; then its old Deployment is deleted."""
    migration.stack.patch("functions", *ROOTED, {"spec": {"podSecurityContext": None}})
    migration.before[ROOTED] = migration.function(*ROOTED)
    wait_until(
        lambda: migration.stack.condition(*ROOTED, "Stalled").get("reason") == "ChildrenNotCreated",
        "the missing Service to be reported",
    )
    for step in ("Check", "3. Hand over the Services", "5. Wait", "6. Delete the old Deployments"):
        migration.follow(step)
    wait_until(lambda: migration.deployments(*ROOTED) == ["rooted"], "the old Deployment to be deleted")
    migration.check_nothing_was_interrupted()


def test_going_back_after_the_migration(migration: Migration) -> None:
    """
    Kyma finds the new Deployment of each Function by its labels and rolls out its own pods in it.

    The CRD also serves v2alpha1, which `kubectl get functions` then prefers, and the webhook that converts it has gone.
    """
    migration.serve_v2alpha1()
    migration.go_back()
    migration.check_kyma_owns([f"{name}-..." if name == "from-git" else name for _, name in FUNCTIONS])
    migration.check_nothing_was_interrupted()


def test_the_rest_of_kyma_can_be_deleted(migration: Migration) -> None:
    """After another migration everything of Kyma can be deleted but the Functions and their children."""
    migration.prepare()
    migration.follow("4. Install the hook")
    run_hook(migration.stack)
    migration.follow("5. Wait")
    migration.follow("Delete what is left of Kyma")
    kinds = migration.plane.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    assert migration.plane.kubectl("get", ",".join(kinds), "-A", "-l", "kyma-project.io/module", "-o", "name") == ""
    secrets = migration.plane.kubectl("get", "secrets,leases,serviceaccounts", "-n", SYSTEM, "-o", "name")
    assert secrets == ""
    assert MODULE_CRD not in migration.plane.kubectl("get", "crds", "-o", "name")
    for each in (*VALID, ROOTED):
        wait_until(partial(is_function_ready, migration, *each), "the Function to be ready")
        assert set(migration.stack.versions(*each)) >= {"deployments", "services", "serviceaccounts"}
    assert migration.deployments(*FROM_GIT) == ["from-git-..."]
    migration.check_nothing_was_interrupted()


def test_deleting_a_function_deletes_kyma_s_children(migration: Migration) -> None:
    """The Deployment and the Service of a refused Function, which never moved, are deleted with it."""
    function = migration.before.pop(FROM_GIT)
    migration.plane.kubectl("delete", "function", "from-git", "-n", "default", "--timeout=30s")
    wait_until(lambda: not migration.kyma.deployments(function), "the Deployment to be deleted")
    wait_until(lambda: migration.stack.get("services", *FROM_GIT) is None, "the Service to be deleted")


def test_two_controllers_at_once(migration: Migration) -> None:
    """If both controllers run, which the page forbids, Kyma deletes both Deployments; find_gaps() records it."""
    function = migration.function("default", "plain")
    migration.kyma.create("/apis/apps/v1", "deployments", "default", deployment(function))
    wait_until(partial(has_deployments, migration, ("default", "plain"), 2), "two Deployments")
    assert "still two Deployments" in migration.shell.run(commands(PAGE, "Back to Kyma")[-1])
    kubelet = migration.loops.pop(0)
    kubelet.stop()
    migration.kyma.interfere("default", "plain")
    wait_until(lambda: ("default", "plain") in migration.gaps, "a Service without a ready pod")
