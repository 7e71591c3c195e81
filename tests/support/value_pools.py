"""
The values of function_values.py that the CRD's schema cannot give: texts and numbers, sound and odd.

POOLS is looked up by the end of a path (`env.name`, `labels.KEY`), then by the name of the property. An odd value is
one that some component may refuse, alone or with others. A function in a pool makes a value from a Random.
"""

from itertools import chain
from random import Random
from typing import Any

Pool = tuple[list[Any], list[Any]]
"""Sound values, odd values."""

PIECES = [
    "$$",
    "$(FUNC_NAME)",
    "${x}",
    "\\n",
    "\n",
    "\r\n",
    "%s",
    "'",
    '"',
    "`",
    "\\",
    "é",
    "😀",
    "\t",
    " ",
    "a",
    "\u2028",
]


def text(random: Random) -> str:
    """Return a text that shells, YAML, JSON, printf or the kubelet may misread."""
    return "".join(random.choices(PIECES, k=random.randint(1, 12)))


def object_name(random: Random) -> str:
    return "".join(random.choices("az09", k=random.randint(1, 4))) + random.choice(["", "-a", ".0", ".a-b", "--0"])


APPARMOR, SECCOMP = "container.apparmor.security.beta.kubernetes.io/", "container.seccomp.security.alpha.kubernetes.io/"
SECCOMP_POD, COST = "seccomp.security.alpha.kubernetes.io/pod", "controller.kubernetes.io/pod-deletion-cost"
OF_PROFILES = [f"{APPARMOR}function", f"{SECCOMP}function", f"{SECCOMP}install-dependencies", SECCOMP_POD]
"""Annotations that name a profile, as a security context may."""
NODE, TYPES = ["appArmorProfile", "seccompProfile"], ["Localhost", "Localhost", "RuntimeDefault"]
ENV_FROM, SIDES = ["configMapRef", "secretRef"], ("requests", "limits")

