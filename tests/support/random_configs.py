"""
Random configs from a seed, valid and invalid, and Functions to try them with.

`overlay()` returns the content of a config file. Most single values are valid, so that about half of the files are.
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from support.cases import NOW, complete

from hooks.config import Config
from hooks.function import Function
from hooks.protocol import HookRequest
from hooks.rules import validate
from hooks.runtimes import FAMILIES, DependenciesFormat
from hooks.sync import sync

Manifest = dict[str, Any]

PACKAGES: dict[DependenciesFormat, str] = {"package.json": "{}", "requirements.txt": "requests\n"}

AMOUNTS: dict[str, tuple[list[Any], list[Any]]] = {
    "cpu": (["50m", "100m", 1, "2", "1.5", "0", "1e3", "8Pi", "100u"], ["-1", "2e16", "1,5", ""]),
    "memory": (["64Mi", "1Gi", 33554432, "0.5Gi", "1e9", "0", "128M"], ["512m", "512", "9Pi", "1.5", "-64Mi"]),
    "ephemeral-storage": (["1Gi", "1Mi", "0"], ["1", "100m"]),
    "hugepages-2Mi": (["2Mi", "4Mi"], ["3Mi", "1"]),
    "example.com/gpu": ([1, "2", "1k"], ["500m", "0.1"]),
    "xn--p1ai.example/Gpu_1.x": (["1"], ["1m"]),
}
INVALID_RESOURCES = (
    "mem",
    "gpu",
    "CPU",
    "example.com/",
    "/gpu",
    "requests.example.com/gpu",
    "kubernetes.io/x",
    "Example.com/gpu",
    "hugepages-x",
)
VALID: dict[str, list[Any]] = {
    "registry": [
        "",
        "localhost",
        "localhost:5000",
        "ghcr.io/acme",
        "r.example:443/a/b__c",
        "[::1]:5000/x",
        "acme",
        "Acme",
    ],
    "targetCPUUtilizationPercentage": [1, 50, 1000],
    "volumeSizes": [{"tmp": "1Mi"}, {"sources": 1048576}, {"sources": "1.5Gi", "tmp": "0.5Gi"}, {"tmp": "8Pi"}, {}],
    "allowedImageOverrides": [[], ["*"], ["ghcr.io/a/*", "a:1", "a*", "GHCR.io*"], [f"a@sha256:{'0' * 64}", "a@sha2*"]],
    "allowUnrestrictedSecurityContext": [True, False],
    "imagePullSecrets": [[], ["a"], ["a.b-c", "a.b-c"], [f"{n}" for n in range(64)], ["x" * 253]],
    "packageRegistryConfigSecretName": ["a", "x" * 253, "a.b-c.0"],
    "traceCollectorEndpoint": ["", "http://otel:4318", "https://u:p@[::1]:4318/v1?a=$(A)#$$", "http://1.2.3.4/"],
    "publisherProxyAddress": ["", "http://a_b.c-d/publish"],
    "podAnnotations": [
        {},
        {"a": "", "A.b_C": "\0\n\t\u2028😀", "Example.COM/x": "$(FUNC_NAME)"},
        {f"a/{n}": "x" * 40 for n in range(100)},
        {
            "controller.kubernetes.io/pod-deletion-cost": "-5",
            "kubernetes.io/ingress-bandwidth": "10M",
            "x" * 63: "x" * 9000,
        },
    ],
    "related": [{"pods": False}, {"configs": True}],
    "git": [{"enabled": True}, {"interval": "10s"}, {"interval": "24h", "timeout": "1m30s"}, {"timeout": "1800s"}],
}
INVALID: dict[str, list[Any]] = {
    "registry": [
        "ghcr.io/acme/",
        "https://ghcr.io",
        "ghcr.io/Acme",
        "a b",
        "ghcr.io//a",
        "a:b/c",
        "a@b",
        5,
        "a_b.c/d",
        "x" * 300,
    ],
    "targetCPUUtilizationPercentage": [0, 1001, "50", 50.5, True],
    "volumeSizes": [{"tmp": 0}, {"sources": "-1Gi"}, {"tmp": "1Mib"}, {"tmp": "1e30"}, {"temp": "1Gi"}, []],
    "allowedImageOverrides": [[""], ["a*b"], ["https://x/*"], ["a/"], ["a b"], ["-*"], "*", ["*"] * 300],
    "allowUnrestrictedSecurityContext": ["yes", 1],
    "imagePullSecrets": [[""], ["A"], ["a_b"], ["x" * 254], "a", [None]],
    "packageRegistryConfigSecretName": ["", "A", "a/b", "-a", "x" * 254],
    "traceCollectorEndpoint": [
        "otel:4318",
        "http://",
        "http://a:99999",
        "http://1.2.3.256",
        "http://a\0",
        "http://a b",
        "x" * 9000,
    ],
    "publisherProxyAddress": ["ftp://a", "http://$(A)/", "http://a\nb", "\ud800"],
    "podAnnotations": [
        {"a b": ""},
        {"": ""},
        {"a/b/c": ""},
        {"a": 1},
        {"a": "\udfff"},
        {"a": "x" * 20000},
        {"a": "<" * 3000},
        {"container.apparmor.security.beta.kubernetes.io/function": "unconfined"},
        {"seccomp.security.alpha.kubernetes.io/pod": "x"},
        {"kubernetes.io/config.mirror": "x"},
        {"kubernetes.io/ingress-bandwidth": "1"},
        {"scheduler.alpha.kubernetes.io/tolerations": "x"},
        {"controller.kubernetes.io/pod-deletion-cost": "x"},
        {"serverless.kyma-project.io/configs-version": "x"},
        {f"a{n}": "" for n in range(300)},
    ],
    "related": [{"pods": "yes"}, {"secrets": True}],
    "git": [{"enabled": 1}, {"interval": "9s"}, {"interval": "25h"}, {"interval": ""}, {"timeout": "1h"}, {"url": "a"}],
}
IMAGES = (
    ["a:1", "a/b.c:V_1", f"a@sha256:{'0' * 64}", "host.example/a:1", "runtime"],
    ["", "A:1", "a:", "a b", "a:1:2", "a@sha256:0", "host:80/a", "a//b", "/a", "x" * 300],
)
RUNTIME_NAMES = (["py", "n-1", "x" * 63], ["", "Py", "3py", "p_y", "x" * 64])
PROFILE_NAMES = (["S", "tiny", "größe 1", "x" * 63], ["", "a,b", "a=b", "a\n", "x" * 64, "\ud800"])


def overlay(seed: int, error_rate: float = 0.02) -> Manifest:
    """Return the content of one config file; `error_rate` is the probability of an invalid value."""
    random = Random(seed)

    def pick(valid: list[Any], invalid: list[Any]) -> Any:
        return random.choice(invalid if random.random() < error_rate else valid)

    settings = {key: pick(VALID[key], INVALID[key]) for key in VALID if random.random() < 0.5}
    names = [pick(*RUNTIME_NAMES) for _ in range(random.randrange(3))]
    runtimes: Manifest = {name: {"family": random.choice(tuple(FAMILIES)), "image": pick(*IMAGES)} for name in names}
    removed = [name for name in Config().runtimes if random.random() < 0.3]
    settings["runtimes"] = runtimes | dict.fromkeys(removed)
    chosen = [pick(*PROFILE_NAMES) for _ in range(random.randrange(3))]
    settings["profiles"] = {name: profile(random, error_rate) for name in chosen}
    settings["defaultProfile"] = pick([*chosen, "M"], ["HUGE", "", 1])
    settings["install"] = {
        "limits": amounts(random, error_rate, ("cpu", "memory", "ephemeral-storage")),
        "environment": pick([True, False], ["yes", 1, []]),
    }
    settings["minimumResources"] = amounts(random, error_rate, tuple(AMOUNTS))
    if random.random() < error_rate:
        settings[random.choice(("registy", "default_profile", "größe"))] = "x"
    return settings


def profile(random: Random, error_rate: float) -> Manifest:
    """Return a profile: its requests equal some of its limits, and are seldom independent of them."""
    limits = amounts(random, error_rate, tuple(AMOUNTS))
    requests = {name: amount for name, amount in limits.items() if random.random() < 0.7}
    if random.random() < 2 * error_rate:
        requests |= amounts(random, error_rate, tuple(AMOUNTS))
    return {"requests": requests, "limits": limits}


def amounts(random: Random, error_rate: float, resources: tuple[str, ...]) -> Manifest:
    found: Manifest = {}
    for name in resources:
        if random.random() < 0.4:
            valid, invalid = AMOUNTS[name]
            found[name] = random.choice(invalid if random.random() < error_rate else valid)
    if random.random() < error_rate:
        found[random.choice(INVALID_RESOURCES)] = "1"
    return found


def functions(config: Config) -> Iterator[Manifest]:
    """Yield minimal Functions: each runtime and profile, with and without dependencies and autoscaler."""
    runtimes, sizes = list(config.runtimes.items()), list(config.profiles)
    for index in range(max(len(runtimes), len(sizes))):
        name, runtime = runtimes[index % len(runtimes)]
        packages = PACKAGES[FAMILIES[runtime.family].dependencies_format]
        for dependencies in (None, packages):
            for scale in (None, {"minReplicas": 1, "maxReplicas": 2}):
                yield function(name, sizes[index % len(sizes)], dependencies, scale)


def function(runtime: str, size: str, dependencies: str | None, scale: Manifest | None) -> Manifest:
    spec: Manifest = {
        "runtime": runtime,
        "source": {"inline": {"source": "x"} | ({"dependencies": dependencies} if dependencies else {})},
        "resourceConfiguration": {"function": {"profile": size}},
        **({"scaleConfig": scale} if scale else {}),
    }
    return complete({"spec": spec})


def children_of(parent: Manifest, config: Config) -> dict[str, Manifest]:
    """Return the children of a valid Function by kind, {} if it cannot be autoscaled for lack of a request."""
    found = validate(Function.model_validate(parent), config)
    if found and "scaleConfig" in parent["spec"]:
        return {}
    assert found == []
    answer = sync(HookRequest.parse({"parent": parent, "children": {}}), config, now=NOW)
    return {child["kind"]: json.loads(json.dumps(child)) for child in answer.children}
