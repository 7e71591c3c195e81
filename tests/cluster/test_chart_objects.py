"""The chart, rendered by real Helm 3 and 4 with every set of values in chart/ci, and validated by an API server."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import go_tools, random_configs
from support.cluster.control_plane import Manifest
from support.cluster.helm import CHART, KUBERNETES, NAMESPACE, VALUES, Helm, hook_of, objects, one, pods
from support.cluster.stack import ROOT, Stack
from support.config_mistakes import IN_SCHEMA, MISTAKES
from support.pod_security import faults

from hooks import config as settings
from hooks.admission import parameters, policies

HELMS = ("helm3", "helm4")
RECOMMENDED = "app.kubernetes.io/"
OF_PODS = [f"{RECOMMENDED}{each}" for each in ("name", "instance", "version", "component", "part-of")]
OF_HELM = [f"{RECOMMENDED}managed-by", "helm.sh/chart"]
"""Labels that plain YAML does not have."""
OF_OBJECTS = [*OF_PODS, *OF_HELM]
CONFIGS = 40
OF_KUBERNETES = ("config", "podSecurityContext", "containerSecurityContext")
"""Values that the chart copies: their booleans change no template."""
RANDOM = "tls-helm"
"""The set of values with a random certificate in its manifests."""
ACCEPTED = {
    ("container-resources", "CPU limit is not set"): "a limit would only delay responses",
    ("container-ephemeral-storage-request-and-limit", ""): "the root file system is read-only: logs are all it writes",
    ("container-image-pull-policy", ""): "a release's image never changes, and a node may have it already",
    ("deployment-has-host-podantiaffinity", ""): "topologySpreadConstraints keep the pods apart",
    ("deployment-replicas", ""): "this set of values has one replica",
    ("pod-networkpolicy", "-test"): "the pod of `helm test` runs for seconds and calls the API server and a Function",
    ("pod-networkpolicy", "-uninstall"): "the pod of the uninstall runs for seconds and calls the API server",
    ("networkpolicy-targets-pod", "-functions"): "it selects the pods of Functions, which the chart does not contain",
    ("networkpolicy-targets-pod", "-sources"): "it selects Flux' source-controller, which the chart does not contain",
}
"""Accepted findings of kube-score: the check, a part of the finding or of the object's name, and the reason."""
INTENDED = [("bare", "pod-networkpolicy"), ("labels", "container-security-context-user-group-id")]
"""Sets of values with a finding on purpose: one has no NetworkPolicies, one leaves ids to the cluster."""
CERTIFICATE = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "certificates.cert-manager.io"},
    "spec": {
        "group": "cert-manager.io",
        "names": {"kind": "Certificate", "plural": "certificates"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
"""A stand-in for cert-manager's CRD, without its schema: only the metadata of a Certificate is validated."""


def name_of(values: Path) -> str:
    return values.stem.removesuffix("-values")


@pytest.fixture(scope="module")
def api_with_namespaces(api: Stack) -> Stack:
    """The API server with the namespace and the CRD that rendered objects need."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    for manifest in (namespace, CERTIFICATE):
        api.plane.kubectl("apply", "-f", "-", stdin=manifest)
    api.plane.kubectl("wait", "--for=condition=Established", "crd/certificates.cert-manager.io", "--timeout=30s")
    return api


@pytest.mark.parametrize("helm", HELMS)
def test_helm_lint(helm: str) -> None:
    """`helm lint --strict` finds nothing in any set of values."""
    for values in VALUES:
        Helm(helm).run("lint", "--strict", CHART, "--kube-version", KUBERNETES, "-f", values)


@pytest.mark.parametrize("values", VALUES, ids=name_of)
@pytest.mark.parametrize("helm", HELMS)
def test_rendered_objects_are_valid(api_with_namespaces: Stack, helm: str, values: Path) -> None:
    """The API server accepts every object without unknown fields, and every pod is "restricted"."""
    text = Helm(helm).template("-f", values)
    rendered = objects(text, with_jobs=True)
    api_with_namespaces.plane.kubectl(
        "apply",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        "-",
        stdin={"kind": "List", "apiVersion": "v1", "items": rendered},
    )
    for name, pod in pods(rendered):
        assert list(faults(pod)) == [], name
    if RANDOM not in values.name:
        assert text == Helm(helm).template("-f", values), "two renderings differ"


@pytest.mark.parametrize("values", [path for path in VALUES if RANDOM not in path.name], ids=name_of)
def test_both_helms_render_the_same(values: Path) -> None:
    """Helm 3 and Helm 4 render the same objects."""
    three, four = (objects(Helm(helm).template("-f", values), with_jobs=True) for helm in HELMS)
    assert sorted(three, key=str) == sorted(four, key=str)


@pytest.mark.parametrize("values", VALUES, ids=name_of)
def test_the_hook_runs_with_the_values(tmp_path: Path, values: Path) -> None:
    """The config in the ConfigMap equals the `config` of the values merged over the defaults; null removes an entry."""
    config, _ = hook_of(objects(Helm("helm4").template("-f", values)))
    (tmp_path / "rendered.yaml").write_text(config)
    (tmp_path / "written.yaml").write_text(yaml.safe_dump(yaml.safe_load(values.read_text()).get("config")))
    assert settings.load(str(tmp_path / "rendered.yaml")) == settings.load(str(tmp_path / "written.yaml"))


@pytest.mark.parametrize("values", VALUES, ids=name_of)
def test_the_policy_knows_the_values(tmp_path: Path, values: Path) -> None:
    """The parameters of the admission policy equal those that hooks/admission.py makes from the same config."""
    rendered = objects(Helm("helm4").template("-f", values))
    if "bare" in values.name:
        assert not [each for each in rendered if each["kind"].startswith("ValidatingAdmissionPolicy")]
        return
    with_parameters = [each for each in rendered if {"paramKind", "paramRef"} & set(each.get("spec", ()))]
    reference = one(with_parameters, "ValidatingAdmissionPolicyBinding")["spec"]["paramRef"]
    (tmp_path / "config.yaml").write_text(hook_of(rendered)[0])
    wanted = parameters(settings.load(str(tmp_path / "config.yaml")), reference["namespace"])
    assert one(rendered, "ConfigMap", reference["name"])["data"] == wanted["data"]
    assert one(with_parameters, "ValidatingAdmissionPolicy")["spec"]["variables"] == policies()[0]["spec"]["variables"]
    names = {each["metadata"]["name"] for each in rendered if each["kind"] == "ValidatingAdmissionPolicy"}
    assert names == {reference_to(with_parameters), f"accounts.{reference_to(with_parameters)}"}


def reference_to(rendered: list[Manifest]) -> str:
    """Return the name of the policy in the only binding."""
    return str(one(rendered, "ValidatingAdmissionPolicyBinding")["spec"]["policyName"])


def test_every_switch_is_changed() -> None:
    """Each boolean and each mode of the chart's own values differs from its default in some set."""
    changed = [yaml.safe_load(values.read_text()) for values in VALUES]
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    for path in switches({key: value for key, value in defaults.items() if key not in OF_KUBERNETES}):
        assert any(at(each, path) not in (None, at(defaults, path)) for each in changed), f"no set changes {path}"


def switches(values: Manifest, path: str = "") -> list[str]:
    """Return the paths of all booleans and modes."""
    found = []
    for key, value in values.items():
        if isinstance(value, dict):
            found += switches(value, f"{path}{key}.")
        elif isinstance(value, bool) or key == "mode":
            found.append(path + key)
    return found


def at(values: Manifest, path: str) -> object:
    """Return the value at a path, None if there is none."""
    found: Any = values
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def test_unknown_values_are_refused() -> None:
    """Helm refuses unknown names and unsupported values by the schema, with the path."""
    for helm in HELMS:
        output = Helm(helm).run("template", CHART, "--set", "replica=3", "--set", "tls.mode=on", check=False)
        assert "replica" in output
        assert "mode" in output


@pytest.mark.parametrize("helm", HELMS)
def test_refused_configs_are_refused_by_helm(tmp_path: Path, helm: str) -> None:
    """Helm refuses, at its path, every config that the hook refuses for a single value."""
    file = tmp_path / "values.yaml"
    for text, message in MISTAKES:
        file.write_text(json.dumps({"config": yaml.safe_load(text)}))
        output = Helm(helm).run("template", CHART, "-f", file, check=False)
        setting = re.split(r"[.:\[]", message)[0]
        place = (
            "/config" if "no such setting" in message and "." not in message.partition(":")[0] else f"/config/{setting}"
        )
        assert (f"at '{place}" in output) == ((text, message) in IN_SCHEMA), (text, output[-900:])


@pytest.mark.parametrize("helm", HELMS)
def test_an_unknown_default_profile_is_refused(tmp_path: Path, helm: str) -> None:
    """Helm refuses it with the message of the hook."""
    file = tmp_path / "values.yaml"
    refused = [(text, message) for text, message in MISTAKES if message.startswith("defaultProfile: Unsupported")]
    assert len(refused) > 1
    for text, message in refused:
        file.write_text(json.dumps({"config": yaml.safe_load(text)}))
        assert f"config.{message}\n" in refusal(helm, file)


def refusal(helm: str, values: Path) -> str:
    """Return what Helm prints of the ConfigMap, or its errors."""
    where = ("--kube-version", KUBERNETES, "-s", "templates/configmap.yaml", "-f", values)
    return Helm(helm).run("template", CHART, *where, check=False)


def test_helm_and_the_hook_agree_on_configs(tmp_path: Path) -> None:
    """Helm refuses no generated config that the hook accepts, and each whose default profile is unknown."""
    file, verdicts = tmp_path / "values.yaml", set()
    for seed in range(CONFIGS):
        overlay = random_configs.overlay(seed)
        if seed % 3 == 0:
            overlay = {"profiles": overlay.get("profiles"), "defaultProfile": "S" if seed % 2 else "unknown"}
        # Helm reads no escape of a surrogate: emoji are written as they are.
        file.write_text(json.dumps({"config": overlay}, ensure_ascii=False), encoding="utf-8", errors="replace")
        output = refusal("helm4", file)
        is_refused, errors = "Error: " in output, errors_of(overlay)
        assert errors or not is_refused, (seed, overlay, output[-900:])
        assert is_refused or not any(error.startswith("defaultProfile:") for error in errors), (seed, overlay)
        verdicts.add((is_refused, bool(errors)))
    assert verdicts >= {(True, True), (False, False)}


def errors_of(overlay: Manifest) -> list[str]:
    try:
        settings.over_defaults(overlay)
    except settings.InvalidConfig as error:
        return str(error).splitlines()
    return []


@pytest.mark.parametrize("values", VALUES, ids=name_of)
def test_every_object_has_the_recommended_labels(values: Path) -> None:
    """Each object and each pod has them and the operator's; selectors use the name only."""
    given = yaml.safe_load(values.read_text()) or {}
    rendered = objects(Helm("helm4").template("-f", values), with_jobs=True)
    mine = {key: value for key, value in given.get("commonLabels", {}).items() if not key.startswith(RECOMMENDED)}
    notes = given.get("commonAnnotations", {})
    for each in rendered:
        templates = [each["spec"]["template"]] if "template" in each.get("spec", {}) else []
        assert set(OF_OBJECTS) <= set(each["metadata"]["labels"]), each["kind"]
        for metadata in (each["metadata"], *(template["metadata"] for template in templates)):
            assert set(OF_PODS) | set(mine) <= set(metadata["labels"]), each["kind"]
            assert set(notes) <= set(metadata.get("annotations", {})), each["kind"]
    name = given.get("name", "function-hook")
    deployment = one(rendered, "Deployment")["spec"]
    assert deployment["selector"] == {"matchLabels": {f"{RECOMMENDED}name": name}}
    assert one(rendered, "Service")["spec"]["selector"] == {f"{RECOMMENDED}name": name}
    assert deployment["template"]["metadata"]["labels"][f"{RECOMMENDED}name"] == name


def test_a_single_object_wins_over_common_values() -> None:
    """Its annotations and labels replace the common ones; ids of a security context can be removed."""
    values = CHART / "ci" / "labels-values.yaml"
    rendered = objects(Helm("helm3").template("-f", values))
    kinds = {
        "Deployment": "deployment",
        "Service": "service",
        "ServiceAccount": "account",
        "CompositeController": "all",
    }
    for kind, seen in kinds.items():
        assert one(rendered, kind)["metadata"]["annotations"]["example.com/seen"] == seen
    assert one(rendered, "CompositeController")["metadata"]["labels"]["shard"] == "a"
    template = one(rendered, "Deployment")["spec"]["template"]
    assert template["metadata"]["annotations"]["example.com/seen"] == "pods"
    assert template["metadata"]["labels"]["tier"] == "control"
    assert template["spec"]["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    (spread,) = template["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"] == one(rendered, "Deployment")["spec"]["selector"]


def test_a_config_of_deprecated_runtimes_renders() -> None:
    """`helm test` then uses a deprecated one."""
    names = settings.Config().runtimes
    arguments = ",".join(f"config.runtimes.{name}.deprecated=true" for name in names)
    pod = one(objects(Helm("helm4").template("--set", arguments), with_jobs=True), "Pod")
    assert pod["spec"]["containers"][0]["args"][4] in names


def test_kube_score(tmp_path: Path) -> None:
    """Every finding of kube-score is in ACCEPTED, and every entry of ACCEPTED is found."""
    found = {finding for values in VALUES for finding in findings(values, tmp_path)}
    entries = {finding: [each for each in ACCEPTED if matches(each, finding)] for finding in found}
    assert [finding for finding, matching in entries.items() if not matching] == []
    assert {each for matching in entries.values() for each in matching} == set(ACCEPTED)


def findings(values: Path, directory: Path) -> Iterator[tuple[str, str]]:
    """Yield each finding of kube-score: its check, and the object with the finding."""
    file = directory / "rendered.yaml"
    file.write_text(Helm("helm4").template("-f", values))
    optional = ("--enable-optional-test", "container-seccomp-profile,container-ports-check")
    command = [
        str(go_tools.program("kube-score")),
        "score",
        str(file),
        "--kubernetes-version",
        "v1.36",
        *optional,
        "-o",
        "json",
    ]
    scores = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    assert len(scores) > 3, "kube-score saw few objects"
    for scored in scores:
        for check in scored["checks"]:
            is_intended = any(part in values.name and check["check"]["id"] == name for part, name in INTENDED)
            if check["grade"] < 10 and not check["skipped"] and not is_intended:
                for comment in check["comments"]:
                    yield check["check"]["id"], f"{scored['object_name']} {comment['summary']}"


def matches(accepted: tuple[str, str], finding: tuple[str, str]) -> bool:
    return accepted[0] == finding[0] and accepted[1] in finding[1]


def test_only_what_changes_an_answer_changes_the_revision() -> None:
    """Config and image change it, which causes a sync of every Function; replicas do not."""
    revision = hook_of(objects(Helm("helm4").template()))[1]
    for argument in ("config.defaultProfile=S", "image.tag=0.1.1"):
        assert hook_of(objects(Helm("helm4").template("--set", argument)))[1] != revision
    assert hook_of(objects(Helm("helm4").template("--set", "replicas=3")))[1] == revision
    for hook in one(objects(Helm("helm4").template()), "CompositeController")["spec"]["hooks"].values():
        assert hook["webhook"]["url"].endswith(f"?revision={revision}")


def test_plain_yaml_equals_the_chart(api: Stack) -> None:
    """`kubectl kustomize .` prints the chart's objects and its namespace."""
    text = api.plane.kubectl("kustomize", str(ROOT))
    plain = objects(text)
    namespace = one(plain, "Namespace", NAMESPACE)
    plain.remove(namespace)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    rendered = objects(Helm("helm4").template())
    definition = one(rendered, "CustomResourceDefinition")["metadata"]
    assert {"annotations", "labels"} <= set(definition)
    del definition["annotations"], definition["labels"]
    for each in rendered:
        for label in OF_HELM:
            each["metadata"].get("labels", {}).pop(label, None)
    assert sorted(plain, key=key) == sorted(rendered, key=key), "make manifests"
    assert "helm.sh" not in text


def key(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def test_packaged_chart_is_complete(tmp_path: Path) -> None:
    """A packaged chart has the targets of its symbolic links and renders the same."""
    helm = Helm("helm4")
    helm.run("package", CHART, "-d", tmp_path)
    (packed,) = tmp_path.glob("*.tgz")
    text = helm.run("template", "function-hook", packed, "-n", NAMESPACE, "--kube-version", KUBERNETES)
    assert objects(text) == objects(helm.template())
    names = subprocess.run(["tar", "tf", packed], capture_output=True, text=True, check=True).stdout
    assert "/ci/" not in names
