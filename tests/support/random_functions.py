"""
Random Functions, always the same ones for the same seed: sound, odd, or broken in one to three ways.

The values come from function_values.py. An odd Function has values that the schema describes and some component may
refuse. A broken one has some of BREAKS, which break a rule, or a value that its schema forbids. Neither is certain to
be refused: the tests compare which component refuses it.

The cluster tests need five thousand Functions, which take less than a second from a seed and more than a minute from
Hypothesis. strategies.py runs the same code under Hypothesis, for tests that make a failing example smaller.
"""

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from support.function_values import SCHEMA, SPEC, chance, picked, value_of  # noqa: F401 - SCHEMA is for tests
from support.schema_breaks import SCHEMA_BREAKS
from support.value_pools import COST, ENV_FROM, NODE, OF_PROFILES, POOLS, PROFILES, READ, SIDES, TYPES, text

from hooks.config import Config

Manifest = dict[str, Any]
Break = Callable[[Random, Manifest], None]

RUNTIMES = {name: runtime.family for name, runtime in Config().runtimes.items()}
SOURCES = [text, text, "module.exports = {main: () => 'hi'}\n", "$(A) $$ \\ <&> \u2028 😀", "\t", "x" * 70_000]
INSTALLED = {
    "nodejs": ["", " \n", "{}", '\ufeff{"dependencies": {}}', '{"dependencies": {"a": "1"}}'],
    "python": ["", " \n", "requests\n", "\ufeffrequests", "requests>=2,<3\n", "requests==2.32.5 # $HOME\n"],
}
"""Lists of packages by family."""
NOT_INSTALLED = ["[1]", "{", "-e .\n", "a b c"]
OPTIONAL = [name for name in SPEC["properties"] if name not in ("runtime", "source", "template")]
OFTEN = {"env": 4, "resourceConfiguration": 2, "podSecurityContext": 3, "containerSecurityContext": 3}
"""Weights of fields with many properties, which are odd more often than others."""


def function(random: Random) -> tuple[list[str], Manifest]:
    """Return the names of its breaks or of its odd fields, and the Function."""
    if chance(random, 0.3):
        return odd(random)
    parent = sound(random)
    if chance(random, 0.3):
        parent["spec"]["source"]["inline"]["dependencies"] = random.choice(NOT_INSTALLED)
    names = []
    for _ in range(random.choice([0, 0, 1, 1, 1, 1, 2, 2, 3])):
        name = "schema" if chance(random, 0.4) else random.choice(list(BREAKS))
        BREAKS.get(name, break_schema)(random, parent)
        names.append(name)
    return names, parent


def odd(random: Random) -> tuple[list[str], Manifest]:
    """Return the names of its odd fields, and the Function."""
    parent, oddness = sound(random), random.choice([0, 0.05, 0.3])
    weights = [OFTEN.get(name, 1) for name in OPTIONAL]
    names = sorted(set(random.choices(OPTIONAL, weights, k=random.choice([1, 1, 2, 3]))))
    parent["spec"] |= {name: value_of(random, name, oddness) for name in names}
    if chance(random, oddness):
        parent["spec"]["source"]["inline"]["dependencies"] = random.choice(NOT_INSTALLED)
    return names, parent


def sound(random: Random) -> Manifest:
    """Return a Function that CRD, policy and hook accept, with some of all fields."""
    runtime, some = random.choice(list(RUNTIMES)), random.choice([0.1, 0.3, 0.6])
    inline = {"source": picked(random, (SOURCES, []), 0)}
    if chance(random, 0.4):
        inline["dependencies"] = random.choice(INSTALLED[RUNTIMES[runtime]])
    spec: Manifest = {"runtime": runtime, "source": {"inline": inline}}
    spec |= {name: value_of(random, name) for name in OPTIONAL if chance(random, some)}
    if chance(random, some):
        spec["template"] = {}
    parent = {"metadata": {"name": random.choice(["a", "hello", "a-9", "x" * 63])}, "spec": spec}
    fit(parent)
    return parent


