"""
Install, upgrade, roll back and uninstall with real Helm 3 and 4 while Metacontroller runs.

There is no node: the hook is a process with the config and the revision that the chart gives to its pods. The hook is
Metacontroller's HTTP proxy, so that the URL of its Service works.
"""

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from functools import partial

import pytest
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.functions import create_function, function, wait_until_ready
from support.cluster.helm import NAMESPACE, RELEASE, Helm, run_hook, start_metacontroller
from support.cluster.pages import Shell, commands
from support.cluster.stack import GROUP, KINDS, ROOT, Stack, own_stack

pytestmark = pytest.mark.own_stack

CRD = "functions.serverless.kyma-project.io"
HOST = f"function-hook.{NAMESPACE}.svc"
CHANNEL = "functions.example.com/channel"
CONTROLLERS = "/apis/metacontroller.k8s.io/v1alpha1/compositecontrollers"
FINALIZER = "metacontroller.io/compositecontroller-function-controller"
PAGE = "installing.md"


class Installed:
    """A cluster with Metacontroller, and one version of Helm for it."""

    def __init__(self, stack: Stack, helm: Helm) -> None:
        self.stack, self.plane, self.helm = stack, stack.plane, helm
        self.shell = Shell(self.plane, {"helm": helm.program})

    def install(self, *arguments: str) -> None:
        """Install or upgrade, and restart the hook with the chart's config and revision."""
        self.helm.install(*arguments)
        run_hook(self.stack)

    def functions(self) -> list[Manifest]:
        items: list[Manifest] = self.plane.call("GET", f"{GROUP}/functions")[1]["items"]
        return items


