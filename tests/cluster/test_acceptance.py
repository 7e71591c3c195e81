"""
What is accepted works: of a Function that CRD, policy and hook accept, the API server accepts every child.

Generated Functions, odd ones included (tests/support/random_functions.py), go through all three.
Whatever passes is built, and each child
goes to the API server as a dry-run; the Deployment's pod template goes there as a Pod too, in a namespace that enforces
Pod Security "restricted" unless the operator has opened security contexts up.

BUILDLESS_ACCEPTED is how many Functions have to pass; 1,000 without it.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from support import random_functions
from support.cases import NOW, overlaid
from support.cluster.admission import Caller, as_function, found_by_hook, with_config
from support.cluster.control_plane import ControlPlane
from support.cluster.stack import PREFIX, RESOURCES
from support.crd import SPEC_PROPERTIES
from support.upgrade.templates import functions

from hooks.cli.render import completed
from hooks.config import Config, Install
from hooks.protocol import HookRequest
from hooks.sync import sync

Manifest = dict[str, Any]

WANTED = int(os.environ.get("BUILDLESS_ACCEPTED", "1000"))
SEED, BATCH, THREADS = 20_260_102, 200, 4
LAYERS = ("schema", "cel", "policy", "hook")
CONFIGS = {
    "restricted": Config(),
    "opened-up": Config(allow_unrestricted_security_context=True),
    "no environment at install": Config(install=Install(environment=False)),
}
NEVER = (
    *("spec.source.gitRepository", "spec.template.labels", "spec.template.annotations"),
    *("spec.resourceConfiguration.function.resources.claims[]", "spec.resourceConfiguration.build.resources.claims[]"),
    *("spec.resourceConfiguration.function.resources.claims", "spec.resourceConfiguration.build.resources.claims"),
)
"""Fields that no Function can have yet, or any more."""
SOUND = {"runtime": "nodejs22", "source": {"inline": {"source": "x"}}}
ODD: list[Manifest] = [
    {"tolerations": [{"operator": "Lt"}]},
    {"tolerations": [{"key": "", "operator": "Exists"}]},
    {"restartPolicy": "Never"},
]
"""What no rule lets through, put into pods behind their back."""
VARIES = re.compile(r'"[^"]*" is invalid|x{20,}|\d+')


@dataclass
class Tally:
    """How many Functions each layer refused, how many all accepted, and what the API server says against children."""

    layers: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    refusals: list[tuple[Any, ...]] = field(default_factory=list)

    def kinds(self) -> Counter[str]:
        """Count the refusals by message, without what differs between two of a kind."""
        return Counter(f"{kind} {VARIES.sub('_', message)[:300]}" for kind, message, _ in self.refusals)

    def __str__(self) -> str:
        by_layer = ", ".join(f"{name} {self.layers[name]}" for name in LAYERS)
        return f"accepted {self.accepted}; refused by {by_layer}; refused children {len(self.refusals)}"


@pytest.fixture(scope="module")
def judge(guarded: ControlPlane) -> Iterator[ControlPlane]:
    """The API server with CRD and policy, and the one object that Functions by chance refer to."""
    priority = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1}
    guarded.kubectl("apply", "-f", "-", stdin=priority)
    yield guarded
    guarded.kubectl("delete", "priorityclass", "high")


@pytest.fixture(scope="module")
def strict(judge: ControlPlane) -> ControlPlane:
    """The same with the policy of the default config again."""
    with_config(judge, Config())
    return judge


@pytest.mark.parametrize("name", CONFIGS)
def test_accepted_means_works(judge: ControlPlane, restricted: str, name: str) -> None:
    """No child of an accepted Function is refused."""
    with_config(judge, CONFIGS[name])
    tally = tallied(judge, CONFIGS[name], "default" if name == "opened-up" else restricted, WANTED)
    print(f"\n{name}: {tally}")
    for message, count in tally.kinds().most_common(40):
        print(f"{count:5} {message}")
    assert not tally.refusals
    assert all(tally.layers[layer] for layer in LAYERS if layer != "policy" or name != "opened-up")
    never = set(SPEC_PROPERTIES) - set(tally.fields)
    assert {path for path in never if not path.startswith(NEVER)} == set(), "no accepted Function has these fields"


@pytest.mark.parametrize("name", functions())
def test_what_people_run_is_accepted(strict: ControlPlane, restricted: str, name: str) -> None:
    """The reference Functions pass all layers, and so do their children."""
    spec = deepcopy(functions()[name])
    config = Config.model_validate(overlaid(Config().model_dump(by_alias=True), spec.pop("config", {})))
    spec["runtime"] = next(iter(config.runtimes)) if spec["runtime"] not in config.runtimes else spec["runtime"]
    parent = {"metadata": {"name": "a"}, "spec": spec}
    namespace = "default" if config.allow_unrestricted_security_context else restricted
    with Caller(strict) as caller:
        assert found_by_hook(parent, config) == []
        assert list(refused(caller, children(parent, config), namespace)) == []
        if config == Config():
            assert caller.dry_run(as_function(parent))[0] == 201


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_the_harness_notices(strict: ControlPlane, restricted: str, odd: Manifest) -> None:
    """A value that only the API server refuses, or that it changes, is found."""
    parent = {"metadata": {"name": "a"}, "spec": SOUND}
    with Caller(strict) as caller:
        assert judged(caller, parent, Config(), restricted)[1:] == ("", [])
        broken = children(parent, Config())
        for each in broken:
            if each["kind"] in ("Deployment", "Pod"):
                spec = each["spec"]["template"]["spec"] if each["kind"] == "Deployment" else each["spec"]
                spec |= deepcopy(odd)
        assert {kind for kind, _ in refused(caller, broken, restricted)} >= {"Deployment"}


def tallied(plane: ControlPlane, config: Config, namespace: str, wanted: int) -> Tally:
    """Make Functions until so many were accepted."""
    random, tally = Random(SEED), Tally()
    with Caller(plane) as caller, ThreadPoolExecutor(THREADS) as pool:
        while tally.accepted < wanted:
            parents = [random_functions.odd(random)[1] for _ in range(BATCH)]
            for parent, layer, refusals in pool.map(lambda each: judged(caller, each, config, namespace), parents):
                tally.layers.update([layer] if layer else [])
                tally.accepted += not layer
                tally.fields.update(set() if layer else set(given(parent["spec"], "spec")))
                tally.refusals += [(kind, message, parent["spec"]) for kind, message in refusals]
    return tally


def given(value: Any, path: str) -> Iterator[str]:
    """Yield the path of everything in a spec that is not null, as the contract of the CRD writes it."""
    if value is not None:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from given(inner, f"{path}.{key}")
    if isinstance(value, list):
        for inner in value:
            yield from given(inner, f"{path}[]")


def judged(
    caller: Caller, parent: Manifest, config: Config, namespace: str
) -> tuple[Manifest, str, list[tuple[str, str]]]:
    """Return a Function, the layer that refuses it ("" if none does), and what is said against its children."""
    found = found_by_hook(parent, config)
    code, _ = caller.dry_run(as_function(parent))
    if found or code != 201:
        layers = {fault.layer for fault in found}
        return parent, next((layer for layer in LAYERS if layer in layers), "schema"), []
    return parent, "", list(refused(caller, children(parent, config), namespace))


def children(parent: Manifest, config: Config) -> list[Manifest]:
    """Return what the hook answers, and the Deployment's pod."""
    request = HookRequest.parse({"parent": completed(parent), "children": {}})
    answer = sync(request, config, now=NOW).children
    template = deepcopy(next(child for child in answer if child["kind"] == "Deployment")["spec"]["template"])
    template["metadata"]["name"] = "from-template"
    return [*answer, {"apiVersion": "v1", "kind": "Pod"} | template]


def refused(caller: Caller, objects: list[Manifest], namespace: str) -> Iterator[tuple[str, str]]:
    """Yield the kind and the message where the API server refuses an object, or does not keep all of it."""
    for each in objects:
        resource = RESOURCES[each["kind"]]
        path = f"{PREFIX[resource]}/namespaces/{namespace}/{resource}?dryRun=All&fieldValidation=Strict"
        code, answer = caller.post(path, each)
        if code != 201:
            yield each["kind"], answer["message"]
        elif each["kind"] != "Pod" and (lost := list(changed(each, answer))):
            yield each["kind"], f"changed: {lost}"


def changed(sent: Any, kept: Any, path: str = "") -> Iterator[str]:
    """Yield where what the API server keeps is not what was sent; what it adds does not count."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        for key, value in sent.items():
            yield from changed(value, kept.get(key), f"{path}.{key}")
    elif isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        for index, (one, other) in enumerate(zip(sent, kept, strict=True)):
            yield from changed(one, other, f"{path}[{index}]")
    elif sent != kept:
        yield f"{path}: {sent!r} became {kept!r}"