def fit(parent: Manifest) -> None:
    """Remove from a Function the fields and items that conflict with others, each of which is sound alone."""
    spec = parent["spec"]
    if spec.get("serviceAccountName") == parent["metadata"]["name"]:
        del spec["serviceAccountName"]
    contexts = [spec.get(field) or {} for field in ("podSecurityContext", "containerSecurityContext")]
    if any(name in context for context in contexts for name in NODE):
        for key in OF_PROFILES:
            spec.get("annotations", {}).pop(key, None)
    taken: list[str] = []
    for field in ("secretMounts", "configMapMounts"):
        spec |= {field: [mount for mount in spec[field] if _is_free(mount, taken)]} if field in spec else {}


def _is_free(mount: Manifest, taken: list[str]) -> bool:
    """Return whether a mount overlaps none of `taken`, and add it to them."""
    path = mount["mountPath"].rstrip("/") + "/"
    if any(path.startswith(other) or other.startswith(path) for other in taken):
        return False
    taken.append(path)
    return True


BAD_KEYS = ["a b", "-a", "a-", "", "a" * 64, "A.com/x", "a/b/c", "/a", "a/", "é", "a\n", "x" * 254 + "/a"]
QUANTITIES = ["1", "1000m", 2, "1.5", "0.5", "1e3", "5E", "1.", "+2", "2000000u"]
BAD_QUANTITIES = [
    *("much", "1KK", "", "1 ", "--1", "1.2.3", "1e", "1ee3", "0x1", "1Kim", "1\n", "Ki", ".", "1_0", "\u0661"),
]


def merge(**fields: Callable[[Random], Any]) -> Break:
    """Break by giving fields of the spec another value."""

    def apply(random: Random, parent: Manifest) -> None:
        parent["spec"] |= {field: make(random) for field, make in fields.items()}

    return apply


def named(random: Random, parent: Manifest) -> None:
    parent["metadata"]["name"] = random.choice(["9a", "a.b", "A", "a-", "a_b", "x" * 64, "x" * 253, "é"])


def in_source(random: Random, parent: Manifest) -> None:
    bad = [{"source": "a\0b"}, {"dependencies": "a\0"}, {"dependencies": "x" * 131_046}, {"dependencies": "é" * 65_523}]
    source = parent["spec"].get("source")
    inline = source.get("inline") if isinstance(source, dict) else None
    parent["spec"]["source"] = {
        "inline": (inline if isinstance(inline, dict) else {"source": "x"}) | random.choice(bad)
    }


def resources(make: Callable[[Random], Manifest], place: tuple[str, ...] = ("function", "build")) -> Break:
    """Break by giving the pods or the build a choice of resources."""
    return merge(resourceConfiguration=lambda random: {random.choice(place): make(random)})


def written(random: Random, values: list[Any]) -> Manifest:
    side, name = random.choice(["requests", "limits"]), random.choice(["cpu", "memory", "example.com/gpu"])
    return {"resources": {side: {name: random.choice(values), "other": "1"}}}


def upside_down(random: Random) -> Manifest:
    return {"resources": {"requests": {"cpu": "2", "memory": 3, "x": "1"}, "limits": {"cpu": "1999m", "memory": "2"}}}


def git(random: Random) -> Manifest:
    blank = random.choice([" ", "\u2003", "\t\n", "/", "\x1c"])
    return {"gitRepository": {"url": "u", "baseDir": blank, "reference": random.choice([blank, "main"])}}


def pick(random: Random, pool: str) -> Any:
    """Return a value of a pool, as often an odd one as not."""
    return random.choice(random.choice(POOLS[pool]))


def sourced(make: Callable[[Random], Manifest]) -> Break:
    return merge(env=lambda random: [{"name": "A", "valueFrom": make(random)}])


def mounted(*paths: str) -> Break:
    return merge(secretMounts=lambda random: [{"secretName": "s", "mountPath": path} for path in paths])


def context(field: str, *values: Manifest) -> Break:
    return merge(**{field: lambda random: deepcopy(random.choice(values))})


