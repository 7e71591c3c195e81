"""
From Kyma to buildless Functions and back, by the commands of docs/migrating-from-kyma.md, in the order of that page.

kyma_simulator.py stands for Kyma, and a thread that marks every pod as ready for the kubelet. Another thread checks
all the time whether a ready pod is behind each Service. No pod of the hook runs: it is a process with what the cluster
gives to its pods, and Metacontroller's HTTP proxy, so that the chart's URLs hold.
"""

import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from support import go_tools
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.helm import run_hook, start_metacontroller
from support.cluster.kyma_simulator import CRD, MODULE_CRD, Kyma, deployment, is_ready
from support.cluster.pages import Shell, commands
from support.cluster.stack import GROUP, ROOT, Stack, own_stack

from hooks.records import LAST_APPLIED

pytestmark = pytest.mark.own_stack

PAGE = "migrating-from-kyma.md"
FINALIZER = "metacontroller.io/compositecontroller-function-controller"
PYTHON = {"inline": {"source": "def main(event, context):\n    return '$(HOME) $$'\n"}}
NODE = {"inline": {"source": "module.exports = {main: () => 'hi'}\n"}}
SECRET = {"secretName": "key", "mountPath": "/etc/key"}
LIMITS = {"limits": {"cpu": "200m", "memory": "128Mi"}, "requests": {"cpu": "50m", "memory": "64Mi"}}
VARIABLE = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "key", "key": "token"}}}
REPOSITORY = {"url": "https://github.com/acme/functions.git", "baseDir": "hello", "reference": "main"}
FROM_GIT, ROOTED = REFUSED = (("default", "from-git"), ("shop", "rooted"))
FUNCTIONS: dict[tuple[str, str], Manifest] = {
    ("default", "plain"): {"runtime": "python312", "source": PYTHON, "env": [{"name": "A", "value": "1"}, VARIABLE]},
    ("default", "packages"): {
        "runtime": "nodejs22",
        "source": {"inline": NODE["inline"] | {"dependencies": '{"dependencies": {"lodash": "^4"}}'}},
        "secretMounts": [SECRET],
        "resourceConfiguration": {"function": {"resources": LIMITS}},
    },
    ("shop", "scaled"): {"runtime": "nodejs24", "source": NODE, "replicas": 2},
    ("shop", "labelled"): {
        "runtime": "python312",
        "source": {"inline": PYTHON["inline"] | {"dependencies": "requests>=2.32,<3\n"}},
        "labels": {"team": "shop", "app.kubernetes.io/name": "mine"},
        "annotations": {"example.com/note": "kept"},
        "resourceConfiguration": {"function": {"profile": "XS"}},
    },
    FROM_GIT: {"runtime": "nodejs22", "source": {"gitRepository": REPOSITORY}},
    ROOTED: {"runtime": "nodejs22", "source": NODE, "podSecurityContext": {"runAsUser": 0}},
}
NAMESPACES = ("default", "shop")
TURN = 0.1
"""Seconds between two looks of the kubelet."""
DEFAULT = {"startupTimeoutSeconds": 150}
SOUND = [each for each in FUNCTIONS if each not in REFUSED]


class Loop:
    """Something that is done over and over in the background; what goes wrong in it comes out with stop()."""

    def __init__(self, work: Callable[[], None], seconds: float) -> None:
        self.work, self.seconds, self.turns = work, seconds, 0
        self.error: Exception | None = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def stop(self) -> None:
        self.ended.set()
        self.thread.join()
        if self.error:
            raise self.error

    def _run(self) -> None:
        try:
            while not self.ended.wait(self.seconds):
                self.work()
                self.turns += 1
        except Exception as error:  # noqa: BLE001 - stop() raises it
            self.error = error


