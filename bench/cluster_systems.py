"""A control plane with nodes and a controller of Functions, and this hook under Metacontroller as that controller."""

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from support import go_tools
from support.cluster.control_plane import USERS, ControlPlane, find_assets, wait_until
from support.cluster.processes import Processes
from support.cluster.stack import ROOT, Stack
from support.ports import free_port

from bench.cluster_audit import Audit, policy

CONTROLLERS = "system:serviceaccounts"
"""The group of both controllers: as in a cluster, the API server's priority and fairness limits their requests."""
AUDITED = ["admin", "metacontroller", "kyma"]
CLIENT_LIMITS = ("--kube-api-qps=2000", "--kube-api-burst=2000")
"""Of kube-controller-manager and the scheduler: with their defaults of 20 and 50 they would be the slowest part."""
STAGES = Path(__file__).with_name("kwok.yaml")
PODS_PER_NODE = 500


class System(ABC):
    """A control plane with nodes played by kwok, and a controller of Functions."""

    name, user = "", ""
    restarts: tuple[str, ...] = ("kube-controller-manager", "kube-apiserver")
    """The programs that the benchmark restarts."""
    controllers: tuple[str, ...] = ()
    """The programs of the controller."""

    def __init__(self, directory: Path) -> None:
        assets = find_assets()
        assert assets is not None
        groups = {"metacontroller": CONTROLLERS, "kyma": CONTROLLERS, "kwok": "system:masters"}
        (directory / "bench-audit.yaml").write_text(json.dumps(policy(AUDITED)))
        self.plane = ControlPlane(
            assets,
            directory,
            f"--audit-policy-file={directory}/bench-audit.yaml",
            "--audit-log-maxsize=100000",
            # No controller removes the taint that this plugin sets on a new node.
            "--disable-admission-plugins=TaintNodesByCondition",
            users=USERS | {"kube-scheduler": "system:masters"} | groups,
        )
        self.stack = Stack(self.plane)
        self.audit = Audit(self.plane.audit_log)

    def start(self, pods: int) -> None:
        """Start everything, with nodes for so many pods."""
        self.plane.start()
        self.restart("kube-controller-manager", *CLIENT_LIMITS)
        scheduler = ["--leader-elect=false", f"--secure-port={free_port()}", *CLIENT_LIMITS]
        self.start_program("kube-scheduler", self.plane.assets / "kube-scheduler", "kubeconfig", *scheduler)
        for number in range(1 + pods // PODS_PER_NODE):
            self.plane.kubectl("create", "-f", "-", stdin=node(f"node-{number}"))
        self.start_program(
            "kwok", go_tools.program("kwok"), "kubeconfig", f"--config={STAGES}", "--manage-all-nodes=true"
        )
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": CONTROLLERS}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        binding: dict[str, Any] = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding"}
        binding |= {"metadata": {"name": "controllers"}, "subjects": [subject], "roleRef": role}
        self.plane.kubectl("create", "-f", "-", stdin=binding)
        self.install()

    @abstractmethod
    def install(self) -> None:
        """Install the CRD of Functions and start the controller."""

    def start_program(self, name: str, program: Path, kubeconfig: str, *flags: str) -> None:
        config = f"--{kubeconfig}={self.plane.kubeconfig(name)}"
        self.plane.processes.start(name, [program, config, *flags])

    def processes(self, name: str) -> Processes:
        """Return where a program runs."""
        return self.plane.processes if name in self.plane.processes.running else self.stack.processes

    def running(self) -> dict[str, int]:
        """Return the process id of each program."""
        both = self.plane.processes.running | self.stack.processes.running
        return {name: process.pid for name, process in both.items()}

    def restart(self, name: str, *flags: str) -> None:
        """Stop a program and start it with the same arguments, and these flags."""
        self.resume(name, self.pause(name), *flags)

    def pause(self, name: str) -> list[str]:
        """Stop a program; return its command."""
        processes = self.processes(name)
        command = processes.running[name].args
        assert isinstance(command, list)
        processes.stop(name)
        return [str(word) for word in command]

    def resume(self, name: str, command: list[str], *flags: str) -> None:
        own = self.stack.processes if name in self.controllers else self.plane.processes
        own.start(name, [*command, *flags], **self.environment())
        if name == "kube-apiserver":
            wait_until(lambda: self.plane.kubectl("get", "--raw", "/readyz", check=False) == "ok", "readyz", 90)

    def environment(self) -> dict[str, str]:
        return {}

    def sync_all(self) -> bool:
        """Cause a sync of every Function; return False if that is not possible."""
        return False

    def stop(self) -> None:
        self.stack.processes.stop_all()
        self.plane.stop()


class Buildless(System):
    """This hook under Metacontroller, with these numbers of workers and requests per second; `pods` are sent along."""

    user = "metacontroller"
    controllers = ("metacontroller", "hook")
    restarts = ("hook", "metacontroller", *System.restarts)
    syncs = 0

    def __init__(self, directory: Path, workers: int, qps: int, pods: bool) -> None:
        super().__init__(directory)
        self.without = () if pods else ("customize",)
        self.name = f"this hook, {workers} workers, {qps} requests/s{'' if pods else ', no pods'}"
        limits = (f"--workers={workers}", f"--client-go-qps={qps}", f"--client-go-burst={2 * qps}")
        kept = [flag for flag in self.stack.metacontroller_flags if not flag.startswith(("--workers", "--client"))]
        self.stack.metacontroller_flags = [*kept, *limits]

    def install(self) -> None:
        self.stack.install(without_hooks=self.without)
        self.stack.start_hook()
        self.stack.start_metacontroller()

    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(ROOT)}

    def sync_all(self) -> bool:
        self.syncs += 1
        self.stack.install_controller(without_hooks=self.without, query=f"?sync={self.syncs}")
        return True


def node(name: str) -> dict[str, Any]:
    """Return a node on which pods run as kwok plays them."""
    size = {"cpu": "10000", "memory": "100Ti", "pods": str(2 * PODS_PER_NODE)}
    metadata = {"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": {"kubernetes.io/os": "linux"}}
    status = {"capacity": size, "allocatable": size}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": status}
