"""Runs the Jobs of the chart as a kubelet would, with the permissions of their ServiceAccounts."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from support.cluster.control_plane import ControlPlane, Manifest, wait_until
from support.cluster.stack import ROOT

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def run_job(plane: ControlPlane, namespace: str, name: str) -> str:
    """Wait for a Job, run its container's command, and report its result to the API server; return its output."""
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}"
    job = wait_until(lambda: _found(plane, path), f"Job {name}", 60)
    pod = job["spec"]["template"]["spec"]
    done = _run(plane, namespace, pod["serviceAccountName"], pod["containers"][0])
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    kinds = ("FailureTarget", "Failed") if done.returncode else ("SuccessCriteriaMet", "Complete")
    conditions = [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in kinds]
    status: Manifest = {"startTime": now, "conditions": conditions}
    if not done.returncode:
        status["completionTime"] = now
    code, answer = plane.call("PATCH", f"{path}/status", {"status": status}, kind="application/merge-patch+json")
    assert code == 200, answer
    return done.stdout + done.stderr


def _found(plane: ControlPlane, path: str) -> Manifest | None:
    code, found = plane.call("GET", path)
    return found if code == 200 else None


def _run(plane: ControlPlane, namespace: str, account: str, container: Manifest) -> "subprocess.CompletedProcess[str]":
    """Run `python -c CODE ARGS` with a token of the account in place of the pod's files."""
    directory = plane.directory / account
    directory.mkdir(exist_ok=True)
    (directory / "token").write_text(plane.kubectl("create", "token", account, "-n", namespace).strip())
    (directory / "ca.crt").write_bytes((plane.directory / "tls" / "apiserver.crt").read_bytes())
    python, option, code = container["command"]
    assert (Path(python).name, option) == ("python", "-c")
    assert ACCOUNT in code
    environment = {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(plane.port),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", code.replace(ACCOUNT, str(directory)), *container["args"]]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=290, check=False)
