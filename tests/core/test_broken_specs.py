"""One row a rule: what is broken, the field that is named, and what the message says."""

from typing import Any

import pytest
from support.broken_specs import BROKEN, LOCAL, choice, container, given, inline, mounts, pod, python, scaled
from support.cases import NOW, complete, overlaid

from hooks.config import Config
from hooks.function import Function
from hooks.kubernetes_names import APPARMOR, SECCOMP, SECCOMP_POD
from hooks.protocol import HookRequest
from hooks.rules import validate
from hooks.rules.size import SOURCE_BYTES, encoded_bytes
from hooks.sync import sync

Manifest = dict[str, Any]

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
