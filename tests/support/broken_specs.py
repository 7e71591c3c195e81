"""Specs that break one rule each: the spec, the path of the error and a part of its message."""

from typing import Any

from hooks.kubernetes_names import APPARMOR, SECCOMP, SECCOMP_POD
from hooks.rules.size import OTHER_BYTES, SOURCE_BYTES

Manifest = dict[str, Any]

RESOURCES = "spec.resourceConfiguration.function"


def inline(**fields: Any) -> Manifest:
    return {"source": {"inline": fields}}


def choice(**fields: Any) -> Manifest:
    return {"resourceConfiguration": {"function": fields}}


def mounts(*paths: str) -> Manifest:
    return {"secretMounts": [{"secretName": "s", "mountPath": path} for path in paths]}


def scaled(**fields: Any) -> Manifest:
    return {"scaleConfig": {"minReplicas": 1, "maxReplicas": 2} | fields}


def given(**source: Any) -> Manifest:
    return {"name": "A", "valueFrom": source}


def pod(**fields: Any) -> Manifest:
    return {"podSecurityContext": fields}


def container(**fields: Any) -> Manifest:
    return {"containerSecurityContext": fields}


def python(dependencies: str) -> Manifest:
    return {"runtime": "python312"} | inline(source="x", dependencies=dependencies)


CONTAINER = "spec.containerSecurityContext"
LOCAL = {"type": "Localhost", "localhostProfile": "a"}
DEPENDENCIES = "spec.source.inline.dependencies"
RESTRICTED = 'is not allowed by Pod Security "restricted", which allows'

