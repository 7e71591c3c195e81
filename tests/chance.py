"""
Functions by chance, always the same ones for the same seed: sound, or broken in one to three ways.

A break is either one of BREAKS, written by hand for the rules, or it is taken from the CRD's schema: some property gets
a value that its type, bounds, pattern or enum forbids. "Broken" is only what was meant: who judges is the test.
"""

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import yaml
from cases import ROOT

Manifest = dict[str, Any]
Break = Callable[[Random, Manifest], None]

SCHEMA = yaml.safe_load((ROOT / "crds" / "functions.yaml").read_text(encoding="utf-8"))["spec"]["versions"][0]["schema"]
SPEC = SCHEMA["openAPIV3Schema"]["properties"]["spec"]

KEYS = ["a", "A.b-c_d", "example.com/x", "a" * 63, "x" * 63 + ".example.com/" + "y" * 63]
BAD_KEYS = ["a b", "-a", "a-", "", "a" * 64, "A.com/x", "a/b/c", "/a", "a/", "é", "a\n", "x" * 254 + "/a"]
QUANTITIES = ["1", "1000m", 2, "1.5", "0.5", "1e3", "5E", "1.", "+2", "2000000u"]
BAD_QUANTITIES = [
    "much",
    "1KK",
    "",
    "1 ",
    "--1",
    "1.2.3",
    "1e",
    "1ee3",
    "0x1",
    "1Kim",
    "1\n",
    "Ki",
    ".",
    "1_0",
    "\u0661",
]
SOURCES = ["x", "module.exports = {main: () => 'hi'}\n", "$(A) $$ \\ <&> \u2028 😀", "\t", "x" * 70_000]
PACKAGES = ["", " \n", '{"dependencies": {"a": "1"}}', "requests>=2,<3\n", "[1]", "{", "-e .\n", "a b c"]


def odd(random: Random) -> tuple[list[str], Manifest]:
    """Return the names of the fields that got a value which the schema describes, however odd, and the Function."""
    spec = sound(random)
    names = random.sample(sorted(set(SPEC["properties"]) - {"runtime", "source"}), random.choice([1, 1, 2]))
    for name in names:
        spec[name] = any_value(random, SPEC["properties"][name], name)
    if random.random() < 0.3:
        spec["source"] = {"inline": {"source": "x", "dependencies": random.choice(INSTALLED[spec["runtime"][:6]])}}
    return names, {"metadata": {"name": random.choice(["a", "hello", "a-9", "x" * 63])}, "spec": spec}


def any_value(random: Random, schema: Manifest, name: str) -> Any:
    """Return a value of the type that the schema says, from the pool of its name if there is one."""
    if "enum" in schema:
        return random.choice(schema["enum"])
    if name in POOLS and schema.get("type") not in ("object", "array"):
        return random.choice(POOLS[name])
    match schema.get("type", "quantity"):
        case "object" if "additionalProperties" in schema:
            return {
                key: any_value(random, schema["additionalProperties"], name)
                for key in random.sample(MAPS.get(name, KEYS), random.choice([0, 1, 1, 2, 3]))
            }
        case "object":
            return some_properties(random, schema)
        case "array":
            return [any_value(random, schema["items"], name) for _ in range(random.choice([0, 1, 1, 1, 2]))]
        case "boolean":
            return random.choice([True, False])
        case "integer":
            return random.choice([schema["minimum"], schema.get("maximum", 9), max(1, schema["minimum"]), 5])
    return random.choice(TEXTS)


def some_properties(random: Random, schema: Manifest) -> Manifest:
    """Return an object with all that is required and some of the rest, seldom null."""
    properties, required = schema["properties"], schema.get("required", [])
    share = random.choice([0.3, 0.6])
    names = [name for name in properties if name in required or random.random() < share]
    if schema.get("maxProperties") == 1:
        names = [random.choice(list(properties))]
    return {n: None if random.random() < 0.02 else any_value(random, properties[n], n) for n in names}


def function(random: Random) -> tuple[list[str], Manifest]:
    """Return the names of what was broken or is odd, and the Function."""
    if random.random() < 0.4:
        return odd(random)
    spec = sound(random)
    parent: Manifest = {"metadata": {"name": random.choice(["a", "hello", "a-9", "x" * 63])}, "spec": spec}
    names = []
    for _ in range(random.choice([0, 0, 1, 1, 1, 1, 2, 2, 3])):
        name = random.choice(["schema", "schema", *BREAKS])
        BREAKS.get(name, break_schema)(random, parent)
        names.append(name)
    return names, parent


