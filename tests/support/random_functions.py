"""
Functions by chance, always the same ones for the same seed: sound, or broken in one to three ways.

A break is either one of BREAKS, written by hand for the rules, or it is taken from the CRD's schema: some property gets
a value that its type, bounds, pattern or enum forbids. "Broken" is only what was meant: who judges is the test.
"""

from collections.abc import Callable
from copy import deepcopy
from itertools import chain
from random import Random
from typing import Any

import yaml
from support.cases import ROOT

Manifest = dict[str, Any]
Break = Callable[[Random, Manifest], None]

SCHEMA = yaml.safe_load((ROOT / "crds" / "functions.yaml").read_text(encoding="utf-8"))["spec"]["versions"][0]["schema"]
SPEC = SCHEMA["openAPIV3Schema"]["properties"]["spec"]

SIDES = ("requests", "limits")
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
    spec, share = sound(random), random.choice([0, 0.05, 0.3])
    names = set(random.choices(list(ODD_FIELDS), list(ODD_FIELDS.values()), k=random.choice([1, 1, 2, 3])))
    for name in sorted(names):
        spec[name] = any_value(random, SPEC["properties"][name], f".{name}", share)
    packages = PACKAGES if random.random() < share else INSTALLED[spec["runtime"][:6]]
    installed = {"dependencies": random.choice(packages)} if random.random() < 0.3 else {}
    spec["source"] = {"inline": {"source": random.choice(SOURCES[:2])} | installed}
    return sorted(names), {"metadata": {"name": random.choice(["a", "hello", "a-9", "x" * 63])}, "spec": spec}


def any_value(random: Random, schema: Manifest, path: str, share: float) -> Any:
    """
    Return a value of the type that the schema says.

    `path` ends with the names of the object and of the property. `share` is how much of it is odd: of the texts, and
    of what has to fit together.
    """
    name = path.rpartition(".")[2]
    if "enum" in schema:
        return random.choice(schema["enum"])
    if schema.get("type") not in ("object", "array") and (pool := POOLS.get(path) or POOLS.get(name)):
        return random.choice(pool[1] if random.random() < share else pool[0])
    match schema.get("type"):
        case "object" if "additionalProperties" in schema:
            return any_map(random, schema, name, share)
        case "object":
            return mended(random, name, some_properties(random, schema, name, share), share)
        case "array":
            items = [any_value(random, schema["items"], path, share) for _ in range(random.choice([0, 1, 1, 2, 4]))]
            return items if random.random() < share else once(schema, items)
        case "boolean":
            return random.choice([True, False])
        case "integer":
            return random.choice([schema["minimum"], schema.get("maximum", 9), max(1, schema["minimum"]), 5])
    return random.choice(TEXTS if random.random() < share else ["a"])


def any_map(random: Random, schema: Manifest, name: str, share: float) -> Manifest:
    known, strange = MAPS.get(name, (KEYS, KEYS))
    keys = random.sample(known, random.choice([0, 1, 2])) + (
        random.sample(strange, 1) if random.random() < share else []
    )
    return {key: any_value(random, schema["additionalProperties"], f"{name}.{key}", share) for key in keys}


def some_properties(random: Random, schema: Manifest, name: str, share: float) -> Manifest:
    """Return an object with all that is required and some of the rest, seldom null."""
    properties, required = schema["properties"], schema.get("required", [])
    some = random.choice([0.3, 0.6])
    names = [each for each in properties if each in required or random.random() < some]
    if schema.get("maxProperties") == 1:
        names = [random.choice(list(properties))]
    return {
        each: None if random.random() < share / 5 else any_value(random, properties[each], f"{name}.{each}", share)
        for each in names
    }


def once(schema: Manifest, items: list[Any]) -> list[Any]:
    """Leave out what has the same key as another."""
    keys = schema.get("x-kubernetes-list-map-keys", [])
    return list({tuple(item.get(key) for key in keys): item for item in items}.values()) if keys else items


def mended(random: Random, name: str, value: Manifest, share: float) -> Manifest:
    """Return the object with its parts made to fit together, mostly."""
    if name in TOGETHER and random.random() >= share:
        TOGETHER[name](random, value)
    return value


def profile(random: Random, value: Manifest) -> None:
    value.pop("localhostProfile", None)
    if value["type"] == "Localhost":
        value["localhostProfile"] = "a/b.json"


