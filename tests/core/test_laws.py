"""
Laws: properties that hold for the answer of every golden case and of every generated Function.

A law's docstring is the rule. For a bug that no law excludes, write the law first.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support import kubelet, pod_security, strategies
from support.answers import children_belong, status_schema
from support.cases import NOW, ROOT, Case, all_cases, complete, settle
from support.offline_metacontroller import World, updated
from support.responses import comparable_child
from support.responses import respond as ask

from hooks.children import KINDS
from hooks.config import Config, Git
from hooks.flux import directory
from hooks.protocol import HookRequest
from hooks.quantity import canonical
from hooks.runtimes import FAMILIES, Family
from hooks.sync import sync

Manifest = dict[str, Any]

SELECTOR = {"function-name", "managed-by", "resource", "uuid"}
FREE_TEXT = ("labels", "annotations", "nodeSelector", "matchLabels", "selector")
SERVER_ONLY = {"uid", "resourceVersion", "creationTimestamp", "ownerReferences", "managedFields", "generation"}
CONFIG = Config()
GIT = Config(git=Git(enabled=True))

every_case = pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
many = settings(max_examples=6 * settings().max_examples, suppress_health_check=list(HealthCheck))
some = settings(max_examples=3 * settings().max_examples // 2, suppress_health_check=list(HealthCheck))


def first_answer(parent: Manifest) -> Manifest:
    return ask(World(parent).request())


def of_kind(answer: Manifest, kind: str) -> Manifest | None:
    return next((child for child in answer["children"] if child["kind"] == kind), None)


def pod_of(answer: Manifest) -> Manifest:
    deployment = of_kind(answer, "Deployment")
    assert deployment is not None
    return dict(deployment["spec"]["template"]["spec"])


def check_form(request: Manifest, answer: Manifest) -> None:
    """Laws 3, 4, 5, 8, 9, 11 and 14 on one answer."""
    for law in FORM:
        law(request, answer)


def children_are_declared(request: Manifest, answer: Manifest) -> None:
    """3, 12: every child is of a declared kind, each kind once, named like its Function, in its namespace."""
    children_belong(request, answer)
    for child in answer["children"]:
        assert set(child) <= {"apiVersion", "kind", "metadata", *KINDS[child["kind"]].fields}
        assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", child["metadata"]["name"])


def selectors_agree(_: Manifest, answer: Manifest) -> None:
    """4: Deployment and Service select pods by the same four keys, and the autoscaler targets the Deployment."""
    deployment, service = of_kind(answer, "Deployment"), of_kind(answer, "Service")
    if not deployment or not service:
        return
    selector = deployment["spec"]["selector"]["matchLabels"]
    assert {key.removeprefix("serverless.kyma-project.io/") for key in selector} == SELECTOR
    assert selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert service["spec"]["selector"] == selector
    if scaler := of_kind(answer, "HorizontalPodAutoscaler"):
        assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]


def nothing_is_empty_or_inexact(_: Manifest, answer: Manifest) -> None:
    """5: no status, null, float, empty value, non-canonical quantity or field that only the API server sets."""
    for child in answer["children"]:
        assert "status" not in child
        assert not SERVER_ONLY & set(child["metadata"])
        for path, value in leaves(child):
            assert value is not None, path
            assert not isinstance(value, float), path
            assert value not in ([], {}), path
            assert value != "" or any(word in path for word in FREE_TEXT), path
            if {"requests", "limits", "sizeLimit"} & set(path):
                assert value == canonical(value), path


def status_fits_the_schema(_: Manifest, answer: Manifest) -> None:
    """8: the status satisfies the CRD's schema, with unknown keys forbidden."""
    status_schema().validate(answer["status"])


def containers_are_restricted(request: Manifest, answer: Manifest) -> None:
    """9: every container has requests and limits, passes "restricted", and has no variable twice."""
    deployment = of_kind(answer, "Deployment")
    if not deployment:
        return
    assert not list(pod_security.of_template(deployment["spec"]["template"]))
    pod = pod_of(answer)
    assert pod["automountServiceAccountToken"] is bool(wants_token(request["parent"]["spec"]))
    for container in pod["containers"] + pod.get("initContainers", []):
        assert container["resources"]["requests"]
        assert container["resources"]["limits"]
        names = [entry["name"] for entry in container.get("env", [])]
        assert len(set(names)) == len(names)


def scripts_hold_no_user_text(_: Manifest, answer: Manifest) -> None:
    """11: commands are constants of the runtimes."""
    if not of_kind(answer, "Deployment"):
        return
    pod = pod_of(answer)
    starts, steps = zip(*map(scripts, FAMILIES.values()), strict=True)
    assert pod["containers"][0]["command"] in [["sh", "-c", script] for script in chain(*starts)]
    for container in pod.get("initContainers", []):
        assert container["command"] in [["sh", "-c", script] for script in chain(*steps)]
    assert not any("args" in container for container in pod["containers"] + pod.get("initContainers", []))