class Migration:
    """The cluster, and what is watched in it."""

    def __init__(self, stack: Stack, shell: Shell) -> None:
        self.stack, self.plane, self.shell, self.kyma = stack, stack.plane, shell, Kyma(stack)
        self.seen: Counter[str] = Counter()
        self.gaps: list[tuple[str, str]] = []
        self.loops: list[Loop] = []
        self.before: dict[tuple[str, str], Manifest] = {}

    def start(self) -> None:
        """Put the Functions under Kyma's care, and begin to watch."""
        self.kyma.install()
        self.plane.kubectl("create", "namespace", "shop")
        for (namespace, name), spec in FUNCTIONS.items():
            labels = {"labels": {"app": "shop"}} if namespace == "shop" else {}
            body = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "spec": spec}
            body["metadata"] = {"name": name} | labels
            code, created = self.plane.call("POST", f"{GROUP}/namespaces/{namespace}/functions", body)
            assert code == 201, created
        self.loops.append(Loop(self.be_a_kubelet, TURN))
        self.kyma.settle(list(FUNCTIONS))
        self.plane.kubectl("autoscale", "function", "scaled", "-n", "shop", "--min=2", "--max=5", "--cpu=50%")
        self.before = {each: self.function(*each) for each in FUNCTIONS}
        self.services = {each: self.get("services", *each) for each in FUNCTIONS}
        self.loops.append(Loop(self.look, 0.05))

    def stop(self) -> None:
        while self.loops:
            self.loops.pop().stop()

    def be_a_kubelet(self) -> None:
        for namespace in NAMESPACES:
            self.stack.make_pods_ready(namespace, self.has_started)

    def has_started(self, pod: Manifest) -> bool:
        """A pod takes a second to start, or nobody would see a gap."""
        self.seen[pod["metadata"]["uid"]] += 1
        return self.seen[pod["metadata"]["uid"]] > 1 / TURN

    def look(self) -> None:
        """Note each Service that has no ready pod behind it now."""
        pods = self.plane.call("GET", "/api/v1/pods")[1]["items"]
        for each in list(self.before):
            labels = self.get("services", *each)["spec"]["selector"].items()
            if not any(serves(pod) and labels <= pod["metadata"]["labels"].items() for pod in pods):
                self.gaps.append(each)

    def follow(self, heading: str) -> str:
        """Run the commands below a heading of the page; return what they print."""
        return "".join(map(self.shell.run, commands(PAGE, heading)))

    def get(self, resource: str, namespace: str, name: str) -> Manifest:
        found = self.stack.get(resource, namespace, name)
        assert found is not None, f"there is no {resource} {namespace}/{name}"
        return found

    def function(self, namespace: str, name: str) -> Manifest:
        return self.get("functions", namespace, name)

    def deployments(self, namespace: str, name: str) -> list[str]:
        """Return the names of the Function's Deployments, with "-..." for what the API server has made up."""
        found = self.kyma.deployments(self.function(namespace, name))
        names = (each["metadata"]["name"] for each in found)
        return sorted(each if each == name else f"{name}-..." for each in names)

    def check_that_all_goes_on(self) -> None:
        """Fail if a Service was without a ready pod or is another one, or if a Function is."""
        turns = self.loops[-1].turns
        wait_until(lambda: self.loops[-1].turns > turns + 1, "the watch to look once more")
        assert self.gaps == []
        for each, before in self.before.items():
            now, service = self.function(*each), self.get("services", *each)
            assert now["metadata"]["uid"] == before["metadata"]["uid"]
            # Our CRD has a default that Kyma's lacks.
            assert now["spec"] | DEFAULT == before["spec"] | DEFAULT
            for path in (("metadata", "uid"), ("spec", "clusterIP"), ("spec", "selector"), ("spec", "ports")):
                assert [service[path[0]][path[1]]] == [self.services[each][path[0]][path[1]]]
        assert self.get("horizontalpodautoscalers", "shop", "scaled")["spec"]["scaleTargetRef"]["kind"] == "Function"


def serves(pod: Manifest) -> bool:
    ready = {"type": "Ready", "status": "True"}.items()
    said = pod["status"].get("conditions", ())
    return "deletionTimestamp" not in pod["metadata"] and any(ready <= each.items() for each in said)


@pytest.fixture(scope="module")
def migration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migration]:
    """A cluster with Kyma and its Functions, with Metacontroller, and a checkout to work in."""
    checkout = tmp_path_factory.mktemp("checkout")
    for part in ("chart", "config", "crds"):
        shutil.copytree(ROOT / part, checkout / part)
    shutil.copy(ROOT / "kustomization.yaml", checkout)
    with own_stack(tmp_path_factory.mktemp("kyma")) as stack:
        buildless = stack.plane.directory / "buildless"
        buildless.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m hooks.cli "$@"\n')
        buildless.chmod(0o755)
        programs = {"buildless": buildless, "helm": go_tools.program("helm4")}
        moved = Migration(stack, Shell(stack.plane, programs, checkout))
        try:
            moved.start()
            start_metacontroller(stack)
            yield moved
        finally:
            moved.stop()


