"""
The API server accepts every child that the hook makes with an accepted config.

Random configs (tests/support/random_configs.py) are loaded. For each accepted one, the children of minimal Functions
and the pods of their Deployments are created as dry-runs, in a namespace that enforces Pod Security "restricted". The
Functions use every runtime and profile, with and without dependencies, with and without an autoscaler.

BUILDLESS_CONFIGS is the number of accepted configs; 300 by default.
"""

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from itertools import count
from typing import Any

import pytest
from support import random_configs
from support.cluster.control_plane import ControlPlane, wait_until
from support.cluster.stack import PREFIX, RESOURCES, ROOT, Stack

from hooks.config import Config, InvalidConfig, ResourceProfile, VolumeSizes, over_defaults

Manifest = dict[str, Any]

WANTED, SEED, THREADS = int(os.environ.get("BUILDLESS_CONFIGS", "300")), 1_000_000, 4
APPARMOR = {"container.apparmor.security.beta.kubernetes.io/function": "unconfined"}
BREAKING: list[tuple[str, Any, str]] = [
    ("profiles", {"L": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}, "must be less than or equal to cpu limit"),
    ("profiles", {"L": {"requests": {}, "limits": {"mem": "1Gi"}}}, "must be a standard resource"),
    ("packageRegistryConfigSecretName", "", "secretName: Required value"),
    ("podAnnotations", {"a b": "c"}, "name part must consist of"),
    ("podAnnotations", APPARMOR, 'violates PodSecurity "restricted'),
    ("volumeSizes", {"sources": "1Gi", "tmp": "-1Gi"}, "SizeLimit field must be a valid resource quantity"),
]
"""Settings that load() refuses, and the API server's message on the children of every Function."""


def test_accepted_configs_work(api: Stack, restricted: str) -> None:
    """With an accepted config no child is refused, and the API server changes no amount."""
    kinds: Counter[str] = Counter()
    with ThreadPoolExecutor(THREADS) as pool:
        for seed in count(SEED):
            if kinds["accepted"] == WANTED:
                break
            try:
                config = over_defaults(random_configs.overlay(seed))
            except InvalidConfig:
                kinds["refused"] += 1
                continue
            objects = distinct(config)
            kinds.update(accepted=1, objects=len(objects))
            refusals = list(pool.map(lambda each: refusal(api.plane, each, restricted), objects))
            assert list(filter(None, refusals)) == [], f"seed {seed}"
    print(f"\n{dict(kinds)}, refused objects 0")
    assert kinds["refused"] > WANTED // 5


@pytest.mark.parametrize(("setting", "value", "message"), BREAKING)
def test_what_is_refused_would_not(api: Stack, restricted: str, setting: str, value: Any, message: str) -> None:
    """The API server refuses a child of what load() refuses: this test can fail."""
    with pytest.raises(InvalidConfig, match=setting):
        over_defaults({setting: value})
    refusals = [refusal(api.plane, each, restricted) for each in distinct(unchecked(setting, value))]
    assert any(message in each for each in refusals), refusals


def test_a_limit_range_is_met_by_lower_install_limits(api: Stack, restricted: str) -> None:
    """docs/sizing.md has the API server's message for a LimitRange below the install limits; `install` lowers them."""
    most = {"type": "Container", "max": {"cpu": "500m", "memory": "256Mi"}}
    bounds = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": {"limits": [most]}}
    assert api.plane.call("POST", f"/api/v1/namespaces/{restricted}/limitranges", bounds)[0] == 201
    parents = [random_configs.function("python312", "XS", dependencies, None) for dependencies in (None, "requests\n")]

    def refusals(config: Config) -> list[str]:
        pods = [pod_of(random_configs.children_of(parent, config)["Deployment"]) for parent in parents]
        return [refusal(api.plane, pod, restricted) for pod in pods]

    words = "maximum cpu usage per Container is 500m, but limit is 1"
    wait_until(lambda: words in refusals(Config())[1], "the LimitRange to take effect")
    assert words in (ROOT / "docs" / "sizing.md").read_text()
    assert refusals(Config())[0] == ""
    assert refusals(over_defaults({"install": {"limits": {"cpu": "500m", "memory": "256Mi"}}})) == ["", ""]


def unchecked(setting: str, value: Any) -> Config:
    """Return the default config with another value of a setting, without its validation."""
    if setting == "profiles":
        value = {name: ResourceProfile.model_construct(**profile) for name, profile in value.items()}
    if setting == "volumeSizes":
        value = VolumeSizes.model_construct(**value)
    (name,) = (name for name, field in Config.model_fields.items() if field.alias == setting)
    return Config().model_copy(update={name: value})


def distinct(config: Config) -> list[Manifest]:
    """Return the distinct children of minimal Functions, and the pods of their Deployments."""
    found: dict[str, Manifest] = {}
    for parent in random_configs.functions(config):
        made = random_configs.children_of(parent, config)
        if "Deployment" in made:
            made["Pod"] = pod_of(made["Deployment"])
        found |= {json.dumps(each, sort_keys=True): each for each in made.values()}
    return list(found.values())


def pod_of(deployment: Manifest) -> Manifest:
    """Return the pod that a Deployment's template makes."""
    template: Manifest = deepcopy(deployment["spec"]["template"])
    template["metadata"]["name"] = "from-template"
    return {"apiVersion": "v1", "kind": "Pod"} | template


def refusal(plane: ControlPlane, manifest: Manifest, namespace: str) -> str:
    """Return why the API server refuses an object or changes its amounts, "" if it does neither."""
    resource = RESOURCES[manifest["kind"]]
    path = f"{PREFIX[resource]}/namespaces/{namespace}/{resource}?dryRun=All&fieldValidation=Strict"
    code, answer = plane.call("POST", path, manifest)
    if code != 201:
        return f"{manifest['kind']}: {answer['message']}"
    sent, kept = amounts(manifest), amounts(answer)
    # In a Pod the API server sets missing requests to the limits.
    return f"{sent} became {kept}" if manifest["kind"] == "Deployment" and sent != kept else ""


def amounts(deployment: Manifest) -> list[Any]:
    """Return the containers' resources and the sizes of volumes of a Deployment, [] for other kinds."""
    if deployment["kind"] != "Deployment":
        return []
    pod = deployment["spec"]["template"]["spec"]
    sizes = [volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if "emptyDir" in volume]
    resources = [container["resources"] for container in pod["containers"] + pod.get("initContainers", [])]
    return [{key: value for key, value in each.items() if value} for each in resources] + sizes