@pytest.fixture(scope="module", params=["helm3", "helm4"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """A control plane with only Metacontroller, and Helm."""
    with own_stack(tmp_path_factory.mktemp(request.param)) as stack:
        start_metacontroller(stack)
        yield Installed(stack, Helm(request.param, stack.plane))


def deployment(installed: Installed, name: str = "hello", namespace: str = "default") -> Manifest:
    found = installed.stack.get("deployments", namespace, name)
    assert found is not None
    return found


def image(installed: Installed) -> str:
    return str(deployment(installed)["spec"]["template"]["spec"]["containers"][0]["image"])


def test_a_function_becomes_ready(installed: Installed) -> None:
    """After `helm install` a Function becomes ready."""
    installed.install()
    installed.stack.wait_until_established(CRD)
    create_function(installed.stack, "default")
    wait_until_ready(installed.stack, "default")


def test_live_objects_equal_the_manifest(installed: Installed) -> None:
    """`kubectl diff` of the installed manifest finds no difference after Metacontroller has used the objects."""
    manifest = installed.plane.directory / "manifest.yaml"
    manifest.write_text(installed.helm.run("get", "manifest", RELEASE, "-n", NAMESPACE))
    assert installed.plane.kubectl("diff", "-f", str(manifest), check=False) == ""
    server_side = ("--server-side", "--field-manager=gitops")
    assert installed.plane.kubectl("diff", *server_side, "-f", str(manifest), check=False) == ""


def test_a_config_without_effect_writes_nothing(installed: Installed) -> None:
    """An upgrade syncs every Function again; an unchanged response causes no write."""
    mark = installed.plane.mark()
    installed.install("--set", "config.minimumResources.cpu=5m")
    wait_until(lambda: is_synced_again(installed, mark), "the Function to be synced again")
    time.sleep(2)
    assert function_writes(installed, mark) == []


def is_synced_again(installed: Installed, mark: int) -> bool:
    return any(
        what == "functions default/hello" for event, what in installed.plane.events(mark) if event["verb"] == "get"
    )


def function_writes(installed: Installed, mark: int) -> list[str]:
    """Return Metacontroller's writes to the Function and its children since then."""
    return [what for what in installed.plane.writes(mark) if " default/hello" in what]


def test_a_config_takes_effect_with_its_own_pods(installed: Installed) -> None:
    """While only old hook pods run, no child changes and no event is written; with a new pod the change is applied."""
    before, errors = image(installed), sync_errors(installed)
    mark = installed.plane.mark()
    installed.helm.install("--set", "config.registry=mirror.example.com")
    wait_until(lambda: "Resync due to too many request" in installed.stack.processes.log("metacontroller"), "a 429")
    time.sleep(3)
    assert function_writes(installed, mark) == []
    assert sync_errors(installed) == errors
    run_hook(installed.stack)
    wait_until(lambda: image(installed) != before, "the new registry in the Deployment")
    assert image(installed).startswith("mirror.example.com/")
    assert "def main" not in installed.stack.processes.log("metacontroller")


def sync_errors(installed: Installed) -> int:
    """Return the number of failed syncs in Metacontroller's events."""
    _, events = installed.plane.call("GET", "/api/v1/namespaces/default/events")
    return sum(each.get("count", 1) for each in events["items"] if each["reason"] == "SyncError")


def test_the_policy_follows_the_config(installed: Installed) -> None:
    """The policy refuses a runtime that an upgrade has removed."""
    refused = of_channel("refused")
    path = f"{GROUP}/namespaces/default/functions?dryRun=All"
    assert installed.plane.call("POST", path, refused)[0] == 201
    installed.install("--set", "config.registry=mirror.example.com", "--set", "config.runtimes.nodejs22=null")
    code, answer = wait_until(lambda: refusal(installed, path, refused), "the policy to refuse the runtime")
    assert 'spec.runtime: Unsupported value: "nodejs22"' in answer["message"], code


def refusal(installed: Installed, path: str, body: Manifest) -> tuple[int, Manifest] | None:
    code, answer = installed.plane.call("POST", path, body)
    return (code, answer) if code != 201 else None


def test_a_rollback_restores_the_config(installed: Installed) -> None:
    """`helm rollback` restores the registry of the first revision."""
    installed.helm.run("rollback", RELEASE, "1", "-n", NAMESPACE)
    run_hook(installed.stack)
    wait_until(lambda: image(installed).startswith("ghcr.io/"), "the old registry in the Deployment")


def test_an_upgrade_keeps_the_certificate(installed: Installed) -> None:
    """With `tls.mode=helm` an upgrade changes neither the certificate nor its CA, which is every webhook's caBundle."""
    installed.helm.install("--set", "tls.mode=helm")
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets/function-hook-tls"
    created = installed.plane.call("GET", path)[1]["data"]
    installed.helm.install("--set", "tls.mode=helm", "--set", "replicas=3")
    assert installed.plane.call("GET", path)[1]["data"] == created
    authority, certificate = (base64.b64decode(created[key]).decode() for key in ("ca.crt", "tls.crt"))
    hooks = installed.plane.call("GET", f"{CONTROLLERS}/function-controller")[1]["spec"]["hooks"]
    assert {hook["webhook"]["caBundle"]["inline"] for hook in hooks.values()} == {authority}
    assert {hook["webhook"]["url"].partition("/v1")[0] for hook in hooks.values()} == {f"https://{HOST}:8080"}
    (installed.plane.directory / "ca.crt").write_text(authority)
    command = ["openssl", "verify", "-CAfile", str(installed.plane.directory / "ca.crt"), "-verify_hostname", HOST]
    subprocess.run(command, input=certificate, text=True, check=True, capture_output=True)
    installed.install()


def test_roles_of_users_include_functions(installed: Installed) -> None:
    """Kubernetes' ClusterRoles view and edit include Functions; neither may write their status."""
    allowed = {
        "view": ("get", "list", "watch"),
        "edit": ("get", "create", "update", "patch", "delete", "deletecollection"),
    }
    for role in allowed:
        binding = ("rolebinding", f"all-{role}", f"--clusterrole={role}", f"--user={role}", "-n", "default")
        installed.plane.kubectl("create", *binding)
    for role, verbs in allowed.items():
        for verb in verbs:
            wait_until(partial(may, installed, role, verb), f"{role} to be allowed to {verb}")
    assert may(installed, "edit", "update", "functions/scale")
    assert not may(installed, "view", "create")
    assert not may(installed, "edit", "update", "functions/status")


def may(installed: Installed, user: str, verb: str, resource: str = "functions") -> bool:
    name, _, part = resource.partition("/")
    target = [f"{name}.serverless.kyma-project.io", *([f"--subresource={part}"] if part else [])]
    found = installed.plane.kubectl("auth", "can-i", verb, *target, f"--as={user}", "-n", "default", check=False)
    return found.strip() == "yes"


def test_uninstalling_keeps_functions_and_children(installed: Installed) -> None:
    """After the commands of the docs Functions, children and CRD are unchanged, and can be deleted without the hook."""
    versions = installed.stack.versions("default", "hello")
    for command in commands(PAGE, "By hand"):
        installed.shell.run(command)
    assert installed.plane.call("GET", f"{CONTROLLERS}/function-controller")[0] == 404
    assert [each["metadata"].get("finalizers") for each in installed.functions()] == [None]
    assert installed.stack.versions("default", "hello") == versions
    installed.plane.kubectl("delete", "function", "hello", "-n", "default", "--timeout=20s")
    wait_until(lambda: installed.stack.versions("default", "hello") == {}, "the children to be deleted")


def test_a_reinstall_adopts_functions_and_children(installed: Installed) -> None:
    """After a new install Metacontroller manages existing Functions again and does not write their children."""
    installed.install()
    create_function(installed.stack, "default", "again")
    wait_until_ready(installed.stack, "default", "again")
    for command in commands(PAGE, "By hand"):
        installed.shell.run(command)
    before = {kind: installed.stack.get(kind, "default", "again") for kind in KINDS}
    mark = installed.plane.mark()
    installed.install()
    wait_until(lambda: installed.functions()[0]["metadata"].get("finalizers"), "Metacontroller's finalizer")
    time.sleep(3)
    writes = [what for what in installed.plane.writes(mark) if " default/again" in what]
    assert writes == ["update functions default/again"], "the finalizer and nothing else"
    assert {kind: installed.stack.get(kind, "default", "again") for kind in KINDS} == before


def test_two_installs_share_a_cluster(installed: Installed) -> None:
    """Each install manages the Functions that its label selector matches, and no others."""
    others = {"matchExpressions": [{"key": CHANNEL, "operator": "DoesNotExist"}]}
    installed.install("--set-json", f"compositeController.labelSelector={json.dumps(others)}")
    second = ROOT / "chart" / "ci" / "second-install-values.yaml"
    installed.helm.install("-f", second, release="beta", namespace="beta")
    create_function(installed.stack, "default", "alpha")
    installed.plane.call("POST", f"{GROUP}/namespaces/default/functions", of_channel("beta"))
    for name in ("alpha", "beta"):
        wait_until_ready(installed.stack, "default", name)
    kept = {each["metadata"]["name"]: each["metadata"]["finalizers"] for each in installed.functions()}
    assert kept == {"alpha": [FINALIZER], "beta": [f"{FINALIZER}-beta"], "again": [FINALIZER]}
    installed.plane.kubectl("delete", "functions", "alpha", "beta", "-n", "default", "--timeout=30s")
    installed.helm.run("uninstall", "beta", "-n", "beta", "--no-hooks")
    assert installed.plane.call("GET", f"{CONTROLLERS}/function-controller")[0] == 200


def of_channel(name: str) -> Manifest:
    """Return a Node.js Function with the label of the second install."""
    source = {"inline": {"source": "module.exports = {main: () => 1}"}}
    labelled = function(name, runtime="nodejs22", source=source)
    labelled["metadata"]["labels"] = {CHANNEL: name}
    return labelled


def test_the_emergency_command(installed: Installed) -> None:
    """A Function that cannot be deleted because the hook is uninstalled is released by the command of the docs."""
    installed.helm.run("uninstall", RELEASE, "-n", NAMESPACE, "--no-hooks")
    installed.plane.kubectl("delete", "function", "again", "-n", "default", "--wait=false")
    time.sleep(2)
    assert [each["metadata"]["finalizers"] for each in installed.functions()] == [[FINALIZER]]
    for command in commands(PAGE, "When the hook is gone"):
        installed.shell.run(command)
    wait_until(lambda: installed.functions() == [], "the Function to be deleted")
    wait_until(lambda: installed.stack.versions("default", "again") == {}, "its children to be deleted")