def test_the_check_tells_sound_from_refused(migration: Migration) -> None:
    """The file `sound` names each Function that can move; of each other one it says what is wrong, and where."""
    assert "serverless-config" in migration.follow("Settings")
    said = migration.follow("Check")
    assert lines(migration) == {f"{ns} {name} {uid(migration, ns, name)}" for ns, name in SOUND}
    assert "refused: shop/rooted" in said
    assert "spec.source.gitRepository: Forbidden: git sources are not supported yet" in said
    assert "spec.podSecurityContext.runAsUser: Forbidden: 0 is not allowed" in said
    migration.follow("Find what will behave differently")
    migration.check_that_all_goes_on()


def lines(migration: Migration) -> set[str]:
    return set((migration.shell.directory / "sound").read_text().splitlines())


def uid(migration: Migration, namespace: str, name: str) -> str:
    return str(migration.function(namespace, name)["metadata"]["uid"])


def test_what_is_looked_for_is_found(migration: Migration) -> None:
    """What behaves differently though it is sound is listed: scaleConfig, an autoscaler on a Deployment, an account."""
    scale = {"scaleConfig": {"minReplicas": 1, "maxReplicas": 2}}
    (old,) = (each["metadata"]["name"] for each in migration.kyma.deployments(migration.function("default", "plain")))
    kubectl = migration.plane.kubectl
    migration.stack.patch("functions", "default", "plain", {"spec": scale})
    kubectl("autoscale", "deployment", old, "--min=1", "--max=2", "--cpu=50%")
    kubectl("create", "serviceaccount", "packages")
    said = migration.follow("Find what will behave differently").splitlines()
    migration.stack.patch("functions", "default", "plain", {"spec": {"scaleConfig": None}})
    kubectl("delete", f"hpa/{old}", "serviceaccount/packages")
    assert [said[1], said[3], said[5]] == ["default/plain", f"default/{old} {old}", "serviceaccount/packages"]


def prepare(migration: Migration) -> None:
    for step in ("1. Stop Kyma", "2. Set the owner references to `controller: false`", "3. Hand over the Services"):
        migration.follow(step)


def test_nothing_moves_before_the_hook_is_there(migration: Migration) -> None:
    """Kyma stands still, the CRD is ours, and every object that runs is where it was."""
    pods = names_of_pods(migration)
    prepare(migration)
    assert not migration.kyma.runs()
    assert names_of_pods(migration) == pods
    definition = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD}"
    assert "kyma-project.io/module" not in migration.plane.call("GET", definition)[1]["metadata"].get("labels", {})
    said = migration.plane.kubectl("explain", "function.spec.serviceAccountName")
    assert "VERSION:    v1alpha2" in said
    migration.check_that_all_goes_on()


def test_turning_round_before_the_hook_is_there(migration: Migration) -> None:
    """The last two blocks of the way back are enough, and leave not a single pod another."""
    pods = names_of_pods(migration)
    for command in commands(PAGE, "Back to Kyma")[-2:]:
        migration.shell.run(command)
    migration.kyma.settle(list(FUNCTIONS))
    check_kyma_s(migration, [f"{name}-..." for _, name in FUNCTIONS])
    assert names_of_pods(migration) == pods
    prepare(migration)
    migration.check_that_all_goes_on()


def names_of_pods(migration: Migration) -> set[str]:
    return {each["metadata"]["name"] for namespace in NAMESPACES for each in migration.stack.list("pods", namespace)}


def test_new_pods_come_beside_the_old(migration: Migration) -> None:
    """All sound Functions get ready; their Services are handed over as they are, and old and new pods serve."""
    migration.follow("4. Without Helm")
    run_hook(migration.stack)
    migration.follow("5. Wait")
    for each in SOUND:
        assert migration.deployments(*each) == [each[1], f"{each[1]}-..."]
        service = migration.get("services", *each)["metadata"]
        assert [owner["controller"] for owner in service["ownerReferences"]] == [True]
        assert LAST_APPLIED in service["annotations"]
    migration.check_that_all_goes_on()


