"""
v2alpha1 turned on, off and on again with real Helm 3 and 4, and uninstalled, while Functions exist.

The API server and Metacontroller reach the hook by the name of its Service, over HTTPS with the chart's certificate. No
node runs pods: the hook is a process with the files that its pods would have, and the test runs the chart's Job.
"""

import base64
import itertools
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from support.cluster.connect_proxy import ConnectProxy
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.functions import create_function, function, wait_until_ready
from support.cluster.helm import NAMESPACE, RELEASE, Helm, mounted_certificate, run_hook
from support.cluster.kubelet_for_jobs import run_job
from support.cluster.stack import GROUP, KINDS, Stack, own_stack
from support.cluster.versions import CRD, CRD_PATH, V2_GROUP
from support.ports import free_port

from hooks.connection import KEPT_SECONDS
from hooks.convert import convert
from hooks.moved_fields import VERSIONS

pytestmark = pytest.mark.own_stack

HOST = f"function-hook.{NAMESPACE}.svc"
FUNCTIONS = f"{V2_GROUP}/namespaces/default/functions"
HELM_MODE = ("--set", "tls.mode=helm")
ISSUED = ("--set", "tls.mode=certManager", "--set", "tls.issuerRef.name=own")
ON = ("--set", "conversion.enabled=true")
OFF = ("--set", "conversion.enabled=false")
CAINJECTOR = "cert-manager-cainjector"


class Installed:
    """A cluster with Metacontroller, and one version of Helm for it."""

    def __init__(self, stack: Stack, helm: Helm) -> None:
        self.stack, self.plane, self.helm = stack, stack.plane, helm

    def install(self, *arguments: str) -> None:
        """Install or upgrade, and restart the hook with the chart's config, revision and certificate."""
        self.helm.install(*arguments)
        run_hook(self.stack)

    def crd(self) -> Manifest:
        return self.plane.call("GET", CRD_PATH)[1]

    def has_versions(self, *names: str) -> bool:
        """Return whether clients discover these versions; v1alpha2 is always the only stored one."""
        assert self.crd()["status"]["storedVersions"] == ["v1alpha2"]
        found = self.plane.call("GET", GROUP.rpartition("/")[0])[1]["versions"]
        return {each["version"] for each in found} == {*names}

    def wait_until_on(self) -> None:
        wait_until(self._converts, "v2alpha1 to be served", 60)

    def wait_until_off(self, strategy: str = "None") -> None:
        wait_until(lambda: self.has_versions("v1alpha2"), "v2alpha1 to be gone", 60)
        assert self.crd()["spec"]["conversion"]["strategy"] == strategy

    def _converts(self) -> bool:
        code, answer = self.plane.call("GET", FUNCTIONS)
        return code == 200 and self.has_versions("v1alpha2", "v2alpha1") and "items" in answer