def scripts(family: Family) -> tuple[list[str], list[str]]:
    """Return the scripts of a family's main container, and those of its init containers."""
    fetched = family.fetched
    return [family.start, fetched.start], [family.install, fetched.fetch, fetched.install]


def credentials_stay_in_the_install_step(_: Manifest, answer: Manifest) -> None:
    """14: credentials of the package registry are mounted read-only in the init container only."""
    if not of_kind(answer, "Deployment"):
        return
    pod = pod_of(answer)
    kept = {
        volume["name"]
        for volume in pod.get("volumes", [])
        if volume.get("secret", {}).get("secretName") == CONFIG.package_registry_config_secret_name
    }
    assert not [mount for mount in pod["containers"][0].get("volumeMounts", []) if mount["name"] in kept]
    mounts = [mount for container in pod.get("initContainers", []) for mount in container.get("volumeMounts", [])]
    assert all(mount["readOnly"] for mount in mounts if mount["name"] in kept)


FORM: tuple[Callable[[Manifest, Manifest], None], ...] = (
    children_are_declared,
    selectors_agree,
    nothing_is_empty_or_inexact,
    status_fits_the_schema,
    containers_are_restricted,
    scripts_hold_no_user_text,
    credentials_stay_in_the_install_step,
)


@every_case
def test_form_of_cases(case: Case) -> None:
    """3, 4, 5, 8, 9, 11, 12, 14 hold for every case; a child returned as observed also has the API server's fields."""
    for law in FORM:
        if law is not nothing_is_empty_or_inexact or case.name != "broken-without-record":
            law(case.request, case.answer())


@many
@given(strategies.functions())
def test_form(parent: Manifest) -> None:
    """3, 4, 5, 8, 9, 11, 14 hold for every sound Function."""
    world = World(parent)
    answer = ask(world.request())
    assert answer["children"], answer["status"]["conditions"]
    check_form(world.request(), answer)


@many
@given(strategies.fetched_functions())
def test_form_of_fetched_sources(parent: Manifest) -> None:
    """3, 4, 5, 8, 9, 11, 14 hold for every sound Function that Flux fetches, before and after the first fetch."""
    world = World(parent, git=True)
    first = ask(world.request(), GIT)
    assert of_kind(first, "Deployment") is None
    check_form(world.request(), first)
    settle(world, GIT, NOW)
    answer = ask(world.request(), GIT)
    check_form(world.request(), answer)
    check_fetch(parent, pod_of(answer)["initContainers"][0])


def check_fetch(parent: Manifest, container: Manifest) -> None:
    """11, 14: the step that fetches has nothing of the user, except for the directory; that arrives byte for byte."""
    env = kubelet.environment(container["env"])
    source = parent["spec"]["source"]
    path = source["gitRepository"]["baseDir"] if "gitRepository" in source else source["sourceRef"].get("path", ".")
    assert env["SOURCE_PATH"] == directory(path)
    assert set(env) == {"SOURCE_URL", "SOURCE_DIGEST", "SOURCE_REVISION", "SOURCE_PATH", "SOURCE_MAX_BYTES"}
    assert container["name"] == "fetch-source"
    assert {mount["name"] for mount in container["volumeMounts"]} == {"sources", "tmp"}
    assert "envFrom" not in container


@some
@given(strategies.fetched_functions(), strategies.specs())
def test_fetched_sources_settle(parent: Manifest, other: Manifest) -> None:
    """6, 7: a settled Function from Git is silent, also an hour later; an edit and its reversal change nothing."""
    world = World(parent, git=True)
    settle(world, GIT, NOW)
    assert world.apply(ask(world.request(), GIT, now=NOW + timedelta(hours=1))) == []
    before = deepcopy(world.children)
    for spec in (other, parent["spec"]):
        world.edit(spec)
        settle(world, GIT, NOW)
    assume("scaleConfig" not in parent["spec"])
    assert set(world.children) == set(before)
    for key, child in world.children.items():
        assert comparable_child(child) == comparable_child(before[key])


@some
@given(strategies.fetched_functions(), strategies.specs())
def test_a_pending_fetch_touches_no_pod(parent: Manifest, other: Manifest) -> None:
    """13: until the artifact of an edited source counts, the Deployment stays as it is."""
    assume(other.get("serviceAccountName") != parent["metadata"]["name"])  # refused by a rule
    world = World(complete({"spec": other}) | {"metadata": parent["metadata"]}, git=True)
    settle(world, GIT, NOW)
    before = deepcopy(world.children["Deployment", parent["metadata"]["name"]])
    world.edit(parent["spec"])
    for _ in range(3):
        world.apply(ask(world.request(), GIT))
        assert world.children["Deployment", parent["metadata"]["name"]] == before