BROKEN: list[tuple[Manifest, str, str]] = [
    ({"runtime": "ruby33"}, "spec.runtime", 'supported values: "nodejs20", "nodejs22", "nodejs24", "python312"'),
    ({"serviceAccountName": "hello"}, "spec.serviceAccountName", "Forbidden: the account of this name"),
    ({"runtimeImageOverride": "https://a"}, "spec.runtimeImageOverride", "must be an image reference"),
    ({"runtimeImageOverride": "a/B:1"}, "spec.runtimeImageOverride", "must be an image reference"),
    ({"source": {"inline": None}}, "spec.source", "exactly one of inline and gitRepository"),
    (inline(source="a\0b"), "spec.source.inline.source", "NUL"),
    (inline(source="x" * SOURCE_BYTES), "spec.source.inline", f"at most {SOURCE_BYTES} fit"),
    (inline(source="$" * (SOURCE_BYTES // 2)), "spec.source.inline", "Git"),
    ({"runtime": "python312"} | inline(source="x", dependencies="a\0"), "spec.source.inline.dependencies", "NUL"),
    (inline(source="x", dependencies="[1]"), "spec.source.inline.dependencies", "package.json"),
    (inline(source="x", dependencies="{" + " " * 131_045 + "}"), "spec.source.inline.dependencies", "131045 fit"),
    (
        scaled(minReplicas=5, maxReplicas=2),
        "spec.scaleConfig.maxReplicas",
        "2: must be greater than or equal to minReplicas of 5",
    ),
    (
        scaled() | choice(resources={"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}}),
        f"{RESOURCES}.resources.requests",
        "Required value: scaleConfig measures cpu",
    ),
    (
        scaled(targetMemoryUtilizationPercentage=80) | choice(resources={"requests": {"cpu": 1}, "limits": {"cpu": 1}}),
        f"{RESOURCES}.resources.requests",
        "Required value: scaleConfig measures memory",
    ),
    (choice(profile="XXL"), f"{RESOURCES}.profile", 'supported values: "L", "M", "S", "XL", "XS"'),
    (choice(), RESOURCES, "exactly one"),
    (choice(profile="S", resources={}), RESOURCES, "exactly one"),
    (choice(resources={"limits": {"cpu": "much"}}), f"{RESOURCES}.resources.limits.cpu", '"much": is not a quantity'),
    (
        choice(resources={"limits": {"cpu": "9m"}}),
        f"{RESOURCES}.resources.limits.cpu",
        '"9m": must be greater than or equal to 10m',
    ),
    (choice(resources={"requests": {"memory": "15Mi"}}), f"{RESOURCES}.resources.requests.memory", "equal to 16Mi"),
    (choice(resources={"requests": {"a/x": "-1"}}), f"{RESOURCES}.resources.requests.a/x", "than or equal to 0"),
    (
        choice(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1999m"}}),
        f"{RESOURCES}.resources.requests.cpu",
        '"2": must be less than or equal to its limit of 1999m',
    ),
    (choice(resources={"claims": [{"name": "gpu"}]}), f"{RESOURCES}.resources.claims", "not supported"),
    (choice(resources={"limits": {"mem": "128Mi"}}), f"{RESOURCES}.resources.limits", '"mem": must be cpu, memory,'),
    (choice(resources={"limits": {"Foo Bar": 1}}), f"{RESOURCES}.resources.limits", '"Foo Bar": must be cpu, memory,'),
    (choice(resources={"requests": {"requests.a/b": 1}}), f"{RESOURCES}.resources.requests", "must be cpu, memory,"),
    (choice(resources={"limits": {"hugepages-x": 1}}), f"{RESOURCES}.resources.limits", "must be cpu, memory,"),
    (
        choice(resources={"limits": {"hugepages-2Mi": "3Mi"}}),
        f"{RESOURCES}.resources.limits.hugepages-2Mi",
        "must be a multiple of its page size",
    ),
    (choice(resources={"limits": {"a/b": "500m"}}), f"{RESOURCES}.resources.limits.a/b", "must be an integer"),
    (
        choice(resources={"requests": {"nvidia.com/gpu": 1, "memory": "1Gi"}, "limits": {"memory": "1Gi"}}),
        f"{RESOURCES}.resources.requests.nvidia.com/gpu",
        "must be equal to its limit",
    ),
    (
        choice(resources={"requests": {"hugepages-2Mi": 0}, "limits": {"hugepages-2Mi": "2Mi", "cpu": 1}}),
        f"{RESOURCES}.resources.requests.hugepages-2Mi",
        "must be equal to its limit",
    ),
    (
        choice(resources={"requests": {"ephemeral-storage": 1}, "limits": {"hugepages-2Mi": "2Mi"}}),
        f"{RESOURCES}.resources",
        "huge pages require cpu or memory",
    ),
    ({"env": [{"name": "A"}, {"name": "FUNC_HANDLER_SOURCE_2"}]}, "spec.env[1].name", "reserved"),
    ({"env": [{"name": "A"}, {"name": "A"}]}, "spec.env[1].name", 'Duplicate value: "A"'),
    ({"env": [{"name": "a=b"}]}, "spec.env[0].name", '"a=b": must consist of printable ASCII'),
    ({"env": [{"name": "é"}]}, "spec.env[0].name", "must consist of printable ASCII"),
    ({"env": [{"name": "HANDLER_PATH", "value": "./x"}]}, "spec.env[0].name", "is set by the runtime"),
    ({"env": [{"name": "HANDLER_PATH"}]}, "spec.env[0].name", "is set by the runtime"),
    (
        {"env": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
        "spec.env[0].valueFrom",
        "may not be specified when value is not empty",
    ),
    *(
        ({"env": [given(fieldRef={"fieldPath": path})]}, "spec.env[0].valueFrom.fieldRef.fieldPath", "is no field")
        for path in ("spec.nope", "metadata.labels", "metadata.labels['a b']", "metadata.name['a']", "status.phase")
    ),
    *(
        (
            {"env": [given(resourceFieldRef={"resource": resource, "divisor": divisor})]},
            "spec.env[0].valueFrom.resourceFieldRef.divisor",
            "must be 1 or 1m for cpu",
        )
        for resource, divisor in (
            *(("limits.cpu", unit) for unit in ("1KK", "1k", "2", "1e0")),
            *(("limits.memory", unit) for unit in ("1m", "2Mi", "1024", "1e3", -1)),
        )
    ),
    (
        {"env": [given(fileKeyRef={"volumeName": "tmp", "path": "a/../b", "key": "k"})]},
        "spec.env[0].valueFrom.fileKeyRef.path",
        "must not contain '..'",
    ),
    ({"envFrom": [{"prefix": "A_"}]}, "spec.envFrom[0]", "exactly one of configMapRef and secretRef"),
    (
        {"envFrom": [{"configMapRef": {"name": "a"}, "secretRef": {"name": "b"}}]},
        "spec.envFrom[0]",
        "exactly one of configMapRef and secretRef",
    ),
    ({"labels": {"a b": "c"}}, "spec.labels", '"a b": must be at most 63 of'),
    ({"labels": {"a" * 64: "c"}}, "spec.labels", "must be at most 63"),
    ({"labels": {"x" * 254 + "/a": "c"}}, "spec.labels", "must be at most 63"),
    ({"labels": {"serverless.kyma-project.io/x": "c"}}, "spec.labels", "no key may begin with"),
    ({"annotations": {"serverless.kyma-project.io/x": "c"}}, "spec.annotations", "no key may begin with"),
    ({"annotations": {"proxy.istio.io/config": "{}"}}, "spec.annotations", "is reserved"),
    *(
        ({"annotations": {key: value}}, "spec.annotations", words)
        for key, value, words in (
            ("kubernetes.io/config.mirror", "x", "must not be set in a pod template"),
            ("scheduler.alpha.kubernetes.io/tolerations", "[]", "must not be set in a pod template"),
            ("pod.beta.kubernetes.io/init-containers", "[]", "must not be set in a pod template"),
            ("controller.kubernetes.io/pod-deletion-cost", "+1", "32 bit integer"),
            ("kubernetes.io/egress-bandwidth", "a", "must be a quantity from 1k to 1P"),
            ("kubernetes.io/ingress-bandwidth", "1", "must be a quantity from 1k to 1P"),
            (f"{APPARMOR}app", "runtime/default", "no container but 'function'"),
            (f"{APPARMOR}function", "docker/default", "must be runtime/default, unconfined"),
            (f"{APPARMOR}function", "unconfined", "must not be unconfined for Pod Security"),
            (f"{SECCOMP}function", "unconfined", "must not be unconfined for Pod Security"),
            (f"{SECCOMP}app", "localhost/../a", "a seccomp profile must be"),
            (SECCOMP_POD, "localhost/a", "must be the profile of the security context"),
        )
    ),
    (
        {"annotations": {f"{APPARMOR}function": "runtime/default"}} | pod(appArmorProfile=LOCAL),
        "spec.annotations",
        "must be the profile of the security context",
    ),
    (
        {"annotations": {f"{SECCOMP}function": "localhost/b"}} | container(seccompProfile=LOCAL),
        "spec.annotations",
        "must be the profile of the security context",
    ),
    ({"nodeSelector": {"a/b/c": "d"}}, "spec.nodeSelector", "must be at most 63"),
    ({"tolerations": [{"key": "a b"}]}, "spec.tolerations[0].key", '"a b": must be at most 63'),
    ({"tolerations": [{"value": "v"}]}, "spec.tolerations[0].operator", "must be Exists when key is empty"),
    (
        {"tolerations": [{"key": "dedicated", "operator": "Exists", "value": "gpu", "effect": "NoSchedule"}]},
        "spec.tolerations[0].operator",
        '"Exists": must be Equal when value is given',
    ),
    (
        {"tolerations": [{"operator": "Exists", "tolerationSeconds": 5}]},
        "spec.tolerations[0].effect",
        "must be NoExecute when tolerationSeconds is given",
    ),
    (mounts("/etc//x"), "spec.secretMounts[0].mountPath", "absolute path"),
    (mounts("/etc/./x"), "spec.secretMounts[0].mountPath", "absolute path"),
    (mounts("/etc/../x"), "spec.secretMounts[0].mountPath", "absolute path"),
    *(
        (mounts(path), "spec.secretMounts[0].mountPath", "would cover what every container needs")
        for path in (
            "/tmp/",
            "/etc",
            "/usr/local/",
            "/bin",
            "/proc",
            "/proc/x",
            "/sys/a",
            "/dev",
            "/etc/hosts",
            "/etc/package-registry-config",
            "/etc/package-registry-config/a",
        )
    ),
    *(
        (mounts(path), "spec.secretMounts[0].mountPath", "would cover what the runtime needs")
        for path in ("/usr/src", "/usr/src/app/function/", "/usr/src/app/node_modules", "/usr/src/app/server.mjs/x")
    ),
    *(
        (mounts(path) | {"runtime": "python312"}, "spec.secretMounts[0].mountPath", "what the runtime needs")
        for path in ("/kubeless", "/kubeless/handler.py", "/kubeless/.local", "/server.py")
    ),
    (mounts("/a/", "/a"), "spec.secretMounts[1].mountPath", "overlaps /a"),
    (mounts("/a/b", "/a"), "spec.secretMounts[0].mountPath", "overlaps /a"),
    (
        mounts("/a") | {"configMapMounts": [{"configMapName": "c", "mountPath": "/a/c"}]},
        "spec.configMapMounts[0].mountPath",
        "overlaps /a",
    ),
    ({"imagePullSecrets": [{"name": "a"}, {"name": "a"}]}, "spec.imagePullSecrets[1].name", 'Duplicate value: "a"'),
    ({"env": [{"name": "A", "value": "s3cr3t\0"}]}, "spec.env[0].value", "holds a NUL character"),
    ({"template": {"labels": {"a": "b"}}}, "spec.template", "use spec.labels and spec.annotations"),
    ({"resourceConfiguration": {"build": {}}}, "spec.resourceConfiguration.build", "exactly one of profile"),
    (choice(resources={"limits": {"cpu": "."}}), f"{RESOURCES}.resources.limits.cpu", '".": is not a quantity'),
    (python("requests\n\nhttp requests\n"), DEPENDENCIES, "line 3 is no requirement: expected a name and versions"),
    (pod(runAsUser=0), "spec.podSecurityContext.runAsUser", f"0 {RESTRICTED} 1 and above"),
    (pod(sysctls=[{"name": "a", "value": "1"}]), "spec.podSecurityContext.sysctls", f'"a" {RESTRICTED} "kernel.'),
    (
        pod(sysctls=[{"name": "net.ipv4.tcp_syncookies", "value": "1"}] * 2),
        "spec.podSecurityContext.sysctls[1].name",
        "Duplicate value",
    ),
    (
        pod(seccompProfile={"type": "Localhost"}),
        "spec.podSecurityContext.seccompProfile.localhostProfile",
        "must be set",
    ),
    (
        container(appArmorProfile={"type": "RuntimeDefault", "localhostProfile": "a"}),
        "spec.containerSecurityContext.appArmorProfile.localhostProfile",
        "must be set when type is Localhost, and only then",
    ),
    *(
        (
            pod(seccompProfile=LOCAL | {"localhostProfile": path}),
            "spec.podSecurityContext.seccompProfile.localhostProfile",
            "must be a relative path without '..'",
        )
        for path in ("/a", "..", "a/../b")
    ),
    (container(allowPrivilegeEscalation=True), f"{CONTAINER}.allowPrivilegeEscalation", f"true {RESTRICTED} false"),
    (container(windowsOptions={"hostProcess": True}), f"{CONTAINER}.windowsOptions.hostProcess", "must be false"),
    *(
        (
            pod(windowsOptions={"runAsUserName": user}),
            "spec.podSecurityContext.windowsOptions.runAsUserName",
            "of Windows",
        )
        for user in ("", "a\\b\\c", "a/b", "A\\...", " ", ".a\\b", "x" * 16 + "_\\a", "x" * 105, "a\n")
    ),
    (
        container(seccompProfile={"type": "Unconfined"}),
        "spec.containerSecurityContext.seccompProfile.type",
        f'"Unconfined" {RESTRICTED} "RuntimeDefault", "Localhost"',
    ),
    (
        container(capabilities={"add": ["NET_BIND_SERVICE", "SYS_ADMIN"]}),
        "spec.containerSecurityContext.capabilities.add",
        f'"SYS_ADMIN" {RESTRICTED} "NET_BIND_SERVICE"',
    ),
    (
        container(capabilities={"drop": ["NET_RAW"]}),
        "spec.containerSecurityContext.capabilities.drop",
        "must hold ALL",
    ),
    (mounts(*(f"/{n}/{'x' * 550}" for n in range(64))), "spec", f"at most {OTHER_BYTES} fit"),
    ({"annotations": {"a": "x" * 30_000, "b": "x" * (OTHER_BYTES - 30_000)}}, "spec", f"at most {OTHER_BYTES} fit"),
    ({"env": [{"name": "A", "value": "&" * (OTHER_BYTES // 6)}]}, "spec", f"at most {OTHER_BYTES} fit"),
    (
        inline(source="x" * 180_000, dependencies="{}") | {"env": [{"name": "A", "value": "x" * 38_000}]},
        "spec",
        f"at most {SOURCE_BYTES + OTHER_BYTES} fit together",
    ),
]