@pytest.fixture(scope="module", params=["helm3", "helm4"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """A control plane with Metacontroller, Helm, and a proxy for the name of the hook's Service."""
    proxy = ConnectProxy(free_port())
    with own_stack(tmp_path_factory.mktemp(request.param), HTTPS_PROXY=proxy.url) as stack:
        stack.hook_port = proxy.target
        stack.install_metacontroller()
        stack.metacontroller_flags.append("--discovery-interval=1s")
        stack.start_metacontroller(HTTPS_PROXY=proxy.url)
        yield Installed(stack, Helm(request.param, stack.plane))
        assert proxy.hosts == {f"{HOST}:8080"}
    proxy.close()


def as_v2(name: str, **spec: object) -> Manifest:
    return convert(function(name, **spec), VERSIONS[1])


def test_an_install_serves_both(installed: Installed) -> None:
    """After `helm install` with tls.mode=helm a Function of v2alpha1 becomes ready."""
    installed.install(*HELM_MODE, *ON)
    installed.stack.wait_until_established(CRD)
    installed.wait_until_on()
    code, created = installed.plane.call("POST", FUNCTIONS, as_v2("hello"))
    assert code == 201, created["message"]
    wait_until_ready(installed.stack, "default")
    assert installed.plane.call("GET", f"{FUNCTIONS}/hello")[1]["spec"] == created["spec"]


def test_off_and_on_again(installed: Installed) -> None:
    """With --reuse-values v2alpha1 goes and comes back; the Function and its children are the same all along."""
    before = state(installed)
    for switch, wait in ((OFF, installed.wait_until_off), (ON, installed.wait_until_on)):
        installed.install("--reuse-values", *switch)
        wait()
        assert state(installed) == before
    installed.helm.run("rollback", RELEASE, "2", "-n", NAMESPACE)
    installed.wait_until_off()
    installed.helm.run("rollback", RELEASE, "3", "-n", NAMESPACE)
    installed.wait_until_on()
    assert state(installed) == before


def state(installed: Installed) -> tuple[object, ...]:
    """Return what must not change: the Function's UID and spec, its children, and the certificate."""
    found = installed.stack.get("functions", "default", "hello")
    assert found is not None
    secret = f"/api/v1/namespaces/{NAMESPACE}/secrets/function-hook-tls"
    data = installed.plane.call("GET", secret)[1]["data"]
    return found["metadata"]["uid"], found["spec"], children(installed), data


def children(installed: Installed) -> list[tuple[str, Manifest | None]]:
    """Return the UIDs and specs of the Function's children."""
    found = [installed.stack.get(kind, "default", "hello") for kind in KINDS]
    return [(child["metadata"]["uid"], child.get("spec")) for child in found if child]


class Authority:
    """A certificate authority in place of cert-manager, and its certificates for the hook."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self._openssl("req", "-x509", *NEW_KEY, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=authority")

    def issue(self, installed: Installed) -> str:
        """Write a new certificate into the Secret of the chart; return it."""
        made = ("req", "-x509", *NEW_KEY, "-keyout", "tls.key", "-out", "tls.crt", "-subj", "/CN=hook")
        self._openssl(*made, "-addext", f"subjectAltName=DNS:{HOST}", "-CA", "ca.crt", "-CAkey", "ca.key")
        files = {name: (self.directory / name).read_bytes() for name in ("ca.crt", "tls.crt", "tls.key")}
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": "function-hook-tls", "namespace": NAMESPACE},
            "data": {name: base64.b64encode(content).decode() for name, content in files.items()},
        }
        installed.plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=body)
        return files["tls.crt"].decode()

    def inject(self, installed: Installed) -> None:
        """Write the authority into the CRD as cainjector does: an update of the object that the annotation marks."""
        crd = installed.crd()
        assert crd["metadata"]["annotations"]["cert-manager.io/inject-ca-from"] == f"{NAMESPACE}/function-hook"
        bundle = base64.b64encode((self.directory / "ca.crt").read_bytes()).decode()
        crd["spec"]["conversion"]["webhook"]["clientConfig"]["caBundle"] = bundle
        code, answer = installed.plane.call("PUT", f"{CRD_PATH}?fieldManager={CAINJECTOR}", crd)
        assert code == 200, answer

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "9")


@pytest.fixture(scope="module")
def authority(installed: Installed) -> Authority:
    return Authority(installed.plane.directory / "authority")


def test_the_certificates_of_another_authority(installed: Installed, authority: Authority) -> None:
    """With tls.mode=certManager the chart leaves the authority to cainjector, and an upgrade leaves it in place."""
    apply_certificate_kind(installed)
    installed.helm.install(*ISSUED, *ON)
    authority.issue(installed)
    run_hook(installed.stack)
    authority.inject(installed)
    installed.wait_until_on()
    before = installed.crd()["spec"]["conversion"]
    installed.install("--reuse-values", "--set", "replicas=3")
    assert installed.crd()["spec"]["conversion"] == before
    installed.wait_until_on()


def apply_certificate_kind(installed: Installed) -> None:
    """Install a CRD of cert-manager's Certificates that takes anything."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "certificates.cert-manager.io"},
        "spec": {
            "group": "cert-manager.io",
            "scope": "Namespaced",
            "names": {"plural": "certificates", "singular": "certificate", "kind": "Certificate"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    installed.plane.kubectl("apply", "-f", "-", stdin=body)
    installed.stack.wait_until_established("certificates.cert-manager.io")


def test_a_renewal_fails_no_conversion(installed: Installed, authority: Authority) -> None:
    """While the certificate is renewed, each read and write of v2alpha1 succeeds."""
    with converting(installed) as answers:
        wait_until(lambda: len(answers) > 20, "conversions")
        for _ in range(3):
            authority.issue(installed)
            mounted_certificate(installed.stack)
            count = len(answers)
            # A connection is kept for five seconds: later ones have seen the new certificate.
            time.sleep(KEPT_SECONDS + 1)
            wait_until(partial(has_more_than, answers, count + 20), "further conversions", 60)
    assert {code for code, _ in answers} == {200}, next(answer for code, answer in answers if code != 200)


def has_more_than(answers: list[tuple[int, Manifest]], count: int) -> bool:
    return len(answers) > count


@contextmanager
def converting(installed: Installed) -> Iterator[list[tuple[int, Manifest]]]:
    """Read and write a Function of v2alpha1 without a pause; the block gets the list of all answers."""
    answers: list[tuple[int, Manifest]] = []
    end = threading.Event()

    def run(request: Callable[[], tuple[int, Manifest]]) -> None:
        while not end.is_set():
            answers.append(request())

    path, kind, numbers = f"{FUNCTIONS}/hello", "application/merge-patch+json", itertools.count()
    requests = (
        lambda: installed.plane.call("GET", path),
        lambda: installed.plane.call("GET", FUNCTIONS),
        lambda: installed.plane.call("PATCH", path, {"metadata": {"labels": {"n": str(next(numbers))}}}, kind=kind),
    )
    threads = [threading.Thread(target=run, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        end.set()
        for thread in threads:
            thread.join()


def test_off_with_an_injected_authority(installed: Installed, authority: Authority) -> None:
    """The chart turns v2alpha1 off and on although another field manager owns a part of the CRD's webhook."""
    before, webhook = state(installed), installed.crd()["spec"]["conversion"]
    installed.install("--reuse-values", *OFF)
    installed.wait_until_off("Webhook")
    with stopped_hook(installed):
        assert state(installed) == before
    authority.inject(installed)
    installed.install("--reuse-values", *ON)
    installed.wait_until_on()
    assert installed.crd()["spec"]["conversion"] == webhook
    assert state(installed) == before


@contextmanager
def stopped_hook(installed: Installed) -> Iterator[None]:
    """Run the block without a hook: neither conversions nor syncs are answered."""
    installed.stack.processes.stop("hook")
    yield
    run_hook(installed.stack)


def uninstall(installed: Installed) -> str:
    """Run `helm uninstall` and its Job; return the Job's output."""
    helm = threading.Thread(target=installed.helm.run, args=("uninstall", RELEASE, "-n", NAMESPACE))
    helm.start()
    output = run_job(installed.plane, NAMESPACE, "function-hook-uninstall")
    helm.join()
    return output


def test_an_uninstall_leaves_one_version(installed: Installed) -> None:
    """`helm uninstall` releases all Functions and leaves a CRD that can be read without the hook."""
    before = state(installed)
    assert uninstall(installed) == "all Functions are released\n"
    installed.stack.processes.stop("hook")
    installed.wait_until_off()
    found = installed.stack.get("functions", "default", "hello")
    assert found is not None
    assert (found["metadata"]["uid"], found["metadata"].get("finalizers")) == (before[0], None)
    assert children(installed) == before[2]


def test_an_uninstall_after_the_hook_has_gone(installed: Installed) -> None:
    """The same without a hook that converts or answers Metacontroller; an install then finds all Functions."""
    installed.plane.kubectl("delete", "secret", "function-hook-tls", "-n", NAMESPACE, "--ignore-not-found")
    installed.install(*HELM_MODE, *ON)
    installed.wait_until_on()
    wait_until_ready(installed.stack, "default")
    wait_until(lambda: finalizers(installed), "Metacontroller's finalizer")
    installed.stack.processes.stop("hook")
    assert uninstall(installed) == "all Functions are released\n"
    installed.wait_until_off()
    assert finalizers(installed) == []
    installed.install(*HELM_MODE)
    wait_until(lambda: finalizers(installed), "Metacontroller's finalizer")
    create_function(installed.stack, "default", "later")
    wait_until_ready(installed.stack, "default", "later")


def finalizers(installed: Installed) -> list[str]:
    found = installed.stack.get("functions", "default", "hello")
    assert found is not None
    return list(found["metadata"].get("finalizers", ()))
