"""
Install, upgrade, roll back and uninstall, by the real Helm 3 and 4, with Metacontroller at work.

No pod of the chart runs here: the hook is a process with the config and the revision that the chart gave to its pods.
Metacontroller reaches it under the name of its Service: the hook is its HTTP proxy.
"""

import base64
import json
import subprocess
import time
from collections.abc import Iterator

import pytest
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.helm import NAMESPACE, RELEASE, Helm, run_hook, start_metacontroller
from support.cluster.pages import Shell, commands
from support.cluster.stack import GROUP, KINDS, ROOT, Stack, own_stack
from test_functions import apply, ready

pytestmark = pytest.mark.own_stack

CRD = "functions.serverless.kyma-project.io"
HOST = f"function-hook.{NAMESPACE}.svc"
CHANNEL = "functions.example.com/channel"
CONTROLLERS = "/apis/metacontroller.k8s.io/v1alpha1/compositecontrollers"
FINALIZER = "metacontroller.io/compositecontroller-function-controller"
PAGE = "installing.md"


class Installed:
    """A cluster with Metacontroller, on which a Helm of one version works."""

    def __init__(self, stack: Stack, helm: Helm) -> None:
        self.stack, self.plane, self.helm = stack, stack.plane, helm
        self.shell = Shell(self.plane, {"helm": helm.program})

    def install(self, *arguments: str) -> None:
        """Install or upgrade, and run the hook as the chart says it should."""
        self.helm.install(*arguments)
        run_hook(self.stack)

    def functions(self) -> list[Manifest]:
        items: list[Manifest] = self.plane.call("GET", f"{GROUP}/functions")[1]["items"]
        return items


