"""
The permissions in metacontroller/ are enough for the life cycle of Functions, and each verb is needed.

Metacontroller runs with the flags of metacontroller/values.yaml, as a user with these permissions only; the audit log
has every refused request. The API server checks who may block an owner's deletion, as OpenShift's does.
"""

import itertools
import re
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from support import source_controller
from support.cluster import flux
from support.cluster.admission import forbid_variable
from support.cluster.bound import CONFIGS, GIT, LEAST, USER, Bound, Life, name_of
from support.cluster.control_plane import wait_until
from support.cluster.functions import AUTOSCALED, create_function, edit_function
from support.cluster.stack import GROUP, KINDS, ROOT, Stack, own_stack

Manifest = dict[str, Any]

pytestmark = pytest.mark.own_stack

DOCS = (ROOT / "docs" / "metacontroller.md").read_text(encoding="utf-8")
LISTING = {"KUBE_FEATURE_WatchListClient": "false"}
"""Makes Metacontroller list instead of streaming, as it does with an older API server."""
MARK = "serverless.kyma-project.io/managed-by"
FORBIDDEN = [{"name": "FORBIDDEN", "value": "x"}]
"""A variable that only the API server refuses: see forbid_variable()."""

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bound]:
    """A control plane on which Metacontroller has no permissions yet."""
    admission = "--enable-admission-plugins=OwnerReferencesPermissionEnforcement"
    with own_stack(tmp_path_factory.mktemp("bound"), admission) as stack:
        made = Bound(stack)
        stack.install()
        made.start_hook()
        made.plane.kubectl("create", "clusterrole", "metacontroller", "--verb=get", "--non-resource-url=/0")
        binding = ("metacontroller", "--clusterrole=metacontroller", f"--user={USER}")
        made.plane.kubectl("create", "clusterrolebinding", *binding)
        yield made


@pytest.fixture
def namespace(bound: Bound) -> Iterator[str]:
    """A new namespace; afterwards Metacontroller is stopped and all Functions are deleted."""
    name = f"bound-{next(_numbers)}"
    bound.plane.kubectl("create", "namespace", name)
    yield name
    for process in set(bound.stack.processes.running) - {"hook"}:
        bound.stack.processes.stop(process)
    functions = f"{GROUP}/namespaces/{name}/functions"
    bound.plane.call("DELETE", functions)
    for function in bound.stack.list("functions", name):
        path = f"{functions}/{function['metadata']['name']}"
        bound.plane.call("PATCH", path, {"metadata": {"finalizers": None}}, kind="application/merge-patch+json")
    # In a namespace that is being deleted the API server refuses children, which would count as refused.
    wait_until(lambda: not bound.stack.list("functions", name), "no Function to be left")
    bound.plane.kubectl("delete", "namespace", name, "--wait=false")


def short(stack: Stack, namespace: str) -> Iterator[Callable[[], Any]]:
    """Make Metacontroller do everything it ever does to an object; yield a check that each step is over."""
    create_function(stack, namespace, "first", **AUTOSCALED)
    yield lambda: len(stack.versions(namespace, "first")) == 4 and stack.condition(namespace, "first", "Ready")
    forbid_variable(stack, namespace, "FORBIDDEN")
    create_function(stack, namespace, "refused", env=FORBIDDEN)
    yield lambda: has_repeated_event(stack, namespace)
    for kind in KINDS:
        stack.patch(kind, namespace, "first", {"metadata": {"labels": {MARK: "theirs"}}})
    yield lambda: all(each["labels"][MARK] != "theirs" for each in children_metadata(stack, namespace, "first"))
    stack.plane.call("DELETE", f"{GROUP}/namespaces/{namespace}/functions/first")
    yield lambda: stack.get("functions", namespace, "first") is None
    # Last, since on this API server setting an owner needs the permission to delete the object.
    create_function(stack, namespace, "second", **AUTOSCALED)
    yield lambda: len(stack.versions(namespace, "second")) == 4
    for kind in KINDS:
        stack.patch(kind, namespace, "second", {"metadata": {"ownerReferences": None}})
    yield lambda: all(each.get("ownerReferences") for each in children_metadata(stack, namespace, "second"))


def whole(stack: Stack, namespace: str) -> Iterator[Callable[[], Any]]:
    """A Function that is created, scaled, edited, invalid, valid, loses its children and is deleted; then short()."""
    create_function(stack, namespace)
    yield lambda: stack.is_ready(namespace, "hello")
    edit_function(stack, namespace, **AUTOSCALED)
    yield lambda: stack.get("horizontalpodautoscalers", namespace, "hello") and stack.is_ready(namespace, "hello")
    edit_function(stack, namespace, scaleConfig=None, replicas=1)
    yield lambda: not stack.get("horizontalpodautoscalers", namespace, "hello") and stack.is_ready(namespace, "hello")
    edit_function(stack, namespace, runtime="cobol")
    yield lambda: stack.condition(namespace, "hello", "Stalled").get("status") == "True"
    edit_function(stack, namespace, runtime="python312", env=[{"name": "A", "value": "b"}])
    yield lambda: stack.condition(namespace, "hello", "Stalled").get("status") != "True"
    yield lambda: stack.is_ready(namespace, "hello")
    for kind in ("deployments", "services", "serviceaccounts"):
        stack.plane.kubectl("delete", kind, "hello", "-n", namespace)
    yield lambda: len(stack.versions(namespace, "hello")) == 3 and stack.is_ready(namespace, "hello")
    yield from short(stack, namespace)
    for name in ("hello", "second", "refused"):
        stack.plane.call("DELETE", f"{GROUP}/namespaces/{namespace}/functions/{name}")
    yield lambda: stack.list("functions", namespace) == []
    yield lambda: not any(stack.versions(namespace, name) for name in ("hello", "second", "refused"))