def sound(random: Random) -> Manifest:
    """Return a spec in which every field occurs now and then, with nothing wrong that the API server could see."""
    spec: Manifest = {"runtime": random.choice(["nodejs20", "nodejs22", "nodejs24", "python312"])}
    inline = {"source": random.choice(SOURCES)}
    if random.random() < 0.4:
        inline["dependencies"] = random.choice(PACKAGES)
    spec["source"] = {"inline": inline}
    for field, make in OPTIONAL.items():
        if random.random() < 0.25:
            spec[field] = make(random)
    return spec


def amounts(random: Random) -> Manifest:
    sides: Manifest = {side: {} for side in random.sample(["requests", "limits"], random.randint(0, 2))}
    for side, given in sides.items():
        for name in random.sample(["cpu", "memory", "example.com/gpu"], random.randint(0, 3)):
            low, high = {"cpu": ("100m", "1"), "memory": ("64Mi", "1Gi")}.get(name, ("1", 1))
            given[name] = low if side == "requests" else high
    return sides


def some_keys(random: Random, values: list[str]) -> Manifest:
    return {key: random.choice(values) for key in random.sample(KEYS, random.randint(0, 3))}


def variables(random: Random) -> list[Manifest]:
    names = random.sample(["A", "_x", "a.b-c", "FUNC_NAME", "A" * 253], random.randint(0, 4))
    return [{"name": name} | deepcopy(random.choice(VALUES)) for name in names]


VALUES: list[Manifest] = [
    {},
    {"value": ""},
    {"value": "$(A) \n é"},
    {"value": "", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}},
    {"valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
    {"valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": 1}}},
    {"value": None, "valueFrom": None},
]
OPTIONAL: dict[str, Callable[[Random], Any]] = {
    "runtimeImageOverride": lambda r: r.choice(["", " ", "example.com/a:1"]),
    "env": variables,
    "envFrom": lambda r: [{"prefix": "", "secretRef": {"name": "s"}}, {"configMapRef": {"optional": True}}],
    "labels": lambda r: some_keys(r, ["", "a", "A-b_c.d", "x" * 63]),
    "annotations": lambda r: some_keys(r, ["", "any\nthing <&>", "é" * 100]) | {"EXAMPLE.com/x": ""},
    "replicas": lambda r: r.choice([0, 1, 1000, None]),
    "scaleConfig": lambda r: (
        {"minReplicas": 1, "maxReplicas": r.choice([1, 9])} | r.choice([{}, {"targetCPUUtilizationPercentage": 80}])
    ),
    "resourceConfiguration": lambda r: r.choice(
        [{}, {"function": {"profile": "XS"}}, {"function": {"resources": amounts(r)}}, {"build": {"profile": "fast"}}]
    ),
    "secretMounts": lambda r: [{"secretName": "s.a", "mountPath": p} for p in r.sample(["/a", "/b/c/", "/tmp/x"], 2)],
    "configMapMounts": lambda r: [{"configMapName": "c", "mountPath": r.choice(["/d", "/ab", "/b/d", "/kubeless/x"])}],
    "serviceAccountName": lambda r: "a.b-c",
    "automountServiceAccountToken": lambda r: r.choice([True, False, None]),
    "imagePullSecrets": lambda r: [{"name": "a"}, {"name": "b"}],
    "podSecurityContext": lambda r: r.choice(
        [
            {},
            {"runAsUser": 1, "fsGroup": 0, "supplementalGroups": [0, 1]},
            {"seccompProfile": {"type": "RuntimeDefault"}},
        ]
    ),
    "containerSecurityContext": lambda r: r.choice(
        [
            {},
            {"runAsNonRoot": True, "readOnlyRootFilesystem": False, "privileged": False, "procMount": "Default"},
            {"capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL", "X"]}, "seLinuxOptions": {"type": ""}},
        ]
    ),
    "nodeSelector": lambda r: some_keys(r, ["", "a"]),
    "tolerations": lambda r: [{"operator": "Exists", "tolerationSeconds": r.choice([-5, 5, None])}],
    "priorityClassName": lambda r: "high",
    "startupTimeoutSeconds": lambda r: r.choice([1, 3600, None]),
    "template": lambda r: {},
}


