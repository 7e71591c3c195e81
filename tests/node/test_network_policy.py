"""network_policy.enforced(): policies are enforced inside the block, and not afterwards."""

from pathlib import Path

import pytest
from support.cluster.control_plane import Manifest, wait_until
from support.node import network_policy
from support.node.network_policy import pod, reaches
from support.node.testbed import Functions

SERVER = "from http.server import *; HTTPServer(('', 8080), SimpleHTTPRequestHandler).serve_forever()"
CLIENT = "import time; time.sleep(10_000)"
PROBE = {"httpGet": {"path": "/?probe", "port": 8080}, "periodSeconds": 1}
ONLY_FRIENDS = {
    "podSelector": {"matchLabels": {"app": "server"}},
    "policyTypes": ["Ingress"],
    "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "friend"}}}], "ports": [{"port": 8080}]}],
}
NO_EGRESS = {"podSelector": {"matchLabels": {"app": "friend"}}, "policyTypes": ["Egress"]}


class Pods:
    """A server behind a Service, and two pods that call it."""

    def __init__(self, functions: Functions) -> None:
        self.functions, self.plane, self.namespace = functions, functions.plane, functions.namespace
        self.create("/api/v1", "pods", pod("server", SERVER, {"app": "server"}, readinessProbe=PROBE))
        self.create("/api/v1", "pods", pod("friend", CLIENT, {"app": "friend"}))
        self.create("/api/v1", "pods", pod("stranger", CLIENT, {"app": "stranger"}))
        ports = [{"port": 80, "targetPort": 8080}]
        service = {"metadata": {"name": "server"}, "spec": {"selector": {"app": "server"}, "ports": ports}}
        self.create("/api/v1", "services", service)
        self.plane.kubectl("wait", "--for=condition=Ready", "pod", "--all", f"-n={self.namespace}", "--timeout=50s")

    def create(self, api: str, resource: str, body: Manifest) -> None:
        code, answer = self.plane.call("POST", f"{api}/namespaces/{self.namespace}/{resource}", body)
        assert code == 201, answer

    def policy(self, name: str, spec: Manifest) -> None:
        """Create a NetworkPolicy."""
        self.create("/apis/networking.k8s.io/v1", "networkpolicies", {"metadata": {"name": name}, "spec": spec})

    def reaches(self, name: str, host: str | None = None, port: int = 80) -> bool:
        """Return whether a pod can open a connection, by default to the server's Service."""
        return reaches(self.plane, self.namespace, name, host or self.functions.address("server"), port)

    def probes(self) -> int:
        """Return the number of the kubelet's probes that the server has logged."""
        return self.plane.kubectl("logs", "server", f"-n={self.namespace}").count("GET /?probe")


@pytest.fixture
def pods(functions: Functions) -> Pods:
    return Pods(functions)


def test_ingress(pods: Pods, tmp_path: Path) -> None:
    """An ingress policy allows the pods that it names and the node, and no other pod; afterwards all can connect."""
    pods.policy("server", ONLY_FRIENDS)
    with network_policy.enforced(pods.plane, tmp_path):
        wait_until(lambda: not pods.reaches("stranger"), "the stranger's connection to be refused")
        assert pods.reaches("friend")
        assert pods.functions.get("server")[0] == 200
        before = pods.probes()
        wait_until(lambda: pods.probes() > before, "the kubelet's next probe")
    assert network_policy.rules() == []
    assert pods.reaches("stranger")


def test_egress(pods: Pods, tmp_path: Path) -> None:
    """An egress policy stops connections of the selected pod to pods and the API server, and of no other pod."""
    api = pods.plane.call("GET", "/api/v1/namespaces/default/services/kubernetes")[1]["spec"]["clusterIP"]
    pods.policy("friend", NO_EGRESS)
    with network_policy.enforced(pods.plane, tmp_path):
        wait_until(lambda: not pods.reaches("friend"), "the pod's connection to be refused")
        assert not pods.reaches("friend", api, 443)
        assert pods.reaches("stranger", api, 443)
        assert pods.reaches("stranger")
    assert pods.reaches("friend", api, 443)
