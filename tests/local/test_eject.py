"""`buildless eject`: manifests from the objects of a cluster, and from files."""

import json
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.cases import NOW, complete, settle
from support.offline_metacontroller import World

from hooks.cli import main
from hooks.config import Config
from hooks.naming import CONTROLLER_UID
from hooks.records import LAST_APPLIED

Manifest = dict[str, Any]
Eject = Callable[..., tuple[int, list[Manifest], str]]
CONFIG = Config(registry="registry.example")
"""The operator's, which the command line does not have."""


@pytest.fixture
def eject(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Eject:
    """Run the command on objects; return its exit code, the manifests and its errors."""
    monkeypatch.delenv("BUILDLESS_CONFIG", raising=False)

    def run(items: Iterable[Manifest], *arguments: str) -> tuple[int, list[Manifest], str]:
        file = tmp_path / "objects.json"
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)}))
        code = main(["eject", str(file), *arguments])
        out, err = capsys.readouterr()
        return code, [each for each in yaml.safe_load_all(out) if each], err

    return run


def settled(metadata: Manifest | None = None, **spec: Any) -> list[Manifest]:
    """Return a Function and its children, as kubectl prints them."""
    world = World(complete({"spec": spec, "metadata": metadata or {}}))
    settle(world, CONFIG, NOW)
    return [world.parent, *world.children.values()]


def template(manifests: Iterable[Manifest]) -> Manifest:
    (found,) = (each for each in manifests if each["kind"] == "Deployment")
    return dict(found["spec"]["template"])


def test_live_children_give_the_values(eject: Eject) -> None:
    """The manifests have exactly the fields of the records, without owner, record and foreign labels."""
    function, *children = settled(scaleConfig={"minReplicas": 2, "maxReplicas": 5})
    code, manifests, err = eject([function, *children])
    assert (code, err) == (0, "")
    assert [each["kind"] for each in manifests] == [
        "ServiceAccount",
        "Service",
        "Deployment",
        "HorizontalPodAutoscaler",
    ]
    for made in manifests:
        (child,) = (each for each in children if each["kind"] == made["kind"])
        record = json.loads(child["metadata"]["annotations"][LAST_APPLIED])
        if made["kind"] == "Deployment":
            del record["spec"]["replicas"]
        assert made["metadata"] == {"name": "hello", "namespace": "default"}
        assert {**made, "metadata": 0} == {**record, "metadata": 0}
    assert template(manifests)["spec"]["containers"][0]["image"].startswith("registry.example/")


def test_the_live_order_is_kept(eject: Eject) -> None:
    """Variables have the order of the live Deployment, and those of other components are left out."""
    function, *children = settled(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])
    (deployment,) = (each for each in children if each["kind"] == "Deployment")
    env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    env.insert(0, {"name": "INJECTED", "value": "x"})
    env.append(env.pop(next(index for index, each in enumerate(env) if each["name"] == "A")))
    found = template(eject([function, *children])[1])["spec"]["containers"][0]["env"]
    assert [each["name"] for each in found] == [each["name"] for each in env[1:]]


def test_labels_of_the_function_are_kept(eject: Eject) -> None:
    """Each manifest has the Function's own labels."""
    manifests = eject(settled({"labels": {"team": "shop", "controller-uid": "x"}}))[1]
    assert {json.dumps(each["metadata"]["labels"]) for each in manifests} == {'{"team": "shop"}'}


def test_an_invalid_function_is_ejected_as_it_runs(eject: Eject) -> None:
    """With the live children the spec does not matter: they are frozen."""
    function, *children = settled()
    before = eject([function, *children])[1]
    function["spec"]["runtime"] = "cobol"
    assert eject([function, *children])[:2] == (0, before)


@pytest.mark.parametrize("kind", ["Service", "ServiceAccount", "HorizontalPodAutoscaler"])
def test_a_missing_child_is_a_problem(eject: Eject, kind: str) -> None:
    """A child that the Function has but the objects lack is named, and nothing is printed."""
    objects = settled(scaleConfig={"minReplicas": 2, "maxReplicas": 5})
    code, manifests, err = eject(each for each in objects if each["kind"] != kind)
    assert (code, manifests) == (1, [])
    assert f"the {kind} hello is not among the objects" in err


def others_deployments() -> Iterable[tuple[str, Callable[[Manifest], None]]]:
    def label(deployment: Manifest) -> None:
        deployment["metadata"]["labels"][CONTROLLER_UID] = "other"

    yield "function", label
    yield "name", lambda deployment: deployment["metadata"].update(name="other")
    yield "namespace", lambda deployment: deployment["metadata"].update(namespace="other")
    yield "version", lambda deployment: deployment.update(apiVersion="apps/v2")
    yield "labels", lambda deployment: deployment["metadata"].update(labels=["x"])


@pytest.mark.parametrize(
    "change", [row[1] for row in others_deployments()], ids=[row[0] for row in others_deployments()]
)
def test_the_deployment_of_another_function_does_not_count(eject: Eject, change: Callable[[Manifest], None]) -> None:
    """Without its own Deployment a Function is rendered, with a note."""
    function, *children = deepcopy(settled())
    for child in children:
        if child["kind"] == "Deployment":
            change(child)
    code, manifests, err = eject([function, *children])
    assert code == 0
    assert template(manifests)["spec"]["containers"][0]["image"].startswith("ghcr.io/")
    assert "hello: rendered from the file; to keep the pods that run, pass the objects of the cluster" in err


def test_a_file_without_uid_gives_no_label_for_it(eject: Eject) -> None:
    """Selectors and labels have no UID, and match each other."""
    function = settled()[0]
    del function["metadata"]["uid"]
    code, manifests, _ = eject([function])
    assert code == 0
    assert "uuid" not in json.dumps(manifests)
    kinds = {each["kind"]: each for each in manifests}
    selector = kinds["Deployment"]["spec"]["selector"]["matchLabels"]
    assert kinds["Service"]["spec"]["selector"] == selector
    assert selector.items() <= template(manifests)["metadata"]["labels"].items()


def test_json_is_one_list(eject: Eject) -> None:
    """-o json prints the same manifests as one List."""
    objects = settled()
    (as_list,) = eject(objects, "-o", "json")[1]
    assert (as_list["kind"], as_list["items"]) == ("List", eject(objects)[1])


def test_a_function_from_git_needs_the_object_of_flux(eject: Eject) -> None:
    """Without the Deployment, and without what Flux has fetched, there is nothing to print."""
    function = settled()[0]
    function["spec"]["source"] = {
        "gitRepository": {"url": "https://git.example/r.git", "baseDir": "/", "reference": "m"}
    }
    code, manifests, err = eject([function])
    assert (code, manifests) == (1, [])
    assert "spec.source: the object of Flux with its status is not among the objects" in err