@pytest.fixture(scope="module", params=["helm3", "helm4"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """A control plane with nothing but Metacontroller, and a Helm to install the chart."""
    with own_stack(tmp_path_factory.mktemp(request.param)) as stack:
        start_metacontroller(stack)
        yield Installed(stack, Helm(request.param, stack.plane))


def deployment(installed: Installed, name: str = "hello", namespace: str = "default") -> Manifest:
    found = installed.stack.get("deployments", namespace, name)
    assert found is not None
    return found


def image(installed: Installed) -> str:
    return str(deployment(installed)["spec"]["template"]["spec"]["containers"][0]["image"])


def test_installed_chart_answers(installed: Installed) -> None:
    """After `helm install` a Function becomes ready."""
    installed.install()
    installed.stack.wait_until_established(CRD)
    apply(installed.stack, "default")
    ready(installed.stack, "default")


def test_live_state_is_what_the_chart_says(installed: Installed) -> None:
    """`kubectl diff` of the installed manifests finds no difference, even after Metacontroller has worked with them."""
    manifest = installed.plane.directory / "manifest.yaml"
    manifest.write_text(installed.helm.run("get", "manifest", RELEASE, "-n", NAMESPACE))
    assert installed.plane.kubectl("diff", "-f", str(manifest), check=False) == ""
    assert (
        installed.plane.kubectl("diff", "--server-side", "--field-manager=gitops", "-f", str(manifest), check=False)
        == ""
    )


def test_a_config_without_effect_writes_nothing(installed: Installed) -> None:
    """Every Function is asked about again after an upgrade, and where the answer is the same nothing is written."""
    mark = installed.plane.mark()
    installed.install("--set", "config.minimumResources.cpu=5m")
    wait_until(lambda: asked_again(installed, mark), "the Function to be asked about again")
    time.sleep(2)
    assert function_writes(installed, mark) == []


def asked_again(installed: Installed, mark: int) -> bool:
    return any(
        what == "functions default/hello" for event, what in installed.plane.events(mark) if event["verb"] == "get"
    )


def function_writes(installed: Installed, mark: int) -> list[str]:
    """Return what Metacontroller has written of the Function and its children since then."""
    return [what for what in installed.plane.writes(mark) if " default/hello" in what]


def test_a_config_with_effect_waits_for_its_own_pods(installed: Installed) -> None:
    """While only old pods are there nothing changes and nothing is said; with the new ones the change comes at once."""
    before, said = image(installed), sync_errors(installed)
    mark = installed.plane.mark()
    installed.helm.install("--set", "config.registry=mirror.example.com")
    wait_until(lambda: "Resync due to too many request" in installed.stack.processes.log("metacontroller"), "a 429")
    time.sleep(3)
    assert function_writes(installed, mark) == []
    assert sync_errors(installed) == said
    run_hook(installed.stack)
    wait_until(lambda: image(installed) != before, "the new registry in the Deployment")
    assert image(installed).startswith("mirror.example.com/")
    assert "def main" not in installed.stack.processes.log("metacontroller")


def sync_errors(installed: Installed) -> int:
    """Return how many failed syncs Metacontroller has told of."""
    _, events = installed.plane.call("GET", "/api/v1/namespaces/default/events")
    return sum(each.get("count", 1) for each in events["items"] if each["reason"] == "SyncError")


def test_the_policy_follows_the_config(installed: Installed) -> None:
    """A runtime that the values take away is refused at `kubectl apply` soon after the upgrade."""
    function = of_channel("refused")
    path = f"{GROUP}/namespaces/default/functions?dryRun=All"
    assert installed.plane.call("POST", path, function)[0] == 201
    installed.install("--set", "config.registry=mirror.example.com", "--set", "config.runtimes.nodejs22=null")
    code, answer = wait_until(lambda: refusal(installed, path, function), "the policy to follow")
    assert 'spec.runtime: Unsupported value: "nodejs22"' in answer["message"], code


def refusal(installed: Installed, path: str, function: Manifest) -> tuple[int, Manifest] | None:
    code, answer = installed.plane.call("POST", path, function)
    return (code, answer) if code != 201 else None


def test_a_rollback_brings_the_old_config_back(installed: Installed) -> None:
    """`helm rollback` takes back what an upgrade did."""
    installed.helm.run("rollback", RELEASE, "1", "-n", NAMESPACE)
    run_hook(installed.stack)
    wait_until(lambda: image(installed).startswith("ghcr.io/"), "the old registry in the Deployment")


def test_helm_keeps_the_certificate_that_it_made(installed: Installed) -> None:
    """With `tls.mode=helm` an upgrade changes neither certificate nor authority; Metacontroller is told the latter."""
    installed.helm.install("--set", "tls.mode=helm")
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets/function-hook-tls"
    made = installed.plane.call("GET", path)[1]["data"]
    installed.helm.install("--set", "tls.mode=helm", "--set", "replicas=3")
    assert installed.plane.call("GET", path)[1]["data"] == made
    authority, certificate = (base64.b64decode(made[key]).decode() for key in ("ca.crt", "tls.crt"))
    hooks = installed.plane.call("GET", f"{CONTROLLERS}/function-controller")[1]["spec"]["hooks"]
    assert {hook["webhook"]["caBundle"]["inline"] for hook in hooks.values()} == {authority}
    assert {hook["webhook"]["url"].partition("/v1")[0] for hook in hooks.values()} == {f"https://{HOST}:8080"}
    (installed.plane.directory / "ca.crt").write_text(authority)
    command = ["openssl", "verify", "-CAfile", str(installed.plane.directory / "ca.crt"), "-verify_hostname", HOST]
    subprocess.run(command, input=certificate, text=True, check=True, capture_output=True)
    installed.install()


def test_users_may_use_functions(installed: Installed) -> None:
    """Kubernetes' own view and edit reach Functions; neither may write a status."""
    allowed = {
        "view": ("get", "list", "watch"),
        "edit": ("get", "create", "update", "patch", "delete", "deletecollection"),
    }
    for role in allowed:
        binding = ("rolebinding", f"all-{role}", f"--clusterrole={role}", f"--user={role}", "-n", "default")
        installed.plane.kubectl("create", *binding)
    for role, verbs in allowed.items():
        for verb in verbs:
            wait_until(lambda role=role, verb=verb: may(installed, role, verb), f"{role} to be allowed to {verb}")
    assert may(installed, "edit", "update", "functions/scale")
    assert not may(installed, "view", "create")
    assert not may(installed, "edit", "update", "functions/status")


def may(installed: Installed, user: str, verb: str, resource: str = "functions") -> bool:
    what = f"{resource.partition('/')[0]}.serverless.kyma-project.io"
    below = [f"--subresource={resource.partition('/')[2]}"] if "/" in resource else []
    said = installed.plane.kubectl("auth", "can-i", verb, what, *below, f"--as={user}", "-n", "default", check=False)
    return said.strip() == "yes"


def test_uninstalling_keeps_functions_and_what_runs(installed: Installed) -> None:
    """By the commands of the docs: Functions, children and CRD stay untouched, and can be deleted without any hook."""
    versions = installed.stack.versions("default", "hello")
    for command in commands(PAGE, "By hand"):
        installed.shell.run(command)
    assert installed.plane.call("GET", f"{CONTROLLERS}/function-controller")[0] == 404
    assert [each["metadata"].get("finalizers") for each in installed.functions()] == [None]
    assert installed.stack.versions("default", "hello") == versions
    installed.plane.kubectl("delete", "function", "hello", "-n", "default", "--timeout=20s")
    wait_until(lambda: installed.stack.versions("default", "hello") == {}, "the children to be gone")


def test_a_reinstall_takes_up_what_is_there(installed: Installed) -> None:
    """Functions that outlived their hook are looked after again, and what runs for them is not touched."""
    installed.install()
    apply(installed.stack, "default", "again")
    ready(installed.stack, "default", "again")
    for command in commands(PAGE, "By hand"):
        installed.shell.run(command)
    before = {kind: installed.stack.get(kind, "default", "again") for kind in KINDS}
    mark = installed.plane.mark()
    installed.install()
    wait_until(lambda: installed.functions()[0]["metadata"].get("finalizers"), "Metacontroller to be back")
    time.sleep(3)
    writes = [what for what in installed.plane.writes(mark) if " default/again" in what]
    assert writes == ["update functions default/again"], "the finalizer and nothing else"
    assert {kind: installed.stack.get(kind, "default", "again") for kind in KINDS} == before


def test_two_installs_share_a_cluster(installed: Installed) -> None:
    """Each looks after the Functions that its selector matches, and leaves the others alone."""
    others = {"matchExpressions": [{"key": CHANNEL, "operator": "DoesNotExist"}]}
    installed.install("--set-json", f"compositeController.labelSelector={json.dumps(others)}")
    second = ROOT / "chart" / "ci" / "second-install-values.yaml"
    installed.helm.install("-f", second, release="beta", namespace="beta")
    apply(installed.stack, "default", "alpha")
    installed.plane.call("POST", f"{GROUP}/namespaces/default/functions", of_channel("beta"))
    for name in ("alpha", "beta"):
        ready(installed.stack, "default", name)
    kept = {each["metadata"]["name"]: each["metadata"]["finalizers"] for each in installed.functions()}
    assert kept == {"alpha": [FINALIZER], "beta": [f"{FINALIZER}-beta"], "again": [FINALIZER]}
    installed.plane.kubectl("delete", "functions", "alpha", "beta", "-n", "default", "--timeout=30s")
    installed.helm.run("uninstall", "beta", "-n", "beta", "--no-hooks")
    assert installed.plane.call("GET", f"{CONTROLLERS}/function-controller")[0] == 200


def of_channel(name: str) -> Manifest:
    """Return a Function with the label that the second install looks for."""
    source = {"inline": {"source": "module.exports = {main: () => 1}"}}
    metadata = {"name": name, "labels": {CHANNEL: name}}
    spec = {"runtime": "nodejs22", "source": source}
    return {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": metadata, "spec": spec}


def test_breaking_the_glass(installed: Installed) -> None:
    """A Function that hangs because the hook went first is let go by the command of the docs."""
    installed.helm.run("uninstall", RELEASE, "-n", NAMESPACE, "--no-hooks")
    installed.plane.kubectl("delete", "function", "again", "-n", "default", "--wait=false")
    time.sleep(2)
    assert [each["metadata"]["finalizers"] for each in installed.functions()] == [[FINALIZER]]
    for command in commands(PAGE, "When the hook is gone"):
        installed.shell.run(command)
    wait_until(lambda: installed.functions() == [], "the Function to be gone")
    wait_until(lambda: installed.stack.versions("default", "again") == {}, "its children to be gone")