def toleration(random: Random, value: Manifest) -> None:
    if value.get("tolerationSeconds") is not None:
        value["effect"] = "NoExecute"
    if not value.get("key") or not value.get("value"):
        value.pop("value", None)
        value["operator"] = "Exists"
    else:
        value["operator"] = "Equal"


def either(*names: str) -> Callable[[Random, Manifest], None]:
    """Leave one of these properties, and add it if there is none."""

    def apply(random: Random, value: Manifest) -> None:
        kept = random.choice(names)
        found = next((value.pop(name) for name in names if value.get(name)), {"name": "s"})
        for name in names:
            value.pop(name, None)
        value[kept] = found

    return apply


def one_of_value(random: Random, value: Manifest) -> None:
    value.pop(random.choice(["value", "valueFrom"]), None)


def alike(random: Random, value: Manifest) -> None:
    """Give the limits what the requests have, and some CPU and memory."""
    if value.get("requests") and value.get("limits"):
        value["requests"] |= {"cpu": "100m", "memory": "64Mi"}
        value["limits"] = {**value["limits"], **value["requests"]}
    value.pop("claims", None)


def chosen(random: Random, value: Manifest) -> None:
    value.pop(random.choice(["profile", "resources"]), None)
    if not value:
        value["profile"] = "XS"


def privileged(random: Random, value: Manifest) -> None:
    if value.get("privileged"):
        value["allowPrivilegeEscalation"] = True


def function(random: Random) -> tuple[list[str], Manifest]:
    """Return the names of what was broken or is odd, and the Function."""
    if random.random() < 0.3:
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
    "envFrom": lambda r: [
        {"prefix": "", "secretRef": {"name": "s"}},
        {"configMapRef": {"name": "c", "optional": True}},
    ],
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
    "tolerations": lambda r: [
        {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": r.choice([-5, 5, None])}
    ],
    "priorityClassName": lambda r: "high",
    "startupTimeoutSeconds": lambda r: r.choice([1, 3600, None]),
    "template": lambda r: {},
}


