"""
Kyma's own operator and controller as processes beside the control plane of the tests.

Nothing here builds or fetches them. Kyma's sources contain all three: components/buildless-serverless/cmd is built as
`kyma-serverless` on PATH, components/operator as `kyma-serverless-operator` in the same folder, and
`../share/kyma-serverless` is a copy of config/.
"""

import json
import shutil
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import yaml
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.kyma_module import CONTROLLER, CRD, MODULE_CRD, OPERATOR, SYSTEM
from support.cluster.kyma_simulator import Simulator
from support.cluster.kyma_system import Kyma, is_ready
from support.cluster.processes import Processes
from support.cluster.stack import Stack
from support.ports import free_port

NAME = "kyma-serverless"
FIPS = "fips140=only,tlsmlkem=0"
"""GODEBUG in the operator's image, which does not start without it."""
REST = 300_000_000_000
"""Nanoseconds after which the controller looks again at a Function for which it has nothing left to do."""


def kyma(stack: Stack, trusted: Path | None = None) -> Kyma:
    """
    Return Kyma with its own programs if `kyma-serverless` is on PATH, else its simulator.

    `trusted` is a file with the certificates of authorities that Kyma trusts.
    """
    found = shutil.which(NAME)
    return Programs(stack, Path(found), trusted) if found else Simulator(stack)


