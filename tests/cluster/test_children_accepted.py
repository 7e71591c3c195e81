"""The API server's validation of children and of Functions, without Metacontroller."""

from copy import deepcopy
from typing import Any

import pytest
from support.cases import all_cases, complete
from support.cluster import flux
from support.cluster.control_plane import ControlPlane
from support.cluster.existing import ExistingCluster
from support.cluster.stack import GROUP, PREFIX, RESOURCES, Stack

from hooks.quantity import amount, canonical, parse

Manifest = dict[str, Any]

# In this case children are returned as observed, with a ClusterIP that cannot be allocated again.
WITH_CHILDREN = [case for case in all_cases() if case.answer()["children"] and case.name != "broken-without-record"]


def dry_run(plane: ControlPlane, path: str, body: Manifest) -> tuple[int, Manifest]:
    if isinstance(plane, ExistingCluster):
        pytest.skip("strict field validation: not on an existing cluster")
    return plane.call("POST", f"{path}?dryRun=All&fieldValidation=Strict", body)


@pytest.mark.parametrize("case", WITH_CHILDREN, ids=lambda case: case.name)
def test_children_are_accepted(api: Stack, restricted: str, case: Any) -> None:
    """Every child of every case is accepted, and so is the pod of its template under "restricted"."""
    if case.config.git.enabled:
        flux.install(api)
    for child in deepcopy(case.answer()["children"]):
        resource = RESOURCES[child["kind"]]
        child["metadata"].pop("namespace", None)
        code, answer = dry_run(api.plane, f"{PREFIX[resource]}/namespaces/{restricted}/{resource}", child)
        assert code == 201, answer
        if child["kind"] == "Deployment":
            pod = {"apiVersion": "v1", "kind": "Pod"} | deepcopy(child["spec"]["template"])
            pod["metadata"]["name"] = "from-template"
            code, answer = dry_run(api.plane, f"/api/v1/namespaces/{restricted}/pods", pod)
            assert code == 201, answer


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_functions_of_cases(api: Stack, restricted: str, case: Any) -> None:
    """The CRD accepts the Function of every case but those in REFUSED, for which it has this message."""
    body = {key: value for key, value in deepcopy(case.request["parent"]).items() if key != "status"}
    body["metadata"] = {key: body["metadata"][key] for key in ("name", "labels") if key in body["metadata"]}
    code, answer = dry_run(api.plane, f"{GROUP}/namespaces/{restricted}/functions", body)
    refused = case.name in REFUSED
    assert (code in (400, 422)) == refused, answer
    if refused:
        assert REFUSED[case.name] in answer["message"]


REFUSED = {
    "broken-new": "the Service has this name",
    "broken-running": "must consist of printable ASCII characters",
    "broken-without-record": "must consist of printable ASCII characters",
    "drift-held": "must consist of printable ASCII characters",
    "env-mistakes": "must not be a name that the hook reserves",
    "labels-reserved": "no key may begin with serverless.kyma-project.io/",
    "mounts-overlapping": "mount paths must not overlap",
    "resources-request-above-limit": "must be less than or equal to its limit",
    "stored-outside-bounds": "should be less than or equal to 1000",
    "scale-upside-down": "must be greater than or equal to minReplicas",
}

INVALID: list[tuple[str, Manifest, str]] = [
    ("no source", {"source": {}}, "must have exactly one of inline, gitRepository and sourceRef"),
    (
        "blank reference",
        {"source": {"gitRepository": {"url": "u", "baseDir": "/", "reference": " "}}},
        "must not be blank",
    ),
    (
        "profile and resources",
        {"resourceConfiguration": {"function": {"profile": "S", "resources": {}}}},
        "exactly one of",
    ),
    ("neither of them", {"resourceConfiguration": {"function": {}}}, "must have exactly one of profile and resources"),
    ("relative path", {"secretMounts": [{"secretName": "a", "mountPath": "etc"}]}, "should match"),
    (
        "path upwards",
        {"secretMounts": [{"secretName": "a", "mountPath": "/etc/../x"}]},
        "absolute path without '.', '..' and '//'",
    ),
    ("variable twice", {"env": [{"name": "A"}, {"name": "A"}]}, "Duplicate value"),
    (
        "two values",
        {"env": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
        "may not be specified when value is not empty",
    ),
    (
        "reserved annotation",
        {"annotations": {"proxy.istio.io/config": "{}"}},
        "it is reserved for the operator",
    ),
    ("long label", {"labels": {"a": "x" * 64}}, "63"),
    ("template", {"template": {"labels": {"a": "b"}}}, "use spec.labels and spec.annotations"),
    ("runtime", {"runtime": "Node 22"}, "should match"),
    ("negative replicas", {"replicas": -1}, "greater than or equal to 0"),
]


@pytest.mark.parametrize(("spec", "message"), [row[1:] for row in INVALID], ids=[row[0] for row in INVALID])
def test_mistakes_are_refused_at_apply(api: Stack, restricted: str, spec: Manifest, message: str) -> None:
    """The API server refuses each of these with this message."""
    body = complete({"spec": spec})
    body["metadata"] = {"name": "hello"}
    if "source" in spec:
        body["spec"]["source"] = spec["source"]
    code, answer = dry_run(api.plane, f"{GROUP}/namespaces/{restricted}/functions", body)
    assert code in (400, 422), answer
    assert message in answer["message"]


# Spellings of a quantity: the size of a volume, a request or a limit.
SPELLINGS = """
    1 1000m 0.5 .5 1. 1.5 100m 1u 1n 0.0000000001 0 0m 0Gi 1k 1500 1000 1000000 1100 1e3 1E3 12e6 1e-1 1e4 5e0
    64Mi 1024Mi 1536Mi 1.5Gi 0.5Gi 0.5Mi 1000Ki 100Ki 1.1Ki 2048Mi 1Ti 1024Gi 3E 1Ei 128974848 129e6 129M 1G 1T 1P
    0.1Ki 1023 1024 1025 2Ki 0.25Gi 10.0 010 1.23456789 123456789n +1 100u
"""


def test_canonical_quantities_are_stored_unchanged(api: Stack, restricted: str) -> None:
    """The API server stores our canonical form unchanged, and as the same number as the spelling."""
    for text in SPELLINGS.split():
        assert stored_size(api, restricted, canonical(text)) == canonical(text)
        assert stored_amount(api, restricted, amount(text)) == amount(text)
        assert parse(stored_size(api, restricted, text)) == parse(canonical(text))
        assert parse(stored_amount(api, restricted, text)) == parse(amount(text))


def stored_size(api: Stack, restricted: str, text: str) -> str:
    security = {"runAsNonRoot": True, "runAsUser": 1, "seccompProfile": {"type": "RuntimeDefault"}}
    own = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    volumes = [{"name": "v", "emptyDir": {"sizeLimit": text}}]
    spec = {"containers": [{"name": "a", "image": "a", "securityContext": own}], "volumes": volumes}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "q"}, "spec": spec | {"securityContext": security}}
    code, answer = dry_run(api.plane, f"/api/v1/namespaces/{restricted}/pods", pod)
    assert code == 201, answer
    return str(next(v for v in answer["spec"]["volumes"] if v["name"] == "v")["emptyDir"]["sizeLimit"])


def stored_amount(api: Stack, restricted: str, text: str) -> str:
    spec = {"hard": {"limits.cpu": text}}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": spec}
    code, answer = dry_run(api.plane, f"/api/v1/namespaces/{restricted}/resourcequotas", quota)
    assert code == 201, answer
    return str(answer["spec"]["hard"]["limits.cpu"])
