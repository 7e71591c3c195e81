"""One row a rule: what is broken, the field that is named, and what the message says."""

from typing import Any

import pytest
from support.cases import NOW, complete, overlaid

from hooks.config import Config
from hooks.function import Function
from hooks.kubernetes_names import APPARMOR, SECCOMP, SECCOMP_POD
from hooks.protocol import HookRequest
from hooks.rules import validate
from hooks.rules.size import OTHER_BYTES, SOURCE_BYTES, encoded_bytes
from hooks.sync import sync

Manifest = dict[str, Any]

RESOURCES = "spec.resourceConfiguration.function"
RUNTIMES = ", ".join(f'"{name}"' for name in sorted(Config().runtimes))


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
    ({"runtime": "ruby33"}, "spec.runtime", f"supported values: {RUNTIMES}"),
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

SOUND: list[Manifest] = [
    {"runtimeImageOverride": "example.com/any:1"},
    {"serviceAccountName": "other"},
    {"annotations": {"EXAMPLE.com/a": ""}},
    {"annotations": {f"{APPARMOR}function": "localhost/a"}} | pod(appArmorProfile=LOCAL),
    {"annotations": {SECCOMP_POD: "docker/default", f"{SECCOMP}app": "localhost/a", f"{APPARMOR}function": ""}},
    {"annotations": {"kubernetes.io/egress-bandwidth": "10M"}},
    {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-5"}},
    {"env": [given(resourceFieldRef={"resource": "limits.cpu", "divisor": 0})]},
    {"env": [given(resourceFieldRef={"resource": "limits.memory", "divisor": "1024Ki"})]},
    {"env": [given(fieldRef={"fieldPath": "metadata.annotations['EXAMPLE.com/a']"})]},
    {"env": [{"name": "1A"}, {"name": "my var"}]},
    {"env": [{"name": "HANDLER_PATH", "value": "./function/handler.js"}, {"name": "FUNCTION_PATH", "value": "x"}]},
    {"envFrom": [{"prefix": "1 ", "secretRef": {"name": "s"}}]},
    {
        "tolerations": [
            {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5},
            {"key": "a", "value": "b"},
        ]
    },
    pod(runAsUser=1, sysctls=[{"name": "net.ipv4.tcp_syncookies", "value": "1"}]),
    pod(windowsOptions={"runAsUserName": "NT AUTHORITY\\SYSTEM"}),
    container(windowsOptions={"runAsUserName": "ACME\\some.one", "hostProcess": False}),
    container(privileged=False, capabilities={"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}),
    container(capabilities={"drop": []}),
    inline(source="x" * 200_000),
    inline(source="x", dependencies=" \n"),
    inline(source="x", dependencies='{"type": "module"}'),
    inline(source="x", dependencies='\ufeff{"type": "module"}'),
    {"runtime": "python312"} | inline(source="x", dependencies="requests\n"),
    scaled(minReplicas=2),
    scaled() | choice(resources={"requests": {"memory": "1Gi"}}),
    scaled(targetMemoryUtilizationPercentage=80)
    | choice(resources={"limits": {"cpu": 1}, "requests": {"memory": "1Gi"}}),
    choice(resources={"limits": {"memory": "16Mi"}, "requests": {"cpu": "10m"}}),
    choice(resources={"requests": {"cpu": "1000m"}, "limits": {"cpu": 1}}),
    choice(resources={"requests": {"nvidia.com/gpu": "1000m", "hugepages-2Mi": "4Mi"}}),
    {"labels": {"example.com/" + "a" * 63: ""}},
    inline(source="x" * 180_000) | {"env": [{"name": "A", "value": "x" * 38_000}]},
    inline(source="x" * 160_000, dependencies="{}") | {"env": [{"name": "A", "value": "x" * 38_000}]},
    mounts("/a", "/ab", "/a-b", "/tmp/x", "/usr/src/app/function/conf", "/etc/tls", "/kubeless", "/usr/lib/ssl"),
    mounts("/kubeless/secret", "/usr/src/app/node_modules", "/etc/ssl/certs") | {"runtime": "python312"},
]


def violations(spec: Manifest, **metadata: Any) -> list[str]:
    parent = complete({"metadata": metadata, "spec": {}})
    parent["spec"] = overlaid(parent["spec"], spec)
    return [str(violation) for violation in validate(Function.model_validate(parent), Config())]


@pytest.mark.parametrize(("spec", "field", "message"), BROKEN, ids=[f"{row[1]}-{n}" for n, row in enumerate(BROKEN)])
def test_broken(spec: Manifest, field: str, message: str) -> None:
    """A broken rule is one violation, with the field's path and what would do."""
    (found,) = violations(spec)
    assert found.startswith(f"{field}: ")
    assert message in found


@pytest.mark.parametrize("spec", SOUND)
def test_sound(spec: Manifest) -> None:
    """What just fits is no violation."""
    assert violations(spec) == []


@pytest.mark.parametrize("name", ["9a", "a.b", "A", "a-", "x" * 64, "a_b"])
def test_names_that_no_service_can_have(name: str) -> None:
    """The name becomes the Service's."""
    (found,) = violations({}, name=name)
    assert found.startswith("metadata.name: ")


@pytest.mark.parametrize("name", ["a", "a9", "a-b", "x" * 63])
def test_names_that_a_service_can_have(name: str) -> None:
    """Letters, digits and hyphens, 63 at most."""
    assert violations({}, name=name) == []


def test_all_at_once() -> None:
    """Every violation is reported, not the first."""
    found = violations({"runtime": "ruby", "labels": {"a b": ""}, "scaleConfig": {"minReplicas": 2, "maxReplicas": 1}})
    assert len(found) == 3


def test_what_the_operator_allows() -> None:
    """Images are allowed as a whole or by how they begin; security contexts beyond "restricted" only on demand."""

    def of(config: Config, **spec: Any) -> list[str]:
        return [str(found) for found in validate(Function.model_validate(complete({"spec": spec})), config)]

    strict = Config(allowed_image_overrides=("example.com/a:1", "ghcr.io/acme/*"))
    for image in ("example.com/a:1", "ghcr.io/acme/b:2", " ", ""):
        assert of(strict, runtimeImageOverride=image) == []
    (found,) = of(strict, runtimeImageOverride="example.com/a:12")
    assert found.endswith(
        'Unsupported value: "example.com/a:12": supported values: "example.com/a:1", "ghcr.io/acme/*"'
    )
    assert of(Config(allowed_image_overrides=()), runtimeImageOverride="a")[0].endswith("supported values: none")
    opened = Config(allow_unrestricted_security_context=True)
    assert of(opened, **container(privileged=True, allowPrivilegeEscalation=True)) == []
    assert of(opened, annotations={f"{APPARMOR}function": "unconfined"}) == []
    assert of(opened, **pod(runAsUser=0, runAsNonRoot=False)) == []
    assert of(opened, **(pod(runAsUser=0) | container(runAsNonRoot=False))) == []
    assert of(opened, **(pod(runAsUser=0) | container(runAsUser=1))) == []
    for spec in (pod(runAsUser=0), container(runAsUser=0) | pod(runAsNonRoot=True)):
        (found,) = of(opened, **spec)
        assert found.endswith(
            "SecurityContext.runAsUser: Invalid value: 0: must be above 0 unless runAsNonRoot is false"
        )
    for context in ({"privileged": True}, {"capabilities": {"add": ["CAP_SYS_ADMIN"]}}):
        (found,) = of(opened, **container(**context))
        assert found.startswith("spec.containerSecurityContext.allowPrivilegeEscalation: Invalid value: must be true")


def test_secrets_are_never_repeated() -> None:
    """Neither a variable's value, a line of the requirements nor an image is part of a message: each may hold one."""
    nul = {"env": [{"name": "A", "value": "s3cr3t\0"}], "runtimeImageOverride": "https://u:s3cr3t@a"}
    found = violations(python("user s3cr3t here\n") | nul)
    assert len(found) == 3
    assert "s3cr3t" not in str(found)


def test_blank_git_fields() -> None:
    """A repository's directory and reference have to say something."""
    git = {"gitRepository": {"url": "u", "baseDir": " ", "reference": "\u2003"}, "inline": None}
    found = violations({"source": git})
    assert 'spec.source.gitRepository.baseDir: Invalid value: " ": baseDir is required and cannot be blank' in found
    assert any("reference is required and cannot be blank" in each for each in found)


def test_git_is_not_supported_yet() -> None:
    """A Git source is answered clearly."""
    git = {"gitRepository": {"url": "u", "baseDir": "/", "reference": "main"}, "inline": None}
    assert violations({"source": git}) == [
        "spec.source.gitRepository: Forbidden: git sources are not supported yet, use spec.source.inline"
    ]


@pytest.mark.parametrize("source", [100, SOURCE_BYTES // 8])
def test_what_just_fits_is_stored(source: int) -> None:
    """With as many mounts and as much source as may be, Metacontroller's record still fits into an annotation."""

    def full(length: int) -> Manifest:
        paths = [f"/{n}/{'x' * length}" for n in range(128)]
        secrets = [{"secretName": f"s{n}", "mountPath": path} for n, path in enumerate(paths[:64])]
        maps = [{"configMapName": f"c{n}", "mountPath": path} for n, path in enumerate(paths[64:])]
        code = inline(source="<" * source, dependencies='{"a": 1}')
        labels = {f"l{n}": "v" * 60 for n in range(20)}
        return complete(
            {"metadata": {"labels": labels}, "spec": code | {"secretMounts": secrets, "configMapMounts": maps}}
        )

    fits = [n for n in range(300) if not validate(Function.model_validate(full(n)), Config())]
    answer = sync(HookRequest.parse({"parent": full(max(fits)), "children": {}}), Config(), now=NOW)
    (deployment,) = [child for child in answer.children if child["kind"] == "Deployment"]
    assert max(fits) < 299
    assert encoded_bytes(deployment) < 262_144 - 1024


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 2), ("a", 3), ("é", 4), ("$", 4), ("<>&", 20), ('\n"\\', 8), ("\x01", 8), ("\u2028", 8), ("😀", 6)],
)
def test_encoded_bytes(text: str, size: int) -> None:
    """Sizes are those of Go's JSON encoder, with each $ doubled."""
    assert encoded_bytes(text) == size