@pytest.mark.parametrize("each", REFUSED, ids=["git", "root"])
def test_a_refused_function_is_left_alone(migration: Migration, each: tuple[str, str]) -> None:
    """Its status says why; its Deployment, its Service and their owner are what they were."""
    wait_until(lambda: migration.stack.condition(*each, "Stalled"), "the status of the refused Function")
    assert migration.stack.condition(*each, "Stalled")["reason"] == "InvalidFunctionSpec"
    assert migration.deployments(*each) == [f"{each[1]}-..."]
    (live,) = migration.kyma.deployments(migration.function(*each))
    for child in (live, migration.get("services", *each)):
        (owner,) = child["metadata"]["ownerReferences"]
        assert owner["uid"] == uid(migration, *each)
    migration.check_that_all_goes_on()


def test_a_service_handed_over_in_vain_harms_nobody(migration: Migration) -> None:
    """That of a refused Function with the label all the same: it is kept as it is, and no other child is made."""
    label = f"controller-uid={uid(migration, *ROOTED)}"
    migration.plane.kubectl("label", "service", "rooted", "-n", "shop", label)
    owned = lambda: migration.get("services", *ROOTED)["metadata"].get("ownerReferences")  # noqa: E731
    wait_until(owned, "Metacontroller to take it")
    assert migration.stack.condition(*ROOTED, "Stalled")["reason"] == "InvalidFunctionSpec"
    assert migration.deployments(*ROOTED) == ["rooted-..."]
    migration.check_that_all_goes_on()


def go_back(migration: Migration) -> None:
    """Follow the way back; Kyma acts as soon as it is told to run."""
    *most, start = commands(PAGE, "Back to Kyma")
    for command in most:
        migration.shell.run(command)
    assert [each["metadata"].get("finalizers") for each in [migration.function(*each) for each in FUNCTIONS]] == [
        None
    ] * len(FUNCTIONS)
    migration.shell.run(start)
    migration.kyma.settle(list(FUNCTIONS))


def test_the_way_back_from_both_keeps_the_old(migration: Migration) -> None:
    """Before the old Deployments are deleted, Kyma finds them and nothing else, controlled by their Functions."""
    go_back(migration)
    check_kyma_s(migration, [f"{name}-..." for _, name in FUNCTIONS])
    migration.check_that_all_goes_on()


def check_kyma_s(migration: Migration, deployments: list[str]) -> None:
    """Fail if a Function has not just this Deployment, ready, or if one of its objects is not Kyma's again."""
    assert [name for each in FUNCTIONS for name in migration.deployments(*each)] == deployments
    for each in FUNCTIONS:
        (live,) = migration.kyma.deployments(migration.function(*each))
        assert is_ready(live)
        assert migration.stack.condition(*each, "Ready") == {}
        service = migration.get("services", *each)
        assert "controller-uid" not in service["metadata"]["labels"]
        for child in (live, service):
            assert [owner["controller"] for owner in child["metadata"]["ownerReferences"]] == [True]


def test_moving_over_with_helm(migration: Migration) -> None:
    """A second time, to the end: the old Deployments of all sound Functions go, and only the new ones are left."""
    prepare(migration)
    migration.follow("4. Install the hook")
    run_hook(migration.stack)
    migration.follow("5. Wait")
    migration.follow("6. Delete the old Deployments")
    for each in FUNCTIONS:
        wait_until(lambda each=each: len(migration.deployments(*each)) == 1, "one Deployment")
        assert migration.deployments(*each) == [each[1] if each in SOUND else f"{each[1]}-..."]
        assert migration.stack.condition(*each, "Ready")["status"] == str(each in SOUND)
    migration.check_that_all_goes_on()


def test_the_settings_are_those_of_the_page(migration: Migration) -> None:
    """What was written into config.yaml is what Functions run with."""
    status = migration.function("default", "plain")["status"]
    assert status["functionResourceProfile"] == "XS"
    env = migration.get("deployments", "default", "plain")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert any("telemetry-otlp-traces" in each.get("value", "") for each in env)


def test_an_autoscaler_on_the_function_goes_on(migration: Migration) -> None:
    """What it reads and writes is the Function's scale, which leads to the new Deployment."""
    path = f"{GROUP}/namespaces/shop/functions/scaled/scale"
    _, scale = migration.plane.call("GET", path)
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (2, 2)
    assert "serverless.kyma-project.io/resource=deployment" in scale["status"]["selector"]
    for replicas in (3, 2):
        patch = {"spec": {"replicas": replicas}}
        code, _ = migration.plane.call("PATCH", path, patch, kind="application/merge-patch+json")
        assert code == 200
        wait_until(lambda n=replicas: migration.get("deployments", "shop", "scaled")["spec"]["replicas"] == n, "pods")
    wait_until(lambda: migration.stack.condition("shop", "scaled", "Ready").get("status") == "True", "it to be ready")


