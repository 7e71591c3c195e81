"""
A config that is accepted works: the API server takes every child of the Functions that can be written with it.

Generated configs, odd ones included (tests/support/random_configs.py), are loaded. With each that passes, minimal
Functions use every
runtime and profile, with and without packages, with and without an autoscaler. Their children go to the API server as a
dry-run, the Deployment's pod too, in a namespace that enforces Pod Security "restricted".

BUILDLESS_CONFIGS is how many configs have to pass; 300 without it.
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
from test_config import children

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
"""Settings that load() refuses, and what the API server would say of every Function."""


def test_what_is_accepted_works(api: Stack, restricted: str) -> None:
    """No child of a Function is refused, or kept with other amounts, whatever settings load() lets through."""
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
            said = list(pool.map(lambda each: refusal(api.plane, each, restricted), objects))
            assert list(filter(None, said)) == [], f"seed {seed}"
    print(f"\n{dict(kinds)}, refused objects 0")
    assert kinds["refused"] > WANTED // 5


@pytest.mark.parametrize(("setting", "value", "message"), BREAKING)
def test_what_is_refused_would_not(api: Stack, restricted: str, setting: str, value: Any, message: str) -> None:
    """The API server refuses a child of what load() refuses: this test can fail."""
    with pytest.raises(InvalidConfig, match=setting):
        over_defaults({setting: value})
    said = [refusal(api.plane, each, restricted) for each in distinct(unchecked(setting, value))]
    assert any(message in each for each in said), said


def test_a_limit_range_is_met_by_lower_install_limits(api: Stack, restricted: str) -> None:
    """docs/sizing.md: what a namespace says of a Function with packages, and the setting that helps."""
    most = {"type": "Container", "max": {"cpu": "500m", "memory": "256Mi"}}
    bounds = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": {"limits": [most]}}
    assert api.plane.call("POST", f"/api/v1/namespaces/{restricted}/limitranges", bounds)[0] == 201
    parents = [random_configs.function("python312", "XS", dependencies, None) for dependencies in (None, "requests\n")]

    def said(config: Config) -> list[str]:
        return [refusal(api.plane, pod_of(children(parent, config)["Deployment"]), restricted) for parent in parents]

    words = "maximum cpu usage per Container is 500m, but limit is 1"
    wait_until(lambda: words in said(Config())[1], "the bounds to hold")
    assert words in (ROOT / "docs" / "sizing.md").read_text()
    assert said(Config())[0] == ""
    assert said(over_defaults({"install": {"limits": {"cpu": "500m", "memory": "256Mi"}}})) == ["", ""]


def unchecked(setting: str, value: Any) -> Config:
    """Return the default config with another setting, whatever it is."""
    if setting == "profiles":
        value = {name: ResourceProfile.model_construct(**profile) for name, profile in value.items()}
    if setting == "volumeSizes":
        value = VolumeSizes.model_construct(**value)
    (name,) = (name for name, field in Config.model_fields.items() if field.alias == setting)
    return Config().model_copy(update={name: value})


def distinct(config: Config) -> list[Manifest]:
    """Return the children of minimal Functions, each once, and the pods of their Deployments."""
    found: dict[str, Manifest] = {}
    for parent in random_configs.functions(config):
        made = children(parent, config)
        if "Deployment" in made:
            made["Pod"] = pod_of(made["Deployment"])
        found |= {json.dumps(each, sort_keys=True): each for each in made.values()}
    return list(found.values())


def pod_of(deployment: Manifest) -> Manifest:
    """Return a pod as a Deployment makes it."""
    template = deepcopy(deployment["spec"]["template"])
    template["metadata"]["name"] = "from-template"
    return {"apiVersion": "v1", "kind": "Pod"} | template


def refusal(plane: ControlPlane, manifest: Manifest, namespace: str) -> str:
    """Return why the API server does not take an object as it is, or nothing."""
    resource = RESOURCES[manifest["kind"]]
    path = f"{PREFIX[resource]}/namespaces/{namespace}/{resource}?dryRun=All&fieldValidation=Strict"
    code, answer = plane.call("POST", path, manifest)
    if code != 201:
        return f"{manifest['kind']}: {answer['message']}"
    sent, kept = amounts(manifest), amounts(answer)
    # Of a Pod the API server defaults requests to limits.
    return f"{sent} became {kept}" if manifest["kind"] == "Deployment" and sent != kept else ""


def amounts(deployment: Manifest) -> list[Any]:
    """Return resources and volume sizes of a Deployment's pods."""
    if deployment["kind"] != "Deployment":
        return []
    pod = deployment["spec"]["template"]["spec"]
    sizes = [volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if "emptyDir" in volume]
    resources = [container["resources"] for container in pod["containers"] + pod.get("initContainers", [])]
    return [{key: value for key, value in each.items() if value} for each in resources] + sizes
