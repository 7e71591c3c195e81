"""One row a rule: what is broken, the field that is named, and what the message says."""

from typing import Any

import pytest
from cases import NOW, complete, overlaid

from hooks.config import Config
from hooks.function import Function
from hooks.protocol import SyncRequest
from hooks.sync import sync
from hooks.validate import validate
from hooks.validate.size import OTHER_BYTES, SOURCE_BYTES, encoded_bytes

Manifest = dict[str, Any]

RESOURCES = "spec.resourceConfiguration.function"


def inline(**fields: Any) -> Manifest:
    return {"source": {"inline": fields}}


def choice(**fields: Any) -> Manifest:
    return {"resourceConfiguration": {"function": fields}}


def mounts(*paths: str) -> Manifest:
    return {"secretMounts": [{"secretName": "s", "mountPath": path} for path in paths]}


def pod(**fields: Any) -> Manifest:
    return {"podSecurityContext": fields}


def container(**fields: Any) -> Manifest:
    return {"containerSecurityContext": fields}


def python(dependencies: str) -> Manifest:
    return {"runtime": "python312"} | inline(source="x", dependencies=dependencies)


DEPENDENCIES = "spec.source.inline.dependencies"
RESTRICTED = 'not allowed by Pod Security "restricted", which allows'

BROKEN: list[tuple[Manifest, str, str]] = [
    ({"runtime": "ruby33"}, "spec.runtime", "known are: nodejs20, nodejs22, nodejs24, python312"),
    ({"source": {"inline": None}}, "spec.source", "exactly one of inline and gitRepository"),
    (inline(source="a\0b"), "spec.source.inline.source", "NUL"),
    (inline(source="x" * SOURCE_BYTES), "spec.source.inline", f"at most {SOURCE_BYTES} fit"),
    (inline(source="$" * (SOURCE_BYTES // 2)), "spec.source.inline", "Git"),
    ({"runtime": "python312"} | inline(source="x", dependencies="a\0"), "spec.source.inline.dependencies", "NUL"),
    (inline(source="x", dependencies="[1]"), "spec.source.inline.dependencies", "package.json"),
    (inline(source="x", dependencies="{" + " " * 131_045 + "}"), "spec.source.inline.dependencies", "131045 fit"),
    (
        {"scaleConfig": {"minReplicas": 5, "maxReplicas": 2}},
        "spec.scaleConfig.maxReplicas",
        "2 is below minReplicas (5)",
    ),
    (choice(profile="XXL"), f"{RESOURCES}.profile", "known are: L, M, S, XL, XS"),
    (choice(), RESOURCES, "exactly one"),
    (choice(profile="S", resources={}), RESOURCES, "exactly one"),
    (choice(resources={"limits": {"cpu": "much"}}), f"{RESOURCES}.resources.limits.cpu", "'much' is not a quantity"),
    (
        choice(resources={"limits": {"cpu": "9m"}}),
        f"{RESOURCES}.resources.limits.cpu",
        "9m is below the minimum of 10m",
    ),
    (choice(resources={"requests": {"memory": "15Mi"}}), f"{RESOURCES}.resources.requests.memory", "minimum of 16Mi"),
    (choice(resources={"requests": {"x": "-1"}}), f"{RESOURCES}.resources.requests.x", "minimum of 0"),
    (
        choice(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1999m"}}),
        f"{RESOURCES}.resources.requests.cpu",
        "2 is above its limit of 1999m",
    ),
    (choice(resources={"claims": [{"name": "gpu"}]}), f"{RESOURCES}.resources.claims", "not supported"),
    ({"env": [{"name": "A"}, {"name": "FUNC_HANDLER_SOURCE_2"}]}, "spec.env[1].name", "reserved"),
    ({"env": [{"name": "A"}, {"name": "A"}]}, "spec.env[1].name", "'A' is given twice"),
    ({"env": [{"name": "1A"}]}, "spec.env[0].name", "'1A' is no variable name"),
    (
        {"env": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]},
        "spec.env[0]",
        "only one of value and valueFrom",
    ),
    ({"labels": {"a b": "c"}}, "spec.labels", "'a b' is no key"),
    ({"labels": {"a" * 64: "c"}}, "spec.labels", "is no key"),
    ({"labels": {"x" * 254 + "/a": "c"}}, "spec.labels", "is no key"),
    ({"labels": {"serverless.kyma-project.io/x": "c"}}, "spec.labels", "is reserved"),
    ({"annotations": {"serverless.kyma-project.io/x": "c"}}, "spec.annotations", "is reserved"),
    ({"annotations": {"proxy.istio.io/config": "{}"}}, "spec.annotations", "is reserved"),
    ({"nodeSelector": {"a/b/c": "d"}}, "spec.nodeSelector", "is no key"),
    (
        {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1KK"}}}]},
        "spec.env[0].valueFrom.resourceFieldRef.divisor",
        "'1KK' is not a quantity",
    ),
    (mounts("/etc//x"), "spec.secretMounts[0].mountPath", "absolute path"),
    (mounts("/etc/./x"), "spec.secretMounts[0].mountPath", "absolute path"),
    (mounts("/etc/../x"), "spec.secretMounts[0].mountPath", "absolute path"),
    (mounts("/tmp/"), "spec.secretMounts[0].mountPath", "would cover /tmp"),
    (mounts("/usr/src"), "spec.secretMounts[0].mountPath", "would cover /usr/src/app/function"),
    (mounts("/a/", "/a"), "spec.secretMounts[1].mountPath", "overlaps '/a/'"),
    (mounts("/a/b", "/a"), "spec.secretMounts[1].mountPath", "overlaps '/a/b'"),
    (
        mounts("/a") | {"configMapMounts": [{"configMapName": "c", "mountPath": "/a/c"}]},
        "spec.configMapMounts[0].mountPath",
        "overlaps '/a'",
    ),
    ({"imagePullSecrets": [{"name": "a"}, {"name": "a"}]}, "spec.imagePullSecrets[1].name", "'a' is given twice"),
    ({"env": [{"name": "A", "value": "s3cr3t\0"}]}, "spec.env[0].value", "holds a NUL character"),
    ({"template": {"labels": {"a": "b"}}}, "spec.template", "use spec.labels and spec.annotations"),
    ({"resourceConfiguration": {"build": {}}}, "spec.resourceConfiguration.build", "exactly one of profile"),
    (choice(resources={"limits": {"x": "."}}), f"{RESOURCES}.resources.limits.x", "'.' is not a quantity"),
    (python("requests\n\nhttp requests\n"), DEPENDENCIES, "line 3 is no requirement: expected a name and versions"),
    (pod(runAsUser=0), "spec.podSecurityContext.runAsUser", f"0 is {RESTRICTED} 1 and above"),
    (pod(sysctls=[{"name": "a", "value": "1"}]), "spec.podSecurityContext.sysctls", f"'a' is {RESTRICTED} 'kernel."),
    (container(privileged=True), "spec.containerSecurityContext.privileged", f"true is {RESTRICTED} false"),
    (
        container(seccompProfile={"type": "Unconfined"}),
        "spec.containerSecurityContext.seccompProfile.type",
        f"'Unconfined' is {RESTRICTED} 'RuntimeDefault', 'Localhost'",
    ),
    (
        container(capabilities={"add": ["NET_BIND_SERVICE", "SYS_ADMIN"]}),
        "spec.containerSecurityContext.capabilities.add",
        f"'SYS_ADMIN' is {RESTRICTED} 'NET_BIND_SERVICE'",
    ),
    (
        container(capabilities={"drop": ["NET_RAW"]}),
        "spec.containerSecurityContext.capabilities.drop",
        "has to hold ALL",
    ),
    (mounts(*(f"/{n}/{'x' * 600}" for n in range(64))), "spec", f"at most {OTHER_BYTES} fit"),
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
    {"annotations": {"EXAMPLE.com/a": ""}},
    {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": 0}}}]},
    pod(runAsUser=1, sysctls=[{"name": "net.ipv4.tcp_syncookies", "value": "1"}]),
    container(privileged=False, capabilities={"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}),
    container(capabilities={"drop": []}),
    inline(source="x" * 200_000),
    inline(source="x", dependencies=" \n"),
    inline(source="x", dependencies='{"type": "module"}'),
    {"runtime": "python312"} | inline(source="x", dependencies="requests\n"),
    {"scaleConfig": {"minReplicas": 2, "maxReplicas": 2}},
    choice(resources={"limits": {"memory": "16Mi"}, "requests": {"cpu": "10m"}}),
    choice(resources={"requests": {"cpu": "1000m"}, "limits": {"cpu": 1}}),
    {"env": [{"name": "A", "value": "", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}, {"name": "HANDLER_PATH"}]},
    {"labels": {"example.com/" + "a" * 63: ""}},
    mounts("/a", "/ab", "/tmp/x", "/usr/src/app/function/conf"),
    inline(source="x" * 180_000) | {"env": [{"name": "A", "value": "x" * 38_000}]},
    inline(source="x" * 160_000, dependencies="{}") | {"env": [{"name": "A", "value": "x" * 38_000}]},
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
    assert of(strict, runtimeImageOverride="example.com/a:12") == [
        "spec.runtimeImageOverride: 'example.com/a:12' is not allowed, allowed are: example.com/a:1, ghcr.io/acme/*"
    ]
    assert of(Config(allowed_image_overrides=()), runtimeImageOverride="a")[0].endswith("allowed are: none")
    assert of(Config(allow_unrestricted_security_context=True), **container(privileged=True)) == []


def test_secrets_are_never_repeated() -> None:
    """Neither a variable's value nor a line of the requirements, which may hold a password, is part of a message."""
    found = violations(python("user s3cr3t here\n") | {"env": [{"name": "A", "value": "s3cr3t\0"}]})
    assert len(found) == 2
    assert "s3cr3t" not in str(found)


def test_blank_git_fields() -> None:
    """A repository's directory and reference have to say something."""
    git = {"gitRepository": {"url": "u", "baseDir": " ", "reference": "\u2003"}, "inline": None}
    found = violations({"source": git})
    assert "spec.source.gitRepository.baseDir: baseDir is required and cannot be blank" in found
    assert "spec.source.gitRepository.reference: reference is required and cannot be blank" in found


def test_git_is_not_supported_yet() -> None:
    """A Git source is answered clearly."""
    git = {"gitRepository": {"url": "u", "baseDir": "/", "reference": "main"}, "inline": None}
    assert violations({"source": git}) == [
        "spec.source.gitRepository: git sources are not supported yet, use spec.source.inline"
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
    answer = sync(SyncRequest.parse({"parent": full(max(fits)), "children": {}}), Config(), now=NOW)
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