def test_at_rest_nothing_is_written(migration: Migration) -> None:
    """Metacontroller, started anew, asks about every Function and writes nothing, be it sound or refused."""
    time.sleep(2)
    mark = migration.plane.mark()
    migration.stack.processes.stop("metacontroller")
    migration.stack.start_metacontroller(HTTP_PROXY=f"http://127.0.0.1:{migration.stack.hook_port}")
    wanted = {f"functions {namespace}/{name}" for namespace, name in FUNCTIONS}
    wait_until(lambda: wanted <= {what for _, what in migration.plane.events(mark)}, "every Function to be asked about")
    time.sleep(3)
    assert migration.plane.writes(mark) == {}


def test_a_mended_function_moves_later(migration: Migration) -> None:
    """It is ChildrenNotCreated until its Service is handed over by the same commands; then the old Deployment goes."""
    migration.stack.patch("functions", *ROOTED, {"spec": {"podSecurityContext": None}})
    migration.before[ROOTED] = migration.function(*ROOTED)
    wait_until(
        lambda: migration.stack.condition(*ROOTED, "Stalled").get("reason") == "ChildrenNotCreated",
        "the Service to be missed",
    )
    for step in ("Check", "3. Hand over the Services", "5. Wait", "6. Delete the old Deployments"):
        migration.follow(step)
    wait_until(lambda: migration.deployments(*ROOTED) == ["rooted"], "the old Deployment to go")
    migration.check_that_all_goes_on()


def test_the_way_back_from_the_end_takes_the_new_over(migration: Migration) -> None:
    """Kyma finds one Deployment of each Function by its labels, and rolls its own pods out in it."""
    go_back(migration)
    check_kyma_s(migration, [f"{name}-..." if name == "from-git" else name for _, name in FUNCTIONS])
    migration.check_that_all_goes_on()


def test_what_is_left_of_kyma_can_go(migration: Migration) -> None:
    """Over once more, and then nothing of Kyma's is left, but every Function and its Service."""
    prepare(migration)
    migration.follow("4. Install the hook")
    run_hook(migration.stack)
    migration.follow("5. Wait")
    migration.follow("Delete what is left of Kyma")
    kinds = "deployments,configmaps,serviceaccounts,clusterroles,priorityclasses,crds"
    assert migration.plane.kubectl("get", kinds, "-A", "-l", "kyma-project.io/module", "-o", "name") == ""
    assert MODULE_CRD not in migration.plane.kubectl("get", "crds", "-o", "name")
    for each in (*SOUND, ROOTED):
        wait_until(lambda each=each: migration.stack.condition(*each, "Ready")["status"] == "True", "it to be ready")
        assert set(migration.stack.versions(*each)) >= {"deployments", "services", "serviceaccounts"}
    assert migration.deployments(*FROM_GIT) == ["from-git-..."]
    migration.check_that_all_goes_on()


def test_a_deleted_function_takes_what_kyma_made_along(migration: Migration) -> None:
    """Also one that was refused and never moved: its Deployment and its Service go with it."""
    function = migration.before.pop(FROM_GIT)
    migration.plane.kubectl("delete", "function", "from-git", "-n", "default", "--timeout=30s")
    wait_until(lambda: not migration.kyma.deployments(function), "the Deployment to go")
    wait_until(lambda: migration.stack.get("services", *FROM_GIT) is None, "the Service to go")


def test_both_at_once_are_an_outage(migration: Migration) -> None:
    """What the page forbids: Kyma sees two Deployments of a Function and deletes both; the watch notices."""
    function = migration.function("default", "plain")
    migration.kyma.create("/apis/apps/v1", "deployments", "default", deployment(function))
    wait_until(lambda: len(migration.deployments("default", "plain")) == 2, "two Deployments")
    assert "still two Deployments" in migration.shell.run(commands(PAGE, "Back to Kyma")[-1])
    kubelet = migration.loops.pop(0)
    kubelet.stop()
    migration.kyma.reconcile("default", "plain")
    wait_until(lambda: ("default", "plain") in migration.gaps, "the watch to see no ready pod")