def with_configs(stack: Stack, namespace: str) -> Iterator[Callable[[], Any]]:
    """A Function whose Secret and ConfigMap are created later."""
    env = [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "theirs", "key": "a"}}},
        {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "theirs", "key": "b"}}},
    ]
    create_function(stack, namespace, env=env)
    yield lambda: reason(stack, namespace) == "ConfigMissing"
    stack.plane.kubectl("create", "secret", "generic", "theirs", "--from-literal=a=1", "-n", namespace)
    stack.plane.kubectl("create", "configmap", "theirs", "--from-literal=b=1", "-n", namespace)
    yield lambda: reason(stack, namespace) not in ("", "ConfigMissing")


def synced(stack: Stack, namespace: str) -> Iterator[Callable[[], Any]]:
    """A Function is created and synced once."""
    create_function(stack, namespace)
    yield lambda: reason(stack, namespace)


def reason(stack: Stack, namespace: str) -> str:
    """Return the reason of the Function's Ready condition, "" before there is one."""
    return str(stack.condition(namespace, "hello", "Ready").get("reason", ""))


def from_git(stack: Stack, namespace: str) -> Iterator[Callable[[], Any]]:
    """A Function from Git that is fetched, changed by others, deleted and adopted again; and one for each sourceRef."""
    repository = {"url": "https://git.example/r.git", "baseDir": "/", "reference": "main"}
    for kind in ("OCIRepository", "Bucket", "ExternalArtifact"):
        create_function(stack, namespace, kind.lower(), source={"sourceRef": {"kind": kind, "name": "code"}})
        yield partial(stack.condition, namespace, kind.lower(), "Ready")
    for name in ("hello", "second"):
        create_function(stack, namespace, name, source={"gitRepository": repository})
        yield partial(stack.get, "gitrepositories", namespace, name)
        found = stack.get("gitrepositories", namespace, name) or {}
        status = source_controller.fetched(found, "main@sha1:" + "1" * 40)
        stack.patch("gitrepositories", namespace, name, {"status": status}, status=True)
        yield partial(stack.get, "deployments", namespace, name)
    stack.patch("gitrepositories", namespace, "hello", {"metadata": {"labels": {MARK: "theirs"}}})
    yield lambda: (stack.get("gitrepositories", namespace, "hello") or {})["metadata"]["labels"][MARK] != "theirs"
    stack.plane.call("DELETE", f"{GROUP}/namespaces/{namespace}/functions/hello")
    yield lambda: stack.get("functions", namespace, "hello") is None
    stack.patch("gitrepositories", namespace, "second", {"metadata": {"ownerReferences": None}})
    yield lambda: (stack.get("gitrepositories", namespace, "second") or {})["metadata"].get("ownerReferences")


def has_repeated_event(stack: Stack, namespace: str) -> bool:
    """Return whether a SyncError event has a count above 1: Metacontroller has then patched an event."""
    _, events = stack.plane.call("GET", f"/api/v1/namespaces/{namespace}/events")
    return any(each["reason"] == "SyncError" and each.get("count", 1) > 1 for each in events["items"])