TEXTS = ["", " ", "a", "a.b", "A", "a b", "a/b", "../a", ".", "é", "a\n", "x" * 63, "-1", "007", "a=b", "$(A)"]
NAMES = ["a", "a.b", "a-b", "s", "x" * 253]
SAFE = ["net.ipv4.tcp_syncookies", "kernel.shm_rmid_forced", "net.ipv4.ping_group_range"]
AMOUNTS = ["1", "1", "100m", "64Mi", 1, 2, "2Mi", "0.5", "1e3", "0"]
ODD_AMOUNTS = [*AMOUNTS, "1500m", "1n", "10E", "1e30", "-0", "100u", "4Mi", "-1", "Ki", "1.0"]
Pool = tuple[list[Any], list[Any]]
POOLS: dict[str, Pool] = {
    "name": (NAMES, [*NAMES, "A", "", "a_b", "a..b", "-a", "é", "a b"]),
    "env.name": (["A", "1A", "my var", "a.b-c", "%", "A" * 253], ["", "a=b", "é", "A\t", "FUNC_PORT", "HANDLER_PATH"]),
    "sysctls.name": (SAFE, [*SAFE, "", "kernel/shm_rmid_forced", "a..b", "A", "net.core.somaxconn", "a-.b"]),
    "secretName": (NAMES, ["A", ""]),
    "configMapName": (NAMES, ["A", ""]),
    "serviceAccountName": (["a.b-c", "other", "a"], ["hello", "A"]),
    "priorityClassName": (["high", "system-cluster-critical", "system-node-critical"], ["A"]),
    "runtimeImageOverride": (
        ["", " ", "example.com/a:1", " a ", "a@sha256:" + "0" * 64, "[::1]:5000/a/b_c", "x" * 255],
        ["A", "a b", "a:", "https://a", "a//b", "a/", "x" * 256, "a@sha256:0", "é"],
    ),
    "prefix": (["", "A_", "a b", "1"], ["a=b", "é", "\t"]),
    "configMapKeyRef.key": (["a", "a.b", "A_b", ".a"], ["", "a/b", "..a", ".", "..", "é", "a b"]),
    "secretKeyRef.key": (["a", "a.b", "A_b", ".a"], ["", "a/b", "..a", ".", "..", "é", "a b"]),
    "fileKeyRef.key": (["a", "A", "a b"], ["", "a=b", "é"]),
    "tolerations.key": (["a", "example.com/x", "A_b"], ["", "a b", "A.com/x", "x" * 64]),
    "env.value": (["", "a", "$(A) \n é"], ["a\0b"]),
    "tolerations.value": (["", "a", "A_b"], ["a b", "-a", "x" * 64]),
    "fieldPath": (
        [
            *("metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels['a']"),
            *("metadata.annotations['A.b/c']", "spec.nodeName", "spec.host", "spec.serviceAccountName"),
            *("status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"),
            f"metadata.labels['{'x' * 63}.{'y' * 63}.{'z' * 63}.{'w' * 61}/a']",
        ],
        [
            *("metadata.labels", "metadata.annotations", "metadata.labels['']", "metadata.labels[a]", "Metadata.name"),
            *(
                "metadata.labels['a b']",
                "metadata.name['a']",
                "status.phase",
                "spec.nope",
                " ",
                "metadata.labels['x']x",
            ),
            *("metadata.annotations['é']", "metadata.labels['a']['b']", "metadata.labels['A.b/c']"),
            f"metadata.labels['{'x' * 63}.{'y' * 63}.{'z' * 63}.{'w' * 62}/a']",
        ],
    ),
    "resource": (
        [
            *("limits.cpu", "limits.memory", "limits.ephemeral-storage", "requests.cpu", "requests.memory"),
            *("requests.ephemeral-storage", "limits.hugepages-2Mi"),
        ],
        ["requests.hugepages-", "cpu", "limits.storage", "a", "limits.nvidia.com/gpu"],
    ),
    "divisor": (
        ["1", 1, 0, "0"],
        ["1m", "1Mi", "1024Ki", "1k", "1000", "1Ei", "2", "2Mi", "10m", "1000m", "1n", "1e3"],
    ),
    "fileKeyRef.path": (["a", "/a", "a/b", "..a"], ["../a", "a/..", "..", "", " "]),
    "localhostProfile": (["a", "a/b.json"], ["a b", "", " ", "/a", "../a", "a/..", "a/../b", "..a", " a", "é"]),
    "level": (["s0", "", "s0:c1,c2"], TEXTS),
    "seLinuxOptions.type": (["", "container_t"], TEXTS),
    "user": ([""], TEXTS),
    "role": ([""], TEXTS),
    "add": (["NET_BIND_SERVICE"], ["SYS_ADMIN", "CAP_SYS_ADMIN", "ALL", "", "a b", "all"]),
    "drop": (["ALL"], ["NET_RAW", "CAP_CHOWN", ""]),
    "runAsUserName": (
        ["a", "A\\b", "NT AUTHORITY\\SYSTEM", "a.b\\c d", "x" * 104],
        ["", "a\\b\\c", "a/b", "...", "a\n", ".a\\b", "x" * 105, "A\\", "é", "x" * 16 + "\\a"],
    ),
    "gmsaCredentialSpec": (["{}", "x" * 1000], [""]),
    "mountPath": (
        [
            "/a",
            "/a/",
            "/b/c",
            "/tmp/x",
            "/etc/tls",
            "/a b",
            "/é",
            "/$(A)",
            "/usr/lib/ssl",
            "/dev/x",
            "/var/run/secrets",
        ],
        [
            *("/etc", "/proc", "/proc/1", "/sys", "/sys/x", "/dev", "/usr", "/bin/", "/lib", "/a\n", "/a:b", "/tmp"),
            *("/kubeless/handler.py", "/kubeless/.local", "/server.py", "/usr/src/app/node_modules", "/kubeless"),
            *(
                "/kubeless/x",
                "/usr/src/app/function/conf",
                "/usr/src",
                "/a/../b",
                "/usr/src/app/server.mjs/x",
                "/etc/hosts",
                "/etc/package-registry-config",
                "/etc/package-registry-config/a",
            ),
        ],
    ),
    "profile": (["XS", "S"], ["a", ""]),
    "minReplicas": ([1, 2], [5]),
    "maxReplicas": ([2, 1000], [1]),
    "fsGroup": ([1, 1000], [0, 2147483647]),
}
RESOURCES: Pool = (
    ["cpu", "memory", "ephemeral-storage", "hugepages-2Mi", "nvidia.com/gpu"],
    [
        "mem",
        "storage",
        "kubernetes.io/x",
        "requests.nvidia.com/gpu",
        "hugepages-x",
        "hugepages-2M",
        "a b",
        "A/b",
        "a/b/c",
    ],
)
WRITTEN: dict[str, list[Any]] = {
    "cpu": ["1", "100m", 2, "0.5", "10", "1e3"],
    "memory": ["64Mi", "1Gi", "100M", 134217728, "1e9"],
    "ephemeral-storage": ["1Gi", "0"],
    "hugepages-2Mi": ["2Mi", "4Mi", 0],
    "nvidia.com/gpu": ["1", 2, "1000m"],
}
POOLS |= {f"{side}.{name}": (WRITTEN.get(name, AMOUNTS), ODD_AMOUNTS) for side in SIDES for name in chain(*RESOURCES)}
APPARMOR, SECCOMP = "container.apparmor.security.beta.kubernetes.io/", "container.seccomp.security.alpha.kubernetes.io/"
SECCOMP_POD, COST = "seccomp.security.alpha.kubernetes.io/pod", "controller.kubernetes.io/pod-deletion-cost"
PROFILES: Pool = (
    ["runtime/default"],
    ["", "unconfined", "docker/default", "localhost/a", "localhost/a/b.json", "localhost/"],
)
ODD_PROFILES = [*PROFILES[1], "localhost/../a", "localhost//a", "localhost/ a", "Unconfined", "a"]
BANDWIDTH = "kubernetes.io/egress-bandwidth"
READ = [
    *("kubernetes.io/config.mirror", "kubernetes.io/config.source", "scheduler.alpha.kubernetes.io/tolerations"),
    *("pod.beta.kubernetes.io/init-containers", "pod.alpha.kubernetes.io/init-container-statuses"),
    *(
        "kubernetes.io/egress-bandwidth",
        "scheduler.alpha.kubernetes.io/critical-pod",
        "kubectl.kubernetes.io/restartedAt",
    ),
    *(f"{APPARMOR}app", f"{APPARMOR}install-dependencies", f"{SECCOMP}app", "non-convertible.kubernetes.io"),
]
"""Annotations of pods that Kubernetes reads, or has read."""
MAPS: dict[str, Pool] = {
    "annotations": ([*KEYS, f"{APPARMOR}function", f"{SECCOMP}function", SECCOMP_POD, COST, BANDWIDTH], READ),
    "requests": RESOURCES,
    "limits": RESOURCES,
    "nodeSelector": (KEYS, ["kubernetes.io/os", "a b"]),
    "labels": (KEYS, ["pod-template-hash", "controller-uid", "app.kubernetes.io/name", "istio.io/rev", "a b"]),
}
POOLS |= {
    f"annotations.{key}": (PROFILES[0], ODD_PROFILES)
    for key in (*(f"{prefix}{name}" for prefix in (APPARMOR, SECCOMP) for name in ("function", "app")), SECCOMP_POD)
}
POOLS[f"annotations.{COST}"] = (
    ["-5", "0", "10"],
    ["", "+1", "007", "-", "-0", "2147483648", "-2147483648", "1e3", "a"],
)
POOLS |= {
    f"annotations.kubernetes.io/{way}-bandwidth": (
        ["10M", "1k", "1P"],
        ["", "a", "1", "-1M", "2P", "1e6", "0.5k", "Ki"],
    )
    for way in ("egress", "ingress")
}
POOLS |= {f"labels.{key}": (["", "a", "A-b_c.d", "x" * 63], TEXTS) for key in chain(*MAPS["labels"])}
POOLS |= {f"nodeSelector.{key}": (["", "a", "x" * 63], TEXTS) for key in chain(*MAPS["nodeSelector"])}
OF_PROFILES = [f"{APPARMOR}function", f"{SECCOMP}function", f"{SECCOMP}install-dependencies", SECCOMP_POD]
NODE, TYPES = ["appArmorProfile", "seccompProfile"], ["Localhost", "Localhost", "RuntimeDefault"]
ENV_FROM = ["configMapRef", "secretRef"]
TOGETHER: dict[str, Callable[[Random, Manifest], None]] = {
    "appArmorProfile": profile,
    "seccompProfile": profile,
    "tolerations": toleration,
    "envFrom": either("configMapRef", "secretRef"),
    "env": one_of_value,
    "resources": alike,
    "function": chosen,
    "build": chosen,
    "containerSecurityContext": privileged,
}
ODD_FIELDS = {
    name: {"env": 8, "resourceConfiguration": 4, "podSecurityContext": 6, "containerSecurityContext": 6}.get(name, 2)
    for name in SPEC["properties"]
    if name not in ("runtime", "source", "template")
}
"""How often each field gets an odd value: the more there is in it, the more often."""
INSTALLED = {"nodejs": ["{}", '\ufeff{"dependencies": {}}'], "python": ["requests\n", "\ufeffrequests"]}


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