BREAKS: dict[str, Break] = {
    "name": named,
    "runtime": merge(runtime=lambda r: r.choice(["ruby33", "a", "nodejs-22", "x" * 63])),
    "no source": merge(source=lambda r: r.choice([{}, {"inline": None}])),
    "two sources": merge(source=lambda r: {"inline": {"source": "x"}} | git(r)),
    "git": merge(source=git),
    "text": in_source,
    "unmeasured": merge(
        scaleConfig=lambda r: {"minReplicas": 1, "maxReplicas": 2, "targetMemoryUtilizationPercentage": 80},
        resourceConfiguration=lambda r: {
            "function": {
                "resources": {side: {r.choice(["memory", "cpu", "ephemeral-storage"]): "1Gi"} for side in SIDES}
            }
        },
    ),
    "own account": lambda r, parent: parent["spec"].update(serviceAccountName=parent["metadata"]["name"]),
    "huge pages": resources(
        lambda r: {
            "resources": {
                "requests": {"ephemeral-storage": "1"},
                "limits": {"hugepages-2Mi": r.choice(["2Mi", "3Mi", "2097152", "1e15"])},
            }
        }
    ),
    "device": resources(
        lambda r: {
            "resources": {
                "requests": {"nvidia.com/gpu": r.choice(["1", 2, "1500m", "1000m", "x"]), "cpu": "1"},
                "limits": r.choice([{"cpu": "1"}, {"nvidia.com/gpu": r.choice(["1", "2", "0.5", "1.0"])}, {}]),
            }
        }
    ),
    "scale": merge(scaleConfig=lambda r: {"minReplicas": r.randint(2, 9), "maxReplicas": 1}),
    "profile": resources(lambda r: {"profile": r.choice(["XXL", "s", "a" * 63])}),
    "neither": resources(lambda r: {}),
    "both": resources(lambda r: {"profile": "S", "resources": {}}),
    "claims": resources(lambda r: {"resources": {"claims": [{"name": "gpu"}]}}),
    "quantity": resources(lambda r: written(r, BAD_QUANTITIES)),
    "odd quantity": resources(lambda r: written(r, QUANTITIES)),
    "negative": resources(lambda r: written(r, ["-1", -5, "-1m", "-0", "-1Ki"])),
    "small": resources(lambda r: written(r, ["1m", "15Mi", 0, "0", "9999u", "1n"])),
    "above": resources(upside_down),
    "env name": merge(env=lambda r: [{"name": r.choice(["1A", "a b", "é", "a=b", "A\n", "'"])}, {"name": "B"}]),
    "env reserved": merge(env=lambda r: [{"name": "A"}, {"name": r.choice(["MOD_NAME", "FUNC_HANDLER_SOURCE_2"])}]),
    "env twice": merge(env=lambda r: [{"name": "A"}, {"name": "B"}, {"name": "A", "value": "x"}]),
    "env nul": merge(env=lambda r: [{"name": "A", "value": "a\0b"}]),
    "env both": merge(env=lambda r: [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]),
    "env divisor": merge(
        env=lambda r: [
            {
                "name": "A",
                "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": r.choice(BAD_QUANTITIES)}},
            }
        ]
    ),
    "env field": sourced(lambda r: {"fieldRef": {"fieldPath": pick(r, "fieldPath")}}),
    "env unit": sourced(
        lambda r: {"resourceFieldRef": {"resource": pick(r, "resource"), "divisor": pick(r, "divisor")}}
    ),
    "env file": sourced(
        lambda r: {"fileKeyRef": {"volumeName": "tmp", "path": pick(r, "fileKeyRef.path"), "key": "k"}}
    ),
    "env path": merge(
        env=lambda r: [
            {"name": name, "value": r.choice(["./x", "", "/kubeless"])} for name in ("HANDLER_PATH", "FUNCTION_PATH")
        ]
    ),
    "env from": merge(envFrom=lambda r: [r.choice([{}, {"prefix": "a"}, {k: {"name": "s"} for k in ENV_FROM}])]),
    "toleration": merge(
        tolerations=lambda r: [
            {
                "key": pick(r, "tolerations.key"),
                "operator": r.choice(["Exists", "Equal"]),
                "value": pick(r, "tolerations.value"),
                "effect": r.choice(["NoExecute", "NoSchedule"]),
                "tolerationSeconds": r.choice([5, None]),
            }
        ]
    ),
    "profile of the node": merge(
        podSecurityContext=lambda r: {
            r.choice(NODE): {"type": r.choice(TYPES), "localhostProfile": pick(r, "localhostProfile")}
        }
    ),
    "profile twice": merge(
        annotations=lambda r: {key: r.choice([*PROFILES[0], *PROFILES[1]]) for key in OF_PROFILES if r.random() < 0.5},
        podSecurityContext=lambda r: {name: {"type": "RuntimeDefault"} for name in NODE if r.random() < 0.5},
        containerSecurityContext=lambda r: {
            name: {"type": "Localhost", "localhostProfile": "a"} for name in NODE if r.random() < 0.5
        },
    ),
    "annotation read": merge(
        annotations=lambda r: {
            key: r.choice(POOLS.get(f"annotations.{key}", (["x"], ["x"]))[1])
            for key in r.sample([*READ, *OF_PROFILES, COST], 2)
        }
    ),
    "windows": merge(podSecurityContext=lambda r: {"windowsOptions": {"runAsUserName": pick(r, "runAsUserName")}}),
    "label key": merge(labels=lambda r: {r.choice(BAD_KEYS): "", "b": ""}),
    "annotation key": merge(annotations=lambda r: {r.choice(BAD_KEYS): "", r.choice(BAD_KEYS): ""}),
    "selector key": merge(nodeSelector=lambda r: {r.choice(BAD_KEYS): ""}),
    "reserved key": merge(
        **{
            field: lambda r: {"serverless.kyma-project.io/" + r.choice(["a", ""]): "", "c": ""}
            for field in ("labels", "annotations", "nodeSelector")
        }
    ),
    "reserved annotation": merge(annotations=lambda r: {"proxy.istio.io/config": "{}"}),
    "relative": mounted("/a//b", "/c/../d", "/e/.", "/f/..x"),
    "tmp": mounted("/tmp/", "/x"),
    "tmp again": mounted("/tmp"),
    "work dir": mounted("/usr/src", "/kubeless/"),
    "overlap": mounted("/m/a", "/m/", "/mm"),
    "long": mounted(*(f"/{n}/{'x' * 1000}" for n in range(41))),
    "same": mounted("/m", "/m/", "/n"),
    "twice": mounted("/m", "/m"),
    "across": merge(
        secretMounts=lambda r: [{"secretName": "s", "mountPath": "/o/p"}],
        configMapMounts=lambda r: [{"configMapName": "s", "mountPath": r.choice(["/o", "/o/p", "/o/p/q"])}],
    ),
    "pull twice": merge(imagePullSecrets=lambda r: [{"name": "a"}, {"name": "b"}, {"name": "a"}]),
    "template": merge(template=lambda r: r.choice([{"labels": {}}, {"annotations": {"a": "b"}}, {"labels": None}])),
    "pod root": context(
        "podSecurityContext",
        {"runAsUser": 0},
        {"runAsNonRoot": False, "seccompProfile": {"type": "Unconfined"}},
        {"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}, {"name": "kernel.x", "value": "1"}]},
        {"windowsOptions": {"hostProcess": True}, "seLinuxOptions": {"user": "u", "role": "r", "type": "t"}},
    ),
    "privileged": context(
        "containerSecurityContext",
        {"privileged": True, "allowPrivilegeEscalation": True},
        {"capabilities": {"add": ["SYS_ADMIN", "NET_BIND_SERVICE", "X"]}},
        {"capabilities": {"drop": ["NET_RAW"]}},
        {"capabilities": {"drop": []}},
        {"procMount": "Unmasked", "appArmorProfile": {"type": "Unconfined"}, "runAsUser": 0},
    ),
    "null": lambda r, parent: parent["spec"].update({r.choice(list(OPTIONAL)): None}),
}


def break_schema(random: Random, parent: Manifest) -> None:
    """Give some property of the spec, however deep, a value that its schema forbids."""
    found = random.choice(SCHEMA_BREAKS)
    found.apply(parent["spec"], random.choice(found.values))
