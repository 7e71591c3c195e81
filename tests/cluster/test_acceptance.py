"""
What is accepted works: the API server accepts every child of a Function that CRD, policy and hook accept.

Generated Functions with odd values (tests/support/random_functions.py) go through all three layers. Each child of an
accepted one goes to the API server as a dry run, and the Deployment's pod template as a Pod, in a namespace that
enforces Pod Security "restricted" unless the config allows unrestricted security contexts.

BUILDLESS_ACCEPTED sets how many Functions have to be accepted (default: 1,000).
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
from support.cases import NOW, fetched_request, overlaid
from support.cluster import flux
from support.cluster.admission import Caller, as_function, found_by_hook, with_config
from support.cluster.control_plane import ControlPlane
from support.cluster.stack import PREFIX, RESOURCES, Stack
from support.crd import SPEC_PROPERTIES
from support.offline_metacontroller import World
from support.upgrade.templates import functions

from hooks.cli.render import completed
from hooks.config import Config, Git, Install
from hooks.protocol import HookRequest
from hooks.sync import sync

Manifest = dict[str, Any]

WANTED = int(os.environ.get("BUILDLESS_ACCEPTED", "1000"))
SEED, BATCH, THREADS = 20_260_102, 200, 4
LAYERS = ("schema", "cel", "policy", "hook")
CONFIGS = {
    "restricted": Config(),
    "unrestricted": Config(allow_unrestricted_security_context=True),
    "no environment at install": Config(install=Install(environment=False)),
    "git": Config(git=Git(enabled=True)),
}
NEVER = (
    *("spec.template.labels", "spec.template.annotations"),
    *("spec.resourceConfiguration.function.resources.claims[]", "spec.resourceConfiguration.build.resources.claims[]"),
    *("spec.resourceConfiguration.function.resources.claims", "spec.resourceConfiguration.build.resources.claims"),
)
"""Fields that every layer rejects."""
REFUSES_NOTHING = {"unrestricted": "policy", "git": "hook"}
"""By config, the layer with no rule of its own that a generated Function breaks."""
OF_OTHERS = {True: ("spec.source.inline",), False: ("spec.source.gitRepository", "spec.source.sourceRef")}
"""Fields that no Function has here, by whether Flux fetches the sources."""
SOUND = {"runtime": "nodejs22", "source": {"inline": {"source": "x"}}}
UNACCEPTABLE: list[Manifest] = [
    {"tolerations": [{"operator": "Lt"}]},
    {"tolerations": [{"key": "", "operator": "Exists"}]},
    {"restartPolicy": "Never"},
]
"""Parts of a pod spec that no rule allows, merged into the pods after the rules."""
VARIES = re.compile(r'"[^"]*" is invalid|x{20,}|\d+')


@dataclass
class Tally:
    """Counts of Functions that a layer rejected or all accepted, and the rejected children."""

    layers: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    refusals: list[tuple[Any, ...]] = field(default_factory=list)

    def kinds(self) -> Counter[str]:
        """Count the rejections by message, without names and numbers."""
        return Counter(f"{kind} {VARIES.sub('_', message)[:300]}" for kind, message, _ in self.refusals)

    def __str__(self) -> str:
        by_layer = ", ".join(f"{name} {self.layers[name]}" for name in LAYERS)
        return f"accepted {self.accepted}; refused by {by_layer}; refused children {len(self.refusals)}"


@pytest.fixture(scope="module")
def prepared(guarded: ControlPlane) -> Iterator[ControlPlane]:
    """The API server with CRD and policy, and the PriorityClass that random Functions name."""
    priority = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1}
    guarded.kubectl("apply", "-f", "-", stdin=priority)
    yield guarded
    guarded.kubectl("delete", "priorityclass", "high")


@pytest.fixture(scope="module")
def default_config(prepared: ControlPlane) -> ControlPlane:
    """The same, with the default config."""
    with_config(prepared, Config())
    return prepared


@pytest.mark.parametrize("name", CONFIGS)
def test_children_of_accepted_functions_are_accepted(
    prepared: ControlPlane, api: Stack, restricted: str, name: str
) -> None:
    """The API server accepts every child of an accepted Function."""
    with_config(prepared, CONFIGS[name])
    if CONFIGS[name].git.enabled:
        flux.install(api)
    tally = tallied(prepared, CONFIGS[name], "default" if name == "unrestricted" else restricted, WANTED)
    print(f"\n{name}: {tally}")
    for message, count in tally.kinds().most_common(40):
        print(f"{count:5} {message}")
    assert not tally.refusals
    assert all(tally.layers[layer] for layer in LAYERS if layer != REFUSES_NOTHING.get(name))
    never = set(SPEC_PROPERTIES) - set(tally.fields)
    unused = (*NEVER, *OF_OTHERS[CONFIGS[name].git.enabled])
    assert {path for path in never if not path.startswith(unused)} == set(), "no accepted Function has these fields"


@pytest.mark.parametrize("name", functions())
def test_reference_functions_are_accepted(default_config: ControlPlane, api: Stack, restricted: str, name: str) -> None:
    """All layers accept the reference Functions, and the API server their children."""
    spec = deepcopy(functions()[name])
    config = Config.model_validate(overlaid(Config().model_dump(by_alias=True), spec.pop("config", {})))
    spec["runtime"] = next(iter(config.runtimes)) if spec["runtime"] not in config.runtimes else spec["runtime"]
    parent = {"metadata": {"name": "a"}, "spec": spec}
    if config.git.enabled:
        flux.install(api)
    namespace = "default" if config.allow_unrestricted_security_context else restricted
    with Caller(default_config) as caller:
        assert found_by_hook(parent, config) == []
        assert list(refused(caller, children(parent, config), namespace)) == []
        if config == Config():
            assert caller.dry_run(as_function(parent))[0] == 201


@pytest.mark.parametrize("odd", UNACCEPTABLE, ids=str)
def test_an_unacceptable_child_is_found(default_config: ControlPlane, restricted: str, odd: Manifest) -> None:
    """A value that the API server rejects or changes is reported."""
    parent = {"metadata": {"name": "a"}, "spec": SOUND}
    with Caller(default_config) as caller:
        assert judged(caller, parent, Config(), restricted)[1:] == ("", [])
        broken = children(parent, Config())
        for each in broken:
            if each["kind"] in ("Deployment", "Pod"):
                spec = each["spec"]["template"]["spec"] if each["kind"] == "Deployment" else each["spec"]
                spec |= deepcopy(odd)
        assert {kind for kind, _ in refused(caller, broken, restricted)} >= {"Deployment"}


def tallied(plane: ControlPlane, config: Config, namespace: str, wanted: int) -> Tally:
    """Generate Functions until `wanted` of them are accepted."""
    random, tally = Random(SEED), Tally()
    with Caller(plane) as caller, ThreadPoolExecutor(THREADS) as pool:
        while tally.accepted < wanted:
            parents = [random_functions.odd(random, fetched=config.git.enabled)[1] for _ in range(BATCH)]
            for parent, layer, refusals in pool.map(lambda each: judged(caller, each, config, namespace), parents):
                tally.layers.update([layer] if layer else [])
                tally.accepted += not layer
                tally.fields.update(set() if layer else set(given(parent["spec"], "spec")))
                tally.refusals += [(kind, message, parent["spec"]) for kind, message in refusals]
    return tally


def given(value: Any, path: str) -> Iterator[str]:
    """Yield the path of each value in a spec that is not null, in the notation of tests/core/test_contract.py."""
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
    """Return a Function, the layer that rejects it ("" if none does), and the kinds and errors of rejected children."""
    found = found_by_hook(parent, config)
    code, _ = caller.dry_run(as_function(parent))
    if found or code != 201:
        layers = {fault.layer for fault in found}
        return parent, next((layer for layer in LAYERS if layer in layers), "schema"), []
    return parent, "", list(refused(caller, children(parent, config), namespace))


def children(parent: Manifest, config: Config) -> list[Manifest]:
    """Return the children in the hook's response, and the Deployment's pod."""
    request: Manifest = {"parent": completed(parent), "children": {}}
    if config.git.enabled:
        request = fetched_request(World(completed(parent) | as_function({}), git=True), config, NOW)
    answer = sync(HookRequest.parse(request), config, now=NOW).children
    template = deepcopy(next(child for child in answer if child["kind"] == "Deployment")["spec"]["template"])
    template["metadata"]["name"] = "from-template"
    return [*answer, {"apiVersion": "v1", "kind": "Pod"} | template]


def refused(caller: Caller, objects: list[Manifest], namespace: str) -> Iterator[tuple[str, str]]:
    """Yield the kind and the message of each object that the API server rejects or stores differently."""
    for each in objects:
        resource = RESOURCES[each["kind"]]
        path = f"{PREFIX[resource]}/namespaces/{namespace}/{resource}?dryRun=All&fieldValidation=Strict"
        code, answer = caller.post(path, each)
        if code != 201:
            yield each["kind"], answer["message"]
        elif each["kind"] != "Pod" and (lost := list(changed(each, answer))):
            yield each["kind"], f"changed: {lost}"


def changed(sent: Any, kept: Any, path: str = "") -> Iterator[str]:
    """Yield the differences between an object that was sent and the stored one, which may have more fields."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        for key, value in sent.items():
            yield from changed(value, kept.get(key), f"{path}.{key}")
    elif isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        for index, (one, other) in enumerate(zip(sent, kept, strict=True)):
            yield from changed(one, other, f"{path}[{index}]")
    elif sent != kept:
        yield f"{path}: {sent!r} became {kept!r}"
