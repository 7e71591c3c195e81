"""
Enforced NetworkPolicies: the firewall of kube-router, which runs on this machine during a test.

The bridge plugin does not enforce NetworkPolicies. This machine must be the node. Its own connections to its pods, such
as probes, are always allowed, and open connections stay open. The rules follow policies and pods after a moment: wait
until a connection is refused before any other assertion.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import go_tools
from support.cluster.control_plane import ControlPlane, Manifest, wait_until
from support.cluster.processes import Processes

from hooks.config import Config

IMAGE = Config().image(Config().runtimes["python312"])
CONNECT = """
import socket
try:
    socket.create_connection(("{host}", {port}), 3).close()
    print("open")
except OSError:
    print("closed")
"""
PROGRAMS = ("iptables", "iptables-restore", "ipset")
FIREWALL_ONLY = ("--run-firewall=true", "--run-router=false", "--run-service-proxy=false", "--run-loadbalancer=false",
                 "--enable-cni=false", "--health-port=0", "--metrics-port=0")  # fmt: skip
JUMP = re.compile(r"-A ((?:INPUT|FORWARD|OUTPUT) .*-j KUBE-ROUTER-\w+)")
CHAIN = re.compile(r"-N (KUBE-(?:ROUTER|POD-FW|NWPLCY)-\w+)")
SET = re.compile(r"KUBE-(?:SRC|DST)-\w+")


@contextlib.contextmanager
def enforced(plane: ControlPlane, directory: Path) -> Iterator[None]:
    """Enforce policies inside the block and remove all rules afterwards; skip the test if that is impossible."""
    if reason := missing():
        pytest.skip(f"LEFT OUT: {reason}")
    node = node_here(plane)
    if node is None:
        pytest.skip("LEFT OUT: this machine is not a node of the cluster")
    processes = Processes(directory)
    node_flags = (f"--kubeconfig={plane.kubeconfig('admin')}", f"--hostname-override={node}")
    processes.start("kube-router", [go_tools.program("kube-router"), *FIREWALL_ONLY, *node_flags])
    try:
        wait_until(rules, f"the rules of kube-router; see {directory}/kube-router.log")
        yield
    finally:
        processes.stop_all()
        remove_rules()


def missing() -> str | None:
    """Return why this machine cannot run the firewall, None if it can."""
    if os.geteuid():
        return "only root can run a firewall"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"{', '.join(absent)} not on PATH" if absent else None


def node_here(plane: ControlPlane) -> str | None:
    """Return the name of this machine's node, None if it is no node of the cluster."""
    for node in plane.call("GET", "/api/v1/nodes")[1]["items"]:
        if any(is_local(entry["address"]) for entry in node["status"]["addresses"] if entry["type"] == "InternalIP"):
            return str(node["metadata"]["name"])
    return None


def pod(name: str, script: str, labels: dict[str, str], **fields: Any) -> Manifest:
    """Return a pod that runs a Python script and conforms to Pod Security "restricted"."""
    container: Manifest = {"name": "main", "image": IMAGE, "command": ["python3", "-c", script], "workingDir": "/tmp"}
    container["securityContext"] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    profile = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container | fields], "securityContext": profile, "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


def reaches(plane: ControlPlane, namespace: str, name: str, host: str, port: int, python: str = "python3") -> bool:
    """Return whether a pod, whose image has Python, can open a connection."""
    script = CONNECT.format(host=host, port=port)
    result = plane.kubectl("exec", name, f"-n={namespace}", "--", python, "-c", script).strip()
    assert result in ("open", "closed"), result
    return result == "open"


def is_local(address: str) -> bool:
    """Return whether an address belongs to this machine."""
    try:
        socket.create_server((address, 0)).close()
    except OSError:
        return False
    return True


def rules() -> list[str]:
    """Return the firewall's rules, chains and sets in iptables and ipset."""
    listed = output("iptables", "--wait", "--list-rules")
    return JUMP.findall(listed) + CHAIN.findall(listed) + SET.findall(output("ipset", "list", "-name"))


def remove_rules() -> None:
    """Remove the firewall in one step; kube-router's own --cleanup-config crashes before it does."""
    listed = output("iptables", "--wait", "--list-rules")
    chains = CHAIN.findall(listed)
    lines = ["*filter", *(f"-D {jump}" for jump in JUMP.findall(listed))]
    lines += [*(f"-F {chain}" for chain in chains), *(f"-X {chain}" for chain in chains), "COMMIT\n"]
    subprocess.run(["iptables-restore", "--noflush", "--wait"], input="\n".join(lines), text=True, check=True)
    for name in SET.findall(output("ipset", "list", "-name")):
        subprocess.run(["ipset", "destroy", name], check=True)


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