@every_case
def test_repeated_syncs(case: Case) -> None:
    """1 and 2: the same request has the same answer, and is unchanged afterwards."""
    before = deepcopy(case.request)
    request = HookRequest.parse(case.request)
    first = case.answer()
    assert case.answer() == first
    sync(request, case.config, now=case.now) if not case.request["finalizing"] else None
    assert case.request == before


@some
@given(strategies.functions())
def test_key_order(parent: Manifest) -> None:
    """1: the order of keys in the request does not matter."""
    request = World(parent).request()
    assert ask(json.loads(json.dumps(request, sort_keys=True))) == ask(backwards(request))


def test_hash_seed() -> None:
    """1: the hash seed does not matter, not even for the order of keys."""
    script = (
        "import orjson; from support import cases; print([orjson.dumps(case.answer()) for case in cases.all_cases()])"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT / "tests",
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert len(outputs[0]) > 10_000
    assert outputs[0] == outputs[1]


@every_case
def test_status_is_stable(case: Case) -> None:
    """6: a sync with the returned status, an hour later, returns it unchanged."""
    if "resyncAfterSeconds" in case.answer():
        return  # it requests a resync, since its status depends on the time: test_pending_ends
    request = deepcopy(case.request)
    request["parent"]["status"] = case.answer()["status"]
    request["parent"]["status"]["observedGeneration"] = request["parent"]["metadata"]["generation"]
    later = replace(case, request=request, now=case.now + timedelta(hours=1))
    assert later.answer()["status"] == case.answer()["status"]


@every_case
def test_the_scale_subresource(case: Case) -> None:
    """6: whatever the previous status, the status has the number of the Deployment's pods and their selector."""
    observed = case.request["children"]["Deployment.apps/v1"].values()
    if case.request["finalizing"] or not observed:
        return
    request = deepcopy(case.request)
    request["parent"]["status"] = {"replicas": 99, "podSelector": "app=other"}
    status = replace(case, request=request).answer()["status"]
    (deployment,) = observed
    assert status["replicas"] == deployment.get("status", {}).get("replicas", 0)
    selector = dict(label.split("=") for label in status["podSelector"].split(","))
    assert selector == deployment["spec"]["selector"]["matchLabels"]


@some
@given(strategies.functions())
def test_fixpoint(parent: Manifest) -> None:
    """7: once settled, another sync writes nothing, not even after an hour."""
    world = World(parent)
    assert settle(world, CONFIG, NOW)
    assert world.apply(ask(world.request(), now=NOW + timedelta(hours=1))) == []
    ready = {condition["type"]: condition["status"] for condition in world.parent["status"]["conditions"]}
    assert ready["Ready"] == "True"
    assert not {"Reconciling", "Stalled"} & set(ready)


@some
@given(strategies.functions(), strategies.specs())
def test_there_and_back(parent: Manifest, other: Manifest) -> None:
    """7: spec A, then B, then A again ends equal to A: fields that a spec drops are removed."""
    straight, around = World(parent), World(parent)
    settle(straight, CONFIG, NOW)
    settle(around, CONFIG, NOW)
    for spec in (other, parent["spec"]):
        around.edit(spec)
        settle(around, CONFIG, NOW)
    assume("scaleConfig" not in parent["spec"])  # an autoscaled Deployment keeps the replicas it has
    assert set(around.children) == set(straight.children)
    for key, child in around.children.items():
        assert comparable_child(child) == comparable_child(straight.children[key])


@every_case
def test_no_answer_deletes_by_mistake(case: Case) -> None:
    """10: an answer without children deletes none or belongs to a deletion; `finalized` comes when none is observed."""
    answer = case.answer()
    observed = [child for group in case.request["children"].values() for child in group]
    if not answer["children"]:
        assert case.request["finalizing"] or not observed
    assert answer.get("finalized", False) == (case.request["finalizing"] and not observed)


@many
@given(strategies.functions())
def test_text_arrives_exactly(parent: Manifest) -> None:
    """11: source and dependencies are the same bytes after the kubelet's expansion."""
    pod, inline = pod_of(first_answer(parent)), parent["spec"]["source"]["inline"]
    env = kubelet.environment(pod["containers"][0]["env"])
    assert env["FUNC_HANDLER_SOURCE"] + env.get("FUNC_HANDLER_SOURCE_2", "") == inline["source"]
    if inline.get("dependencies", "").strip():
        env = kubelet.environment(pod["initContainers"][0]["env"])
        assert env["FUNC_HANDLER_DEPENDENCIES"] == inline["dependencies"]
    else:
        assert "initContainers" not in pod


@some
@given(strategies.functions(), strategies.scales, st.integers(0, 6))
def test_autoscaled_replicas(parent: Manifest, scale: Manifest, observed: int) -> None:
    """12: an autoscaled Function's replicas are the observed ones, or minReplicas if there are none."""
    parent["spec"] |= {"scaleConfig": scale, "replicas": 1}
    world = World(parent)
    deployment = of_kind(ask(world.request()), "Deployment")
    assert deployment is not None
    assert deployment["spec"]["replicas"] == scale["minReplicas"]
    settle(world, CONFIG, NOW)
    world.children["Deployment", parent["metadata"]["name"]]["spec"]["replicas"] = observed
    moved = of_kind(ask(world.request()), "Deployment")
    assert moved is not None
    assert moved["spec"]["replicas"] == (observed or scale["minReplicas"])


@some
@given(strategies.functions())
def test_nothing_rolls_by_itself(parent: Manifest) -> None:
    """13: the same spec has the same pod template, whatever the status, the children or the time."""
    world = World(parent)
    before = of_kind(ask(world.request()), "Deployment")
    settle(world, CONFIG, NOW)
    after = of_kind(ask(world.request(), now=NOW + timedelta(days=9)), "Deployment")
    assert before is not None
    assert after is not None
    assert before["spec"]["template"] == after["spec"]["template"]


@some
@given(strategies.functions())
def test_mistakes_touch_nothing(parent: Manifest) -> None:
    """A broken spec writes the status once and no child; the corrected spec writes the status only."""
    world = World(parent)
    settle(world, CONFIG, NOW)
    sound, children = deepcopy(world.parent["spec"]), deepcopy(world.children)
    world.edit(sound | {"runtime": "cobol"})
    assert world.apply(ask(world.request())) == ["status"]
    assert world.apply(ask(world.request(), now=NOW + timedelta(hours=1))) == []
    assert world.children == children
    world.edit(sound)
    assert world.apply(ask(world.request())) == ["status"]


def test_pending_ends() -> None:
    """A child that is not observed is pending for a few seconds, then not created until it is observed."""
    world = World(next(case for case in all_cases() if case.name == "minimal-nodejs").request["parent"])
    settle(world, CONFIG, NOW)
    del world.children["Service", "hello"]
    reasons = []
    for seconds in (0, 3, 6, 60):
        answer = ask(world.request(), now=NOW + timedelta(seconds=seconds))
        world.parent["status"] = answer["status"]
        reasons.append(answer["status"]["conditions"][2]["reason"])
    assert reasons == ["ChildrenPending", "ChildrenPending", "ChildrenNotCreated", "ChildrenNotCreated"]


def test_the_model_writes_what_differs() -> None:
    """The offline model writes a quantity that the API server rewrites on every sync."""
    world = World(next(case for case in all_cases() if case.name == "minimal-nodejs").request["parent"])
    settle(world, CONFIG, NOW)
    answer = ask(world.request())
    of_kind(answer, "Deployment")["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "800000u"  # type: ignore[index]
    assert world.apply(deepcopy(answer)) == ["update Deployment/hello"]
    assert world.apply(deepcopy(answer)) == ["update Deployment/hello"]


def wants_token(spec: Manifest) -> bool:
    given: bool = spec.get("automountServiceAccountToken", "serviceAccountName" in spec)
    return given


def backwards(value: Any) -> Any:
    """Return the same JSON with the keys of all maps in reverse order."""
    if isinstance(value, dict):
        return {key: backwards(value[key]) for key in sorted(value, reverse=True)}
    return [backwards(item) for item in value] if isinstance(value, list) else value


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every value that is not a filled map or list, with its path."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not items:
        yield path, value
    for key, item in items:
        yield from leaves(item, (*path, str(key)))


def test_updated_is_the_merge() -> None:
    """The offline model keeps additions and the order of keyed lists, and removes fields that an answer drops."""
    last = {"metadata": {}, "spec": {"a": 1, "env": [{"name": "x"}, {"name": "y"}]}}
    live: Manifest = {
        "metadata": {"annotations": {"metacontroller.k8s.io/last-applied-configuration": json.dumps(last)}}
    }
    live["spec"] = {"a": 1, "foreign": 2, "env": [{"name": "y"}, {"name": "other"}, {"name": "x"}]}
    desired = {"metadata": {}, "spec": {"env": [{"name": "z"}, {"name": "x", "value": "1"}]}}
    merged = updated(live, desired)["spec"]
    assert merged == {"foreign": 2, "env": [{"name": "other"}, {"name": "x", "value": "1"}, {"name": "z"}]}