class Programs(Kyma):
    """Kyma's operator and controller, each with the environment, files and permissions that its pod would have."""

    def __init__(self, stack: Stack, program: Path, trusted: Path | None = None) -> None:
        super().__init__(stack)
        self.processes = Processes(self.plane.directory)
        self.programs = {OPERATOR: program.with_name(f"{NAME}-operator"), CONTROLLER: program}
        self.sources = program.parent.parent / "share" / NAME
        self.trusted = {"SSL_CERT_FILE": str(trusted)} if trusted else {}
        self.ports = {OPERATOR: free_port(), CONTROLLER: free_port()}
        self.environment: dict[str, dict[str, str]] = {}
        """The variables with which a program was started last."""

    def install(self) -> None:
        """Install the operator, which installs the rest."""
        assert self.sources.is_dir(), f"{self.sources} is missing"
        self.plane.kubectl("create", "namespace", SYSTEM)
        self.plane.kubectl("apply", "--server-side", "-k", str(self.sources / "operator" / "base"))
        self.stack.wait_until_established(MODULE_CRD)
        self.plane.kubectl("apply", "-f", str(self.sources / "samples" / "default-serverless-cr.yaml"))
        self.follow_replicas()
        wait_until(lambda: self.replicas(CONTROLLER), "the operator to install the controller", 60)
        self.stack.wait_until_established(CRD)

    def follow_replicas(self) -> None:
        for name in (OPERATOR, CONTROLLER):
            is_wanted, is_running = bool(self.replicas(name)), name in self.processes.running
            if is_running and not is_wanted:
                self.processes.stop(name)
            elif is_wanted and not is_running:
                self.start(name)

    def settle(self, functions: list[tuple[str, str]]) -> None:
        assert self.is_running()
        self.follow_replicas()
        wait_until(lambda: self.has_own_crd() and all(self.is_settled(*each) for each in functions), "Kyma", 120)

    def interfere(self, namespace: str, name: str) -> None:
        function = self.stack.get("functions", namespace, name)
        assert function is not None
        before = {each["metadata"]["uid"] for each in self.deployments(function)}
        admin = {"KUBECONFIG": str(self.plane.kubeconfig("admin"))}
        self.processes.start(CONTROLLER, [self.programs[CONTROLLER]], **self.environment[CONTROLLER] | admin)
        wait_until(lambda: not before & {each["metadata"]["uid"] for each in self.deployments(function)}, "deletion")
        self.processes.stop(CONTROLLER)

    def stop(self) -> None:
        self.processes.stop_all()

    def has_own_crd(self) -> bool:
        """Return whether the CRD is that of the module, which has no field `startupTimeoutSeconds`."""
        _, crd = self.plane.call("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD}")
        return "startupTimeoutSeconds" not in json.dumps(crd["spec"])

    def is_settled(self, namespace: str, name: str) -> bool:
        """Return whether the controller's last reconciliation of a Function found everything as it should be."""
        function = self.stack.get("functions", namespace, name)
        assert function is not None
        found = self.deployments(function)
        return self.last_result(namespace, name) == REST and len(found) == 1 and is_ready(found[0])

    def last_result(self, namespace: str, name: str) -> int:
        """Return after how many nanoseconds the controller wants to look at a Function again, as its log says."""
        last = 0
        for line in self.processes.log(CONTROLLER).splitlines():
            if "reconciliation done" in line:
                done = json.loads(line)["context"]
                last = done["result"].get("RequeueAfter", 0) if done["request"] == f"{namespace}/{name}" else last
        return int(last)

    def start(self, name: str) -> None:
        """Start a program and mark the pods of its Deployment as ready when it is."""
        deployment = self.stack.get("deployments", SYSTEM, name)
        assert deployment is not None
        self.environment[name] = self.variables(name, deployment["spec"]["template"]["spec"])
        (self.plane.directory / f"{name}.log").unlink(missing_ok=True)
        address = f"127.0.0.1:{self.ports[name]}"
        flags = [f"--health-probe-bind-address={address}", "--metrics-bind-address=0"] if name == OPERATOR else []
        self.processes.start(name, [self.programs[name], *flags], **self.environment[name])
        wait_until(lambda: urllib.request.urlopen(f"http://{address}/readyz").status == 200, f"{name} to be ready", 60)
        self.stack.make_pods_ready(SYSTEM)

    def variables(self, name: str, pod: Manifest) -> dict[str, str]:
        """Return the variables of a program, with paths of files that have the content of the pod's ConfigMaps."""
        (container,) = pod["containers"]
        values = {each["name"]: each["value"] for each in container["env"] if "value" in each}
        for mount in container["volumeMounts"]:
            (volume,) = (each for each in pod["volumes"] if each["name"] == mount["name"])
            folder = self.plane.directory / f"{name}-{volume['name']}"
            self.write(volume["configMap"]["name"], folder)
            values = {key: value.replace(mount["mountPath"], str(folder)) for key, value in values.items()}
        own = {"CHART_PATH": str(self.sources / "buildless-serverless"), "SERVERLESS_MANAGER_UID": str(uuid.uuid4())}
        values |= own | {"GODEBUG": FIPS} if name == OPERATOR else self.trusted
        return values | {"KUBECONFIG": str(self.kubeconfig(pod["serviceAccountName"]))}

    def write(self, config_map: str, folder: Path) -> None:
        """Write the content of a ConfigMap, with ports of loopback and without leader election, into a folder."""
        folder.mkdir(exist_ok=True)
        _, found = self.plane.call("GET", f"/api/v1/namespaces/{SYSTEM}/configmaps/{config_map}")
        for file, text in found["data"].items():
            (folder / file).write_text(text if file == "log-config.yaml" else json.dumps(self.config(text)))

    def config(self, text: str) -> dict[str, Any]:
        ports = {key: f"127.0.0.1:{free_port()}" for key in ("metricsPort", "internalEndpointPort")}
        health = {"healthz": {"healthzPort": f"127.0.0.1:{self.ports[CONTROLLER]}"}}
        own = ports | health | {"leaderElectionEnabled": False, "secretMutatingWebhookPort": free_port()}
        return dict(yaml.safe_load(text)) | own

    def kubeconfig(self, account: str) -> Path:
        """Write a kubeconfig with a token of a ServiceAccount of the module."""
        config = json.loads(self.plane.kubeconfig("admin").read_text())
        token = self.plane.kubectl("create", "token", account, "-n", SYSTEM, "--duration=2h").strip()
        config["users"][0]["user"] = {"token": token}
        path = self.plane.kubeconfig(account)
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
        return path
