"""
NetworkPolicies that hold: the firewall of kube-router, at work on this machine for as long as a test needs it.

A network of the bridge plugin accepts NetworkPolicies and lets everything pass. This machine has to be the node. What
it sends to its own pods, probes too, is always admitted, and a connection that is open already stays so. Rules follow
policies and pods a moment later: wait until a connection is refused before anything else is said of it.
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
from support.cluster.control_plane import ControlPlane, Manifest, Processes, wait_until

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
    """Let policies hold inside the block, and nothing of it be left behind; skips where that cannot be done."""
    if reason := missing():
        pytest.skip(f"LEFT OUT: {reason}")
    node = node_here(plane)
    if node is None:
        pytest.skip("LEFT OUT: this machine is not a node of the cluster")
    processes = Processes(directory)
    who = (f"--kubeconfig={plane.kubeconfig('admin')}", f"--hostname-override={node}")
    processes.start("kube-router", [go_tools.program("kube-router"), *FIREWALL_ONLY, *who])
    try:
        wait_until(rules, f"the rules of kube-router; see {directory}/kube-router.log")
        yield
    finally:
        processes.stop_all()
        remove_rules()


def missing() -> str | None:
    """Return what this machine lacks for a firewall, None if it lacks nothing."""
    if os.geteuid():
        return "only root can make a firewall"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"{', '.join(absent)} cannot be found" if absent else None


def node_here(plane: ControlPlane) -> str | None:
    """Return the name of the node that this machine is, None if it is none."""
    for node in plane.call("GET", "/api/v1/nodes")[1]["items"]:
        if any(is_ours(entry["address"]) for entry in node["status"]["addresses"] if entry["type"] == "InternalIP"):
            return str(node["metadata"]["name"])
    return None


def pod(name: str, script: str, labels: dict[str, str], **fields: Any) -> Manifest:
    """Return a pod that runs Python, and that Pod Security "restricted" admits."""
    container = {"name": "main", "image": IMAGE, "command": ["python3", "-c", script], "workingDir": "/tmp"}
    container["securityContext"] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    profile = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container | fields], "securityContext": profile, "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


def reaches(plane: ControlPlane, namespace: str, name: str, host: str, port: int, python: str = "python3") -> bool:
    """Say whether a pod that has Python can open a connection."""
    script = CONNECT.format(host=host, port=port)
    said = plane.kubectl("exec", name, f"-n={namespace}", "--", python, "-c", script).strip()
    assert said in ("open", "closed"), said
    return said == "open"


def is_ours(address: str) -> bool:
    """Say whether an address is one of this machine."""
    try:
        socket.create_server((address, 0)).close()
    except OSError:
        return False
    return True


def rules() -> list[str]:
    """Return what of the firewall stands in iptables and ipset."""
    said = output("iptables", "--wait", "--list-rules")
    return JUMP.findall(said) + CHAIN.findall(said) + SET.findall(output("ipset", "list", "-name"))


def remove_rules() -> None:
    """Take the firewall down in one step. kube-router's own --cleanup-config leaves it standing and crashes."""
    said = output("iptables", "--wait", "--list-rules")
    chains = CHAIN.findall(said)
    lines = ["*filter", *(f"-D {jump}" for jump in JUMP.findall(said))]
    lines += [*(f"-F {chain}" for chain in chains), *(f"-X {chain}" for chain in chains), "COMMIT\n"]
    subprocess.run(["iptables-restore", "--noflush", "--wait"], input="\n".join(lines), text=True, check=True)
    for name in SET.findall(output("ipset", "list", "-name")):
        subprocess.run(["ipset", "destroy", name], check=True)


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
