"""Functions in both versions, with a real API server that converts through the hook, and Metacontroller."""

import ast
import itertools
import json
import ssl
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from support.cluster.admission import install_policies
from support.cluster.control_plane import wait_until
from support.cluster.functions import comparable, function, is_ready
from support.cluster.stack import GROUP, KINDS, ROOT, Stack, own_stack
from support.cluster.versions import CRD_PATH, V2_GROUP, Converter
from support.random_functions import function as random_function

from hooks.convert import KEPT, convert
from hooks.moved_fields import VERSIONS

Manifest = dict[str, Any]

V1, V2 = VERSIONS
_numbers = itertools.count(1)
VERDICTS = 300
LIST = 500


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A control plane of its own, with all components."""
    with own_stack(tmp_path_factory.mktemp("v2alpha1")) as made:
        made.install()
        made.start_hook()
        made.start_metacontroller()
        yield made


@pytest.fixture(scope="module")
def converter(stack: Stack) -> Converter:
    """The hook as conversion webhook, with v2alpha1 served."""
    made = Converter(stack)
    made.start()
    made.turn_on()
    return made


@pytest.fixture
def both(stack: Stack, converter: Converter) -> Iterator[tuple[Stack, str]]:
    """The stack with both versions, and a namespace."""
    name = f"versions-{next(_numbers)}"
    stack.plane.kubectl("create", "namespace", name)
    yield stack, name
    stack.plane.kubectl("delete", "functions", "--all", "-n", name, "--wait=false")


def url(version: str, namespace: str, name: str = "") -> str:
    return f"{GROUP if version == V1 else V2_GROUP}/namespaces/{namespace}/functions{name and '/'}{name}"


def call(stack: Stack, method: str, path: str, body: Any = None, kind: str = "application/json") -> Manifest:
    code, answer = stack.plane.call(method, path, body, kind=kind)
    assert code < 300, answer
    return answer


def merge(stack: Stack, path: str, spec: Manifest) -> Manifest:
    return call(stack, "PATCH", path, {"spec": spec}, "application/merge-patch+json")


def in_v2(name: str, **spec: Any) -> Manifest:
    return convert(function(name, **spec), V2)


def test_create_read_edit_and_watch(both: tuple[Stack, str]) -> None:
    """An object of either version is read, edited and watched in both; what v2alpha1 lacks survives its edits."""
    stack, namespace = both
    resources = {"function": {"resources": {"limits": {"cpu": 1}, "claims": []}}, "build": {"profile": "S"}}
    first = call(stack, "POST", url(V1, namespace), function("a", resourceConfiguration=resources))
    second = call(stack, "POST", url(V2, namespace), in_v2("b", resourceConfiguration={"function": {"profile": "S"}}))
    assert second["spec"]["resourceConfiguration"] == {"profile": "S"}
    start = first["metadata"]["resourceVersion"]
    read = call(stack, "GET", url(V2, namespace, "a"))
    assert read["spec"]["resourceConfiguration"] == {"limits": {"cpu": 1}}
    merge(stack, url(V2, namespace, "a"), {"replicas": 3})
    assert call(stack, "GET", url(V1, namespace, "a"))["spec"]["resourceConfiguration"] == resources
    merge(stack, url(V2, namespace, "a"), {"resourceConfiguration": {"limits": {"cpu": 2}}})
    stored = call(stack, "GET", url(V1, namespace, "a"))
    wanted = {"function": {"resources": {"limits": {"cpu": 2}}}, "build": {"profile": "S"}}
    assert (stored["spec"]["resourceConfiguration"], stored["spec"]["replicas"]) == (wanted, 3)
    assert KEPT not in stored["metadata"].get("annotations", {})
    assert call(stack, "GET", V2_GROUP.rpartition("/")[0])["preferredVersion"]["version"] == "v2alpha1"
    merge(stack, url(V1, namespace, "b"), {"resourceConfiguration": {"function": {"profile": "M"}}})
    assert call(stack, "GET", url(V2, namespace, "b"))["spec"]["resourceConfiguration"] == {"profile": "M"}
    for version in VERSIONS:
        arguments = ("get", "--raw", f"{url(version, namespace)}?watch=1&timeoutSeconds=2&resourceVersion={start}")
        events = [json.loads(line) for line in stack.plane.kubectl(*arguments).splitlines()]
        assert {event["object"]["apiVersion"] for event in events} == {version}
        assert {event["object"]["metadata"]["name"] for event in events} == {"a", "b"}


def test_two_managers_each_with_its_version(both: tuple[Stack, str]) -> None:
    """Server-side apply in both versions: each manager owns its fields, a conflict names the field, none is lost."""
    stack, namespace = both

    def apply(version: str, manager: str, spec: Manifest, query: str = "") -> tuple[int, Manifest]:
        body = {"apiVersion": version, "kind": "Function", "metadata": {"name": "a"}, "spec": spec}
        path = f"{url(version, namespace, 'a')}?fieldManager={manager}{query}"
        return stack.plane.call("PATCH", path, body, kind="application/apply-patch+yaml")

    source = {"inline": {"source": "def main(e, c): pass"}}
    first: Manifest = {"runtime": "python314", "source": source, "resourceConfiguration": {"build": {"profile": "S"}}}
    assert apply(V1, "one", first)[0] == 201
    second: Manifest = {"runtime": "python314", "source": {"inline": "def main(e, c): pass"}, "replicas": 2}
    code, answer = apply(V2, "two", second | {"resourceConfiguration": {"limits": {"cpu": 1}}})
    assert code == 200, answer
    stored = call(stack, "GET", url(V1, namespace, "a"))
    wanted = {"build": {"profile": "S"}, "function": {"resources": {"limits": {"cpu": 1}}}}
    assert stored["spec"]["resourceConfiguration"] == wanted
    applied = {
        each["manager"]: each["apiVersion"]
        for each in stored["metadata"]["managedFields"]
        if each["operation"] == "Apply"
    }
    assert applied == {"one": V1, "two": V2}
    code, answer = apply(V1, "one", first | {"replicas": 5})
    assert code == 409
    assert ".spec.replicas" in answer["message"]
    assert apply(V1, "one", first | {"replicas": 5}, "&force=true")[0] == 200
    code, answer = apply(V2, "two", {key: second[key] for key in ("runtime", "source")})
    assert code == 200, answer
    stored = call(stack, "GET", url(V1, namespace, "a"))
    assert (stored["spec"]["replicas"], stored["spec"]["source"]) == (5, source)
    assert stored["spec"]["resourceConfiguration"] == {"build": {"profile": "S"}}
    for version, manager, spec in (
        (V1, "one", first | {"replicas": 5}),
        (V2, "two", {key: second[key] for key in ("runtime", "source")}),
    ):
        before = call(stack, "GET", url(V1, namespace, "a"))["metadata"]
        after = apply(version, manager, spec)[1]["metadata"]
        assert after["generation"] == before["generation"]
        assert _applied(after) == _applied(before)


def _applied(metadata: Manifest) -> list[Manifest]:
    return [each for each in metadata["managedFields"] if each["operation"] == "Apply"]


def test_kubectl(both: tuple[Stack, str]) -> None:
    """`kubectl explain` describes the fields of each version, `get -o yaml` prints them, `apply` takes them."""
    stack, namespace = both
    kubectl, api_version = stack.plane.kubectl, "--api-version=serverless.kyma-project.io/"
    assert "init container" in kubectl(
        "explain", "functions.spec.resourceConfiguration.install", api_version + "v2alpha1"
    )
    assert "inline\t<string>" in kubectl("explain", "functions.spec.source", api_version + "v2alpha1")
    assert "build\t<Object>" in kubectl("explain", "functions.spec.resourceConfiguration", api_version + "v1alpha2")
    for _ in range(2):
        kubectl("apply", "-n", namespace, "-f", "-", stdin=in_v2("a", replicas=2))
    for version in VERSIONS:
        resource = f"functions.{version.rpartition('/')[2]}.serverless.kyma-project.io"
        found = yaml.safe_load(kubectl("get", resource, "a", "-n", namespace, "-o", "yaml"))
        assert (found["apiVersion"], found["spec"]["replicas"]) == (version, 2)
        assert isinstance(found["spec"]["source"]["inline"], str) == (version == V2)
        assert "REPLICAS" in kubectl("get", resource, "-n", namespace)


def test_edits_while_the_status_is_written(both: tuple[Stack, str]) -> None:
    """No edit in v2alpha1 is lost, and each that was refused met a newer object; the status is that of the last one."""
    stack, namespace = both
    path = url(V2, namespace, "a")
    call(stack, "POST", url(V2, namespace), in_v2("a"))
    for number in range(1, 21):
        assert edited(stack, path, {"name": f"E{number}", "value": "1"})

    def settled() -> bool:
        found = call(stack, "GET", path)
        seen = {each.get("observedGeneration") for each in found["status"]["conditions"]}
        return seen == {found["metadata"]["generation"]}

    wait_until(settled, "the status of the last edit", 60)
    stored = call(stack, "GET", url(V1, namespace, "a"))["spec"]
    assert [each["name"] for each in stored["env"]] == [f"E{number}" for number in range(1, 21)]


def edited(stack: Stack, path: str, variable: Manifest) -> bool:
    """Add a variable as `kubectl edit` does, with the resourceVersion that was read; repeat it after a conflict."""
    for _ in range(50):
        found = call(stack, "GET", path)
        found["spec"].setdefault("env", []).append(variable)
        code, answer = stack.plane.call("PUT", path, found)
        assert code in (200, 409), answer
        if code == 200:
            return True
    return False


def test_kubectl_scale_and_wait(both: tuple[Stack, str]) -> None:
    """`kubectl scale` sets replicas through v2alpha1 and nothing else; `kubectl wait` sees the conditions there."""
    stack, namespace = both
    resource = "functions.v2alpha1.serverless.kyma-project.io"
    call(stack, "POST", url(V1, namespace), function("a", resourceConfiguration={"build": {"profile": "S"}}))
    before = call(stack, "GET", url(V1, namespace, "a"))["spec"]
    stack.plane.kubectl("scale", resource, "a", "-n", namespace, "--replicas=2")
    assert call(stack, "GET", url(V1, namespace, "a"))["spec"] == before | {"replicas": 2}
    assert call(stack, "GET", f"{url(V2, namespace, 'a')}/scale")["spec"] == {"replicas": 2}
    wait_until(lambda: stack.is_ready(namespace, "a"), "a to be ready", 60)
    wait = ("wait", "--for=condition=Ready", f"{resource}/a", "-n", namespace)
    assert "condition met" in stack.plane.kubectl(*wait, "--timeout=20s")
    assert call(stack, "GET", f"{url(V2, namespace, 'a')}/scale")["status"]["replicas"] == 2


@pytest.mark.parametrize("cascade", ["background", "foreground"])
def test_a_deletion_ends_the_children(both: tuple[Stack, str], cascade: str) -> None:
    """The garbage collector, which prefers v2alpha1, deletes the children of a Function of either version."""
    stack, namespace = both
    call(stack, "POST", url(V1, namespace), function("a"))
    call(stack, "POST", url(V2, namespace), in_v2("b"))
    wait_until(lambda: all(len(stack.versions(namespace, name)) == 3 for name in "ab"), "the children", 60)
    resource = "functions.v2alpha1.serverless.kyma-project.io"
    stack.plane.kubectl("delete", resource, "a", "b", "-n", namespace, f"--cascade={cascade}", "--timeout=50s")
    wait_until(lambda: not any(stack.versions(namespace, name) for name in "ab"), "the end of the children", 60)


def test_a_namespace_is_deleted(stack: Stack, converter: Converter) -> None:
    """The namespace controller deletes Functions of both versions with their namespace."""
    namespace = f"versions-{next(_numbers)}"
    stack.plane.kubectl("create", "namespace", namespace)
    call(stack, "POST", url(V1, namespace), function("a"))
    call(stack, "POST", url(V2, namespace), in_v2("b"))
    wait_until(lambda: stack.versions(namespace, "a") and stack.versions(namespace, "b"), "children", 60)
    stack.plane.kubectl("delete", "namespace", namespace, "--timeout=55s")
    assert call(stack, "GET", url(V1, namespace))["items"] == []


def test_both_versions_have_the_same_verdicts(both: tuple[Stack, str]) -> None:
    """A Function that v1alpha2 accepts or refuses is accepted or refused as v2alpha1 too."""
    stack, namespace = both
    found = {}
    for seed in range(VERDICTS):
        random = Random(seed)
        names, parent = random_function(random)
        whole = {"apiVersion": V1, "kind": "Function"} | deepcopy(parent)
        other = convert(whole, V2)
        if KEPT in other["metadata"].get("annotations", {}):
            continue
        answers = [
            stack.plane.call("POST", f"{url(each['apiVersion'], namespace)}?dryRun=All", each)
            for each in (whole, other)
        ]
        if answers[0][0] != answers[1][0] and "exactly one of profile and resources" not in str(answers[0]):
            found[seed] = (names, *(str(answer.get("message"))[:300] for _, answer in answers))
    assert not found


def test_messages_have_own_paths(both: tuple[Stack, str]) -> None:
    """The API server and the status of a Function name the fields of v2alpha1 as v2alpha1 has them."""
    stack, namespace = both
    broken = in_v2(
        "a", resourceConfiguration={"function": {"resources": {"requests": {"cpu": 2}, "limits": {"cpu": 1}}}}
    )
    code, answer = stack.plane.call("POST", url(V2, namespace), broken)
    assert code == 422
    assert "spec.resourceConfiguration.requests: Invalid value" in answer["message"]
    unknown = in_v2("a", resourceConfiguration={"function": {"profile": "HUGE"}})
    call(stack, "POST", url(V2, namespace), unknown)

    def message(version: str) -> str:
        conditions = call(stack, "GET", url(version, namespace, "a"))["status"]["conditions"]
        return str(next(each["message"] for each in conditions if each["type"] == "Stalled"))

    wait_until(lambda: _stalled(stack, namespace), "Stalled")
    assert message(V1).startswith('spec.resourceConfiguration.function.profile: Unsupported value: "HUGE"')
    assert message(V2).startswith('spec.resourceConfiguration.profile: Unsupported value: "HUGE"')


def _stalled(stack: Stack, namespace: str) -> Manifest:
    return stack.condition(namespace, "a", "Stalled")


def test_children_are_those_of_the_twin(both: tuple[Stack, str]) -> None:
    """Equal Functions in both versions have equal children, no write at rest, and one rollout for an edit."""
    stack, namespace = both
    twin = f"{namespace}-twin"
    stack.plane.kubectl("create", "namespace", twin)
    spec: Manifest = {
        "scaleConfig": {"minReplicas": 1, "maxReplicas": 2},
        "resourceConfiguration": {"function": {"profile": "S"}},
    }
    call(stack, "POST", url(V2, namespace), in_v2("hello", **spec))
    call(stack, "POST", url(V1, twin), function("hello", **spec))
    for place in (namespace, twin):
        wait_until(lambda: stack.is_ready(place, "hello"), f"hello in {place}", 60)  # noqa: B023 - called here only
    for kind in KINDS:
        ours, theirs = (stack.get(kind, place, "hello") for place in (namespace, twin))
        assert ours is not None
        assert theirs is not None
        assert _anonymous(ours, namespace) == _anonymous(theirs, twin)
    time.sleep(3)
    mark, versions = stack.plane.mark(), stack.versions(namespace, "hello")
    time.sleep(5)
    assert not stack.plane.writes(mark)
    assert stack.versions(namespace, "hello") == versions
    edit = {"resourceConfiguration": {"profile": "M"}}
    generation = merge(stack, url(V2, namespace, "hello"), edit)["metadata"]["generation"]
    wait_until(lambda: stack.is_ready(namespace, "hello", generation), "the rollout", 60)
    assert len(stack.list("replicasets", namespace)) == 2
    assert is_ready(call(stack, "GET", url(V2, namespace, "hello")))


def _anonymous(child: Manifest, namespace: str) -> str:
    metadata = {"uid", "ownerReferences"}
    text = json.dumps(comparable(child, metadata), sort_keys=True).replace(f'"{namespace}"', '"namespace"')
    uid = child["metadata"]["ownerReferences"][0]["uid"]
    return text.replace(uid, "uid")


def test_the_policy_matches_both_versions(both: tuple[Stack, str]) -> None:
    """The admission policies, which name v1alpha2, also check what is written as v2alpha1."""
    stack, namespace = both
    install_policies(stack.plane)
    refused = in_v2("refused", resourceConfiguration={"function": {"profile": "HUGE"}})
    path = f"{url(V2, namespace)}?dryRun=All"
    answer = wait_until(lambda: _refusal(stack, path, refused), "the policy", 60)
    assert 'Unsupported value: "HUGE"' in answer["message"]
    assert stack.plane.call("POST", path, in_v2("accepted"))[0] == 201
    stack.plane.kubectl("delete", "validatingadmissionpolicybindings", "--all")


def _refusal(stack: Stack, path: str, body: Manifest) -> Manifest | None:
    code, answer = stack.plane.call("POST", path, body)
    return answer if code == 422 else None


def test_a_list_of_many(both: tuple[Stack, str]) -> None:
    """A list of hundreds of Functions, which Metacontroller ignores meanwhile, is read as v2alpha1 in full."""
    stack, namespace = both
    stack.processes.stop("metacontroller")
    try:
        items = [function(f"f{number}", replicas=0) for number in range(LIST)]
        several = {"apiVersion": "v1", "kind": "List", "items": items}
        stack.plane.kubectl("create", "-n", namespace, "-f", "-", stdin=several)
        for version in (*VERSIONS, *VERSIONS):
            began = time.monotonic()
            found = call(stack, "GET", url(version, namespace))["items"]
            print(f"{version}: {len(found)} Functions in {time.monotonic() - began:.3f} s")
            assert len(found) == LIST
        assert stack.plane.call("DELETE", url(V1, namespace))[0] == 200
    finally:
        stack.start_metacontroller()


def test_a_new_certificate_is_used(both: tuple[Stack, str], converter: Converter) -> None:
    """The hook presents a replaced certificate without a restart; the CRD with its authority reads again."""
    stack, namespace = both
    call(stack, "POST", url(V2, namespace), in_v2("a"))
    converter.make_certificate()
    presented = ssl.get_server_certificate(("127.0.0.1", converter.port))
    assert presented.split() == Path(converter.certificate).read_text(encoding="ascii").split()
    converter.turn_on()
    assert call(stack, "GET", url(V2, namespace, "a"))["apiVersion"] == V2


def test_the_webhook_away_and_conversion_off(both: tuple[Stack, str], converter: Converter) -> None:
    """
    Without the webhook the stored version is read and written, and an error of v2alpha1 names the webhook.

    After conversion is turned off every Function is there with one version, and after it is turned on with both.
    """
    stack, namespace = both
    created = call(stack, "POST", url(V2, namespace), in_v2("a", replicas=2))
    converter.stop()
    try:
        merge(stack, url(V1, namespace, "a"), {"replicas": 3})
        assert call(stack, "GET", url(V1, namespace))["items"]
        call(stack, "POST", url(V1, namespace), function("b"))
        code, answer = stack.plane.call("POST", url(V2, namespace), in_v2("c"))
        assert code == 500
        assert "conversion webhook" in answer["message"]
    finally:
        converter.start()
    wait_until(converter.converts, "the webhook to be back", 60)
    assert call(stack, "GET", url(V2, namespace, "a"))["spec"]["replicas"] == 3
    assert stack.plane.call("GET", CRD_PATH)[1]["status"]["storedVersions"] == ["v1alpha2"]
    converter.turn_off()
    found = call(stack, "GET", url(V1, namespace, "a"))
    assert (found["metadata"]["uid"], found["spec"]["replicas"]) == (created["metadata"]["uid"], 3)
    merge(stack, url(V1, namespace, "a"), {"replicas": 4})
    converter.turn_on()
    assert call(stack, "GET", url(V2, namespace, "a"))["spec"]["replicas"] == 4


def test_the_uninstall_removes_v2alpha1(stack: Stack, converter: Converter) -> None:
    """The patch of the chart's uninstall Job leaves one version and no webhook; a second time it is refused."""
    converter.turn_on()
    code = (ROOT / "chart" / "files" / "jobs.py").read_text(encoding="utf-8")
    (patch,) = [
        ast.literal_eval(node.value)
        for node in ast.parse(code).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "WITHOUT_CONVERSION"
    ]
    kind = "application/json-patch+json"
    found = call(stack, "PATCH", CRD_PATH, patch, kind)["spec"]
    assert (found["conversion"], [each["name"] for each in found["versions"]]) == ({"strategy": "None"}, ["v1alpha2"])
    wait_until(lambda: converter.served() == ["v1alpha2"], "v2alpha1 to be gone")
    assert stack.plane.call("PATCH", CRD_PATH, patch, kind=kind)[0] == 422