# A table, kept by hand: each property with its sound values, then its odd ones.
# fmt: off
KEYS = ["a", "A.b-c_d", "example.com/x", "a" * 63, "x" * 63 + ".example.com/" + "y" * 63]
TEXTS = ["", " ", "a", "a.b", "A", "a b", "a/b", "../a", ".", "é", "a\n", "x" * 63, "-1", "007", "a=b", "$(A)"]
NAMES = ["a", "a.b", "a-b", "s", "x" * 253, object_name]
NAMES_POOL: Pool = NAMES, ["", "A", "a/b", "-a", "x" * 254]
SYSCTLS = ["net.ipv4.tcp_syncookies", "kernel.shm_rmid_forced", "net.ipv4.ping_group_range"]
LONGEST = f"{'x' * 63}.{'y' * 63}.{'z' * 63}."
DATA_KEYS: Pool = ["a", "a.b", "A_b", ".a"], ["", "a/b", "..a", ".", "..", "é", "a b"]
PROFILES: Pool = (
    ["runtime/default"],
    ["", "unconfined", "docker/default", "localhost/a", "localhost/a/b.json", "localhost/"],
)
ODD_PROFILES = [*PROFILES[1], "localhost/../a", "localhost//a", "localhost/ a", "Unconfined", "a"]
BANDWIDTHS: Pool = ["10M", "1k", "1P"], ["", "a", "1", "-1M", "2P", "1e6", "0.5k", "Ki"]
POOLS: dict[str, Pool] = {
    "name": (NAMES, [*NAMES, "A", "", "a_b", "a..b", "-a", "é", "a b"]),
    "secretName": (NAMES, ["A", ""]),
    "configMapName": (NAMES, ["A", ""]),
    "serviceAccountName": (["a.b-c", "other", "a"], ["hello", "A"]),
    "priorityClassName": (["high", "system-cluster-critical", "system-node-critical"], ["A"]),
    "runtimeImageOverride": (
        ["", " ", "example.com/a:1", " a ", "a@sha256:" + "0" * 64, "[::1]:5000/a/b_c", "x" * 255],
        ["A", "a b", "a:", "https://a", "a//b", "a/", "x" * 256, "a@sha256:0", "é"],
    ),
    "env.name": (
        ["A", "B", "_X", "1A", "my var", "1 %", "a.b-c", "FUNC_NAME", "PYTHONUNBUFFERED", "A" * 253],
        ["", "a=b", "é", "A\t", "FUNC_PORT", "HANDLER_PATH"],
    ),
    "env.value": (["", "a", "$(A) \n é", text], ["a\0b"]),
    "prefix": (["", "A_", "a b", "1"], ["a=b", "é", "\t"]),
    "configMapKeyRef.key": DATA_KEYS,
    "secretKeyRef.key": DATA_KEYS,
    "fileKeyRef.key": (["a", "A", "a b"], ["", "a=b", "é"]),
    "fileKeyRef.path": (["a", "/a", "a/b", "..a"], ["../a", "a/..", "..", "", " "]),
    "fieldPath": (
        ["metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels['a']", "metadata.annotations['A.b/c']",
         "spec.nodeName", "spec.host", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP",
         "status.podIPs", f"metadata.labels['{LONGEST}{'w' * 61}/a']"],
        ["metadata.labels", "metadata.annotations", "metadata.labels['']", "metadata.labels[a]", "Metadata.name",
         "metadata.labels['a b']", "metadata.name['a']", "status.phase", "spec.nope", " ", "metadata.labels['x']x",
         "metadata.annotations['é']", "metadata.labels['a']['b']", "metadata.labels['A.b/c']",
         f"metadata.labels['{LONGEST}{'w' * 62}/a']"],
    ),
    "resource": (
        ["limits.cpu", "limits.memory", "limits.ephemeral-storage", "requests.cpu", "requests.memory",
         "requests.ephemeral-storage", "limits.hugepages-2Mi"],
        ["requests.hugepages-", "cpu", "limits.storage", "a", "limits.nvidia.com/gpu"],
    ),
    "divisor": (
        ["1", 1, 0, "0"],
        ["1m", "1Mi", "1024Ki", "1k", "1000", "1Ei", "2", "2Mi", "10m", "1000m", "1n", "1e3"],
    ),
    "mountPath": (
        ["/a", "/a/", "/b/c", "/tmp/x", "/etc/tls", "/a b", "/é", "/$(A)", "/usr/lib/ssl", "/dev/x", "/var/run/secrets",
         "/data/"],
        ["/etc", "/proc", "/proc/1", "/sys", "/sys/x", "/dev", "/usr", "/bin/", "/lib", "/a\n", "/a:b", "/tmp",
         "/a/../b", "/kubeless", "/kubeless/x", "/kubeless/handler.py", "/kubeless/.local", "/server.py", "/usr/src",
         "/usr/src/app/node_modules", "/usr/src/app/function/conf", "/usr/src/app/server.mjs/x", "/etc/hosts",
         "/etc/package-registry-config", "/etc/package-registry-config/a"],
    ),
    "gitRepository.url": (
        ["https://git.example/r.git", "http://h:3000/a/b?c", "ssh://git@h:22/a", "git@h:a/b.git", "https://é/$(A)"],
        ["git://h/a", "https://", "git@h:", "https://h/a b", "h/a", "file:///a"],
    ),
    "gitRepository.baseDir": (
        ["/", ".", "a", "/a/b/", "a//./b", "..a", "a b", "it's", "$(A)$$", "é"],
        ["..", "/../a", "a/..", "a\n", " ", "\x7f"],
    ),
    "gitRepository.reference": (
        ["main", "v1.0", "a/b", "refs/pull/1/head", "0" * 40, "A" * 40, "abc1234", "é", "$(A)"],
        ["a b", "a..b", "/a", "a/", "a~1", " ", "a\n", "@{1}"],
    ),
    "gitRepository.interval": (["10s", "24h", "1h30m", "90s"], ["9s", "25h", "0h0m", "5x"]),
    "sourceRef.name": NAMES_POOL,
    "sourceRef.path": (["/", "a", "a/b", "a b", "$(A)"], ["..", "a/../b", "a\n"]),
    "profile": (["XS", "S", "M", "L", "XL"], ["a", ""]),
    "minReplicas": ([1, 2, 5], [7]),
    "maxReplicas": ([5, 9, 1000], [1]),
    "tolerations.key": (["a", "example.com/x", "A_b"], ["", "a b", "A.com/x", "x" * 64]),
    "tolerations.value": (["", "a", "A_b"], ["a b", "-a", "x" * 64]),
    "sysctls.name": (SYSCTLS, [*SYSCTLS, "", "kernel/shm_rmid_forced", "a..b", "A", "net.core.somaxconn", "a-.b"]),
    "localhostProfile": (["a", "a/b.json"], ["a b", "", " ", "/a", "../a", "a/..", "a/../b", "..a", " a", "é"]),
    "seccompProfile.type": (["RuntimeDefault", "Localhost"], ["Unconfined"]),
    "appArmorProfile.type": (["RuntimeDefault", "Localhost"], ["Unconfined"]),
    "level": (["s0", "", "s0:c1,c2"], TEXTS),
    "seLinuxOptions.type": (["", "container_t"], TEXTS),
    "user": ([""], TEXTS),
    "role": ([""], TEXTS),
    "add": (["NET_BIND_SERVICE"], ["SYS_ADMIN", "CAP_SYS_ADMIN", "ALL", "", "a b", "all"]),
    "drop": (["ALL"], ["NET_RAW", "CAP_CHOWN", ""]),
    "privileged": ([False], [True]),
    "allowPrivilegeEscalation": ([False], [True]),
    "runAsNonRoot": ([True], [False]),
    "runAsUser": ([1, 1000, 65535, 2147483647], [0]),
    "fsGroup": ([1, 1000], [0, 2147483647]),
    "hostProcess": ([False], [True]),
    "runAsUserName": (
        ["a", "A\\b", "NT AUTHORITY\\SYSTEM", "a.b\\c d", "x" * 104],
        ["", "a\\b\\c", "a/b", "...", "a\n", ".a\\b", "x" * 105, "A\\", "é", "x" * 16 + "\\a"],
    ),
    "gmsaCredentialSpec": (["{}", "x" * 1000], [""]),
    f"annotations.{COST}": (["-5", "0", "10"], ["", "+1", "007", "-", "-0", "2147483648", "-2147483648", "1e3", "a"]),
    "annotations.kubernetes.io/egress-bandwidth": BANDWIDTHS,
    "annotations.kubernetes.io/ingress-bandwidth": BANDWIDTHS,
}
READ = [
    "kubernetes.io/config.mirror", "kubernetes.io/config.source", "scheduler.alpha.kubernetes.io/tolerations",
    "pod.beta.kubernetes.io/init-containers", "pod.alpha.kubernetes.io/init-container-statuses",
    "kubernetes.io/egress-bandwidth", "scheduler.alpha.kubernetes.io/critical-pod", "kubectl.kubernetes.io/restartedAt",
    f"{APPARMOR}app", f"{APPARMOR}install-dependencies", f"{SECCOMP}app", "non-convertible.kubernetes.io",
]
"""Annotations of pods that Kubernetes reads, or has read."""
AMOUNTS: dict[str, list[Any]] = {
    "cpu": ["1", "100m", 2, "0.5", "10", "1e3", "1000m", "0.2501", "1.5", "10m", "1e-1"],
    "memory": ["64Mi", "1Gi", "100M", 134217728, "1e9", "1024Mi", "0.5Gi", "134217728"],
    "ephemeral-storage": ["1Gi", "0"],
    "hugepages-2Mi": ["2Mi", "4Mi", 0],
    "nvidia.com/gpu": ["1", 2, "1000m"],
}
ANY_AMOUNT = ["1", "1", "100m", "64Mi", 1, 2, "2Mi", "0.5", "1e3", "0"]
ODD_AMOUNTS = [*ANY_AMOUNT, "1500m", "1n", "10E", "1e30", "-0", "100u", "4Mi", "-1", "Ki", "1.0"]
RESOURCES: Pool = (
    list(AMOUNTS),
    ["mem", "storage", "kubernetes.io/x", "requests.nvidia.com/gpu", "hugepages-x", "hugepages-2M", "a b", "A/b",
     "a/b/c"],
)
MAPS: dict[str, Pool] = {
    "annotations": ([*KEYS, f"{APPARMOR}function", f"{SECCOMP}function", SECCOMP_POD, COST, READ[5]], READ),
    "requests": RESOURCES,
    "limits": RESOURCES,
    "nodeSelector": (KEYS, ["kubernetes.io/os", "a b"]),
    "labels": (KEYS, ["pod-template-hash", "controller-uid", "app.kubernetes.io/name", "istio.io/rev", "a b"]),
}
"""By the name of a map, its sound keys and its odd ones."""
# fmt: on
PROFILE_KEYS = [f"{prefix}{name}" for prefix in (APPARMOR, SECCOMP) for name in ("function", "app")]
POOLS |= {f"annotations.{key}": (PROFILES[0], ODD_PROFILES) for key in (*PROFILE_KEYS, SECCOMP_POD)}
POOLS |= {f"annotations.{key}": (["", "a", "any\nthing <&>", "é" * 100, text], TEXTS) for key in KEYS}
POOLS |= {f"labels.{key}": (["", "a", "A-b_c.d", "x" * 63], TEXTS) for key in chain(*MAPS["labels"])}
POOLS |= {f"nodeSelector.{key}": (["", "a", "x" * 63], TEXTS) for key in chain(*MAPS["nodeSelector"])}
for side in SIDES:
    POOLS |= {f"{side}.{name}": (AMOUNTS.get(name, ANY_AMOUNT), ODD_AMOUNTS) for name in chain(*RESOURCES)}