def metrics_page(port: int) -> str:
    """Return Metacontroller's metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
        return str(response.read().decode())


def children_metadata(stack: Stack, namespace: str, name: str) -> list[Manifest]:
    return [(stack.get(kind, namespace, name) or {})["metadata"] for kind in KINDS]


@pytest.mark.parametrize("environment", [{}, LISTING], ids=["streaming", "listing"])
def test_nothing_is_refused(bound: Bound, namespace: str, environment: dict[str, str]) -> None:
    """clusterrole.yaml is enough for a whole life cycle; no source is logged, and every metric of the docs exists."""
    bound.bind(LEAST)
    metrics = bound.start(namespace, **environment)
    assert bound.refused_during(namespace, whole) == set()
    assert "def main" not in bound.stack.processes.log("metacontroller")
    shown = metrics_page(metrics)
    named = set(re.findall(r"`((?:metacontroller|workqueue|rest_client|controller_runtime|leader_election)_\w+)", DOCS))
    assert named, "docs/metacontroller.md names no metric"
    assert {name for name in named if name not in shown} == set()


def test_related_pods_need_one_rule(bound: Bound, namespace: str, request: pytest.FixtureRequest) -> None:
    """With `related.pods: false` Metacontroller does not need the rule for pods."""
    bound.start_hook("related: {pods: false}")
    request.addfinalizer(bound.start_hook)
    bound.bind([rule for rule in LEAST if rule["resources"] != ["pods"]])
    bound.start(namespace)
    assert bound.refused_during(namespace, short) == set()


def test_nothing_is_refused_with_configs(bound: Bound, namespace: str) -> None:
    """Where Secrets and ConfigMaps are related objects, clusterrole.yaml and with-configs.yaml are enough."""
    bound.bind(LEAST + CONFIGS)
    bound.start(namespace)
    assert bound.refused_during(namespace, with_configs) == set()


@pytest.mark.parametrize(
    ("granted", "refused"), [(LEAST, {"list secrets"}), (LEAST + CONFIGS, set())], ids=["least", "with-configs"]
)
def test_a_ca_bundle_in_a_secret(
    bound: Bound, namespace: str, granted: list[Manifest], refused: set[str], request: pytest.FixtureRequest
) -> None:
    """A caBundle in a Secret makes Metacontroller watch all Secrets, which with-configs.yaml allows."""
    bound.ca_bundle({"secretRef": {"name": "ca", "namespace": namespace}})
    request.addfinalizer(lambda: bound.ca_bundle(None))
    certificate = bound.plane.directory / "tls" / "apiserver.crt"
    bound.plane.kubectl("create", "secret", "generic", "ca", f"--from-file=ca.crt={certificate}", "-n", namespace)
    bound.bind(granted)
    metrics = bound.start(namespace, **LISTING)
    assert bound.refused_during(namespace, synced) == refused
    if refused:
        wait_until(lambda: 'rest_client_requests_total{code="403"' in metrics_page(metrics), "the metric of the docs")


@pytest.mark.parametrize(
    ("life", "rule"),
    [(short, rule) for rule in LEAST] + [(with_configs, rule) for rule in CONFIGS],
    ids=map(name_of, LEAST + CONFIGS),
)
def test_every_permission_is_needed(bound: Bound, namespace: str, life: Life, rule: Manifest) -> None:
    """Without one verb on one resource, the first refused request is this verb on this resource."""
    bound.bind([each for each in LEAST + CONFIGS if each is not rule])
    bound.start(namespace, **LISTING)
    assert bound.refused_during(namespace, life) == {name_of(rule)}


@pytest.mark.parametrize(
    ("level", "shown"), [("info", set()), ("4", set()), ("5", {"edited-value"}), ("6", {"edited-value", "first-value"})]
)
def test_log_levels(bound: Bound, namespace: str, level: str, shown: set[str]) -> None:
    """Up to level 4 no environment value is logged, at level 5 those that an update changes, at level 6 all."""
    bound.bind(LEAST)
    bound.start(namespace, f"--zap-log-level={level}", name=f"level-{level}")
    create_function(bound.stack, namespace, env=[{"name": "A", "value": "first-value"}])
    wait_until(lambda: bound.stack.is_ready(namespace, "hello"), "the Function to be ready")
    edit_function(bound.stack, namespace, env=[{"name": "A", "value": "edited-value"}])
    wait_until(lambda: "edited-value" in str(bound.stack.get("deployments", namespace, "hello")), "the edit")
    log = bound.stack.processes.log(f"level-{level}")
    assert "Updating" in log
    assert {value for value in ("first-value", "edited-value") if value in log} == shown


def test_the_other_replica_takes_over(bound: Bound, namespace: str) -> None:
    """When the leading replica stops, the second one takes over; no request is refused."""
    bound.bind(LEAST)
    bound.start(namespace)
    create_function(bound.stack, namespace)
    wait_until(lambda: bound.stack.is_ready(namespace, "hello"), "the first replica to sync")
    bound.start(namespace, name="standby")
    wait_until(lambda: "attempting to acquire leader lease" in bound.stack.processes.log("standby").lower(), "standby")
    bound.stack.processes.stop("metacontroller")
    edit_function(bound.stack, namespace, replicas=2)
    wait_until(
        lambda: (bound.stack.get("deployments", namespace, "hello") or {})["spec"]["replicas"] == 2, "the edit", 60
    )
    assert bound.refused() == set()


@pytest.fixture(scope="module")
def with_git(bound: Bound, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bound]:
    """The same with the custom resources of Flux and git.enabled."""
    flux.enable(bound.stack, tmp_path_factory.mktemp("git"))
    yield bound
    bound.start_hook()
    bound.stack.install_controller()


def test_nothing_is_refused_with_git(with_git: Bound, namespace: str) -> None:
    """With git.enabled, clusterrole.yaml and with-git.yaml are enough."""
    with_git.bind(LEAST + GIT)
    with_git.start(namespace)
    assert with_git.refused_during(namespace, from_git) == set()


@pytest.mark.parametrize("rule", GIT, ids=name_of)
def test_every_permission_for_git_is_needed(with_git: Bound, namespace: str, rule: Manifest) -> None:
    """Without one verb on one resource of Flux, the first refused request is this verb on this resource."""
    with_git.bind([each for each in LEAST + GIT if each is not rule])
    with_git.start(namespace, **LISTING)
    assert with_git.refused_during(namespace, from_git) == {name_of(rule)}
