"""The cluster of KUBECONFIG, looked at through kubectl: for --existing-cluster."""

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from subprocess import run
from typing import Any

from control_plane import ControlPlane, Manifest


class ExistingCluster(ControlPlane):
    """Somebody's cluster: nothing is started or stopped, and there is no audit log to read."""

    def __init__(self) -> None:
        program = shutil.which("kubectl", path=f"{os.environ.get('KUBEBUILDER_ASSETS', '')}:{os.environ['PATH']}")
        assert program is not None, "--existing-cluster needs kubectl"
        assert os.environ.get("KUBECONFIG"), "--existing-cluster needs KUBECONFIG"
        self.assets, self.directory = Path(program).parent, Path.cwd()

    def kubeconfig(self, user: str) -> Path:  # noqa: ARG002 - whoever KUBECONFIG says
        return Path(os.environ["KUBECONFIG"]).absolute()

    def call(self, method: str, path: str, body: Any = None, *, kind: str = "application/json") -> tuple[int, Manifest]:  # noqa: ARG002
        """Make one request; kubectl tells no code, so a failure is a 404 with its message."""
        if method == "PATCH":
            return self._patch(path, body)
        verb = {"GET": "get", "POST": "create", "DELETE": "delete"}[method]
        extra = ["-f", "-"] if body is not None else []
        return self._run(verb, "--raw", path, *extra, body=body)

    def writes(self, since: int, user: str = "metacontroller") -> Counter[str]:
        raise NotImplementedError("there is no audit log")

    def _patch(self, path: str, body: Any) -> tuple[int, Manifest]:
        *_, namespace, resource, name = path.removesuffix("/status").split("/")
        flags = ["--subresource=status"] if path.endswith("/status") else []
        return self._run(
            "patch", resource, name, f"-n={namespace}", "--type=merge", f"-p={json.dumps(body)}", "-o=json", *flags
        )

    def _run(self, *arguments: str, body: Any = None) -> tuple[int, Manifest]:
        command = [str(self.assets / "kubectl"), f"--kubeconfig={self.kubeconfig('')}", *arguments]
        text = None if body is None else json.dumps(body)
        done = run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
        return (200, json.loads(done.stdout)) if done.returncode == 0 else (404, {"message": done.stderr})