TEXTS = ["", " ", "a", "a", "a.b", "A", "a b", "a/b", "../a", ".", "é", "a\n", "x" * 63, "-1", "007", "a=b", "$(A)"]
NAMES = ["a", "a.b", "a-b", "s", "x" * 253]
PROFILES = ["a", "a/b.json", "a", "a b", "", " ", "/a", "../a", "a/..", "a/../b", "..a", " a"]
"""Of nodes: seccomp takes a relative path, AppArmor any text."""
POOLS: dict[str, list[Any]] = {
    "name": [*NAMES, *NAMES, "A", "", "a_b", "kernel.shm_rmid_forced", "net.ipv4.tcp_syncookies", "net/ipv4/x", "a..b"],
    "secretName": [*NAMES, "A"],
    "configMapName": [*NAMES, "A"],
    "serviceAccountName": [*NAMES, "hello", "A"],
    "priorityClassName": ["high", "high", "system-cluster-critical", "system-node-critical", "A"],
    "runtimeImageOverride": ["", " ", "example.com/a:1", " a ", "A", "a b", "a:", "https://a", "a@sha256:" + "0" * 64],
    "prefix": ["", "A_", "a b", "1", "a=b", "é", "\t"],
    "key": ["a", "a.b", "A", "example.com/x", "", "a/b", "..a", ".", "é", "a b", "a=b", "x" * 253],
    "value": ["", "", "a", "b", "a b", "-a", "7", "-7", "07", "9223372036854775808", "x" * 63],
    "apiVersion": ["v1", "v1", "", "v2", "v1alpha1"],
    "fieldPath": [
        *("metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations"),
        *("metadata.labels['a']", "metadata.annotations['A.b/c']", "metadata.labels['']", "metadata.labels[a]"),
        *("metadata.labels['a b']", "metadata.name['a']", "spec.nodeName", "spec.host", "spec.serviceAccountName"),
        *("status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs", "status.phase", "spec.nope", " "),
        *("metadata.annotations['é']", "metadata.labels['a']['b']", "metadata.labels['x']x", "Metadata.name"),
    ],
    "resource": [
        *("limits.cpu", "limits.memory", "limits.ephemeral-storage", "requests.cpu", "requests.memory"),
        *("requests.ephemeral-storage", "limits.hugepages-2Mi", "requests.hugepages-", "cpu", "limits.storage", "a"),
    ],
    "divisor": [
        "1",
        "1m",
        1,
        0,
        "0",
        "1Mi",
        "1024Ki",
        "1k",
        "1000",
        "1Ei",
        "2",
        "2Mi",
        "10m",
        "1000m",
        "1n",
        "-1",
        "1e3",
    ],
    "containerName": ["function", "install-dependencies", "a", "", "A"],
    "volumeName": ["tmp", "sources", "a", "A", "package-registry-config", ""],
    "path": ["a", "/a", "a/b", "../a", "a/..", "..a", "", " "],
    "localhostProfile": PROFILES,
    "level": ["s0", "", "s0:c1,c2"],
    "user": ["", "u"],
    "role": ["", "r"],
    "add": ["NET_BIND_SERVICE", "NET_BIND_SERVICE", "SYS_ADMIN", "CAP_SYS_ADMIN", "ALL", "", "a b", "all"],
    "drop": ["ALL", "ALL", "NET_RAW", "CAP_CHOWN", ""],
    "runAsUserName": ["a", "A\\b", "", "a\\b\\c", "a/b", "...", "a\n", ".a\\b", "x" * 105, "NT AUTHORITY\\SYSTEM"],
    "gmsaCredentialSpec": ["", "{}", "x" * 1000],
    "gmsaCredentialSpecName": ["a", "a.b", "A", ""],
    "mountPath": [
        *(
            "/a",
            "/a/",
            "/b/c",
            "/tmp/x",
            "/etc/tls",
            "/kubeless/x",
            "/usr/src/app/function/conf",
            "/etc",
            "/proc",
            "/sys",
        ),
        *("/dev", "/usr", "/bin", "/lib", "/kubeless/handler.py", "/server.py", "/a b", "/a\n", "/é", "/$(A)", "/a:b"),
    ],
    "requests": ["1", "1", "100m", "64Mi", 1, 2, "2Mi", "4Mi", "0", "1500m", "1n", "10E", "1e30", "-0", "0.5", "100u"],
    "profile": ["XS", "S", "a"],
    "targetCPUUtilizationPercentage": [1, 80, 1000],
    "minReplicas": [1, 2],
    "maxReplicas": [2, 1000],
    "annotations": ["", "a", "runtime/default", "unconfined", "localhost/a", "5", "[]", "docker/default", "é"],
    "labels": ["", "a", "A-b_c.d", "x" * 63, "-a"],
    "nodeSelector": ["", "a", "x" * 63, "a b"],
    "replicas": [0, 1, 1000],
}
POOLS["limits"] = POOLS["requests"]
RESOURCES = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "hugepages-2Mi",
    "nvidia.com/gpu",
    "mem",
    "storage",
    "kubernetes.io/x",
]
READ = [
    *(f"container.apparmor.security.beta.kubernetes.io/{name}" for name in ("function", "app", "install-dependencies")),
    *(f"container.seccomp.security.alpha.kubernetes.io/{name}" for name in ("function", "app")),
    *("seccomp.security.alpha.kubernetes.io/pod", "kubernetes.io/config.mirror", "kubernetes.io/config.source"),
    *("scheduler.alpha.kubernetes.io/tolerations", "controller.kubernetes.io/pod-deletion-cost"),
    *("pod.beta.kubernetes.io/init-containers", "pod.alpha.kubernetes.io/init-container-statuses"),
    *(
        "kubernetes.io/egress-bandwidth",
        "scheduler.alpha.kubernetes.io/critical-pod",
        "kubectl.kubernetes.io/restartedAt",
    ),
]
"""Annotations of pods that Kubernetes reads, or has read."""
MAPS = {
    "annotations": [*KEYS, *READ],
    "requests": [*RESOURCES, "cpu", "memory", "cpu", "memory"],
    "limits": [*RESOURCES, "cpu", "memory", "cpu", "memory"],
    "nodeSelector": [*KEYS, "kubernetes.io/os"],
    "labels": [*KEYS, "pod-template-hash", "controller-uid", "app.kubernetes.io/name", "istio.io/rev"],
}
INSTALLED = {"nodejs": ["{}", '\ufeff{"dependencies": {}}'], "python": ["requests\n", "\ufeffrequests"]}


def merge(**fields: Callable[[Random], Any]) -> Break:
    """Break by giving fields of the spec another value."""

    def apply(random: Random, parent: Manifest) -> None:
        parent["spec"] |= {field: make(random) for field, make in fields.items()}

    return apply


def named(random: Random, parent: Manifest) -> None:
    parent["metadata"]["name"] = random.choice(["9a", "a.b", "A", "a-", "a_b", "x" * 64, "x" * 254, "é"])


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
            {"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "x", "divisor": r.choice(BAD_QUANTITIES)}}}
        ]
    ),
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
    schema, place = SPEC, parent["spec"]
    while True:
        names = [name for name in schema["properties"] if name != "build"]
        name = random.choice(names)
        inner = schema["properties"][name]
        deeper = inner.get("items", inner)
        if "properties" not in deeper or random.random() < 0.3:
            break
        found = place.get(name)
        if not isinstance(found, dict if deeper is inner else list) or not found:
            place[name] = found = minimal(inner)
        place = found if deeper is inner else found[0]
        if not isinstance(place, dict):
            return
        schema = deeper
    if name in schema.get("required", []) and random.random() < 0.2:
        place.pop(name, None)
    else:
        place[name] = random.choice(list(forbidden(inner)))


def forbidden(schema: Manifest) -> list[Any]:
    """Return values that this schema forbids, and one that it may not."""
    kind = "quantity" if "x-kubernetes-int-or-string" in schema else schema["type"]
    others = {"string": "x", "integer": 7, "boolean": True, "array": [], "object": {}, "number": 1.5}
    fitting = {"quantity": ("string", "integer")}.get(kind, (kind,))
    values = [value for name, value in others.items() if name not in fitting]
    if "enum" in schema:
        values.append("other")
    if "pattern" in schema:
        values += [" ", minimal(schema) + "\n"]
    bounds: dict[str, Callable[[int], Any]] = {
        "minimum": lambda bound: bound - 1,
        "maximum": lambda bound: bound + 1,
        "minLength": lambda bound: "a" * (bound - 1),
        "maxLength": lambda bound: "a" * (bound + 1),
        "maxItems": lambda bound: [minimal(schema["items"])] * (bound + 1),
        "maxProperties": lambda bound: {f"k{n}": minimal(schema["additionalProperties"]) for n in range(bound + 1)},
    }
    values += [make(schema[bound]) for bound, make in bounds.items() if bound in schema and "properties" not in schema]
    if "additionalProperties" in schema:
        values += [{"k": value} for value in forbidden(schema["additionalProperties"])]
    if kind == "array":
        values += [[None], *([value] for value in forbidden(schema["items"]))]
    return [*values, None]


LEAST = {
    r"^/[^:\x00-\x1f\x7f]*$": "/mnt",
    r"^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.*)$": "limits.cpu",
}
"""By pattern, what fits where the least text does not."""


def minimal(schema: Manifest) -> Any:
    """Return the least that this schema allows."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type", "quantity"):
        case "object" if "additionalProperties" in schema:
            return {"k": minimal(schema["additionalProperties"])}
        case "object":
            return {name: minimal(schema["properties"][name]) for name in schema.get("required", [])}
        case "array":
            return [minimal(schema["items"])]
        case "integer":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return True
        case "quantity":
            return "1"
    return LEAST.get(schema.get("pattern", ""), "5m" if schema.get("maxLength") == 16 else "a")
