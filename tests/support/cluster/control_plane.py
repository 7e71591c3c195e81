"""
A control plane on loopback: etcd, kube-apiserver and kube-controller-manager, with an audit log.

The programs come from KUBEBUILDER_ASSETS, the convention of setup-envtest. stop() ends all of them.
"""

import contextlib
import functools
import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from support.cluster.processes import Processes
from support.ports import free_port

USERS = {"admin": "system:masters", "metacontroller": "system:masters", "kube-controller-manager": "system:masters"}
USERS |= {"source-controller": "system:masters", "bound": ""}
"""Users and their groups: "bound" has the permissions of its bindings only, every other user has all."""
CONTROLLERS = ("deployment", "replicaset", "garbage-collector", "namespace", "clusterrole-aggregation")
AUDIT_POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"]}
LONGEST_LINE = 100_000
"""Bytes of an audit event, at most."""
WRITES = {"create", "update", "patch", "delete", "deletecollection"}

Manifest = dict[str, Any]


class ControlPlane:
    """
    An API server and its controllers; `kubectl` and `call` act as admin, other programs use `kubeconfig(user)`.

    `users` are accounts with their groups, and `environment` has additional variables of the API server.
    """

    def __init__(
        self,
        assets: Path,
        directory: Path,
        *flags: str,
        users: Mapping[str, str] = USERS,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.assets, self.directory, self.flags, self.users = assets, directory, flags, users
        self.environment = environment
        self.port = free_port()
        self.url, self.headers = f"https://127.0.0.1:{self.port}", {"Authorization": "Bearer admin-token"}
        self.audit_log = directory / "audit.log"
        self.processes = Processes(directory)

    def start(self) -> None:
        """Start all three programs and wait until the API server is ready."""
        etcd, peer = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
        self._write_files()
        self.processes.start("etcd", [self.assets / "etcd", *_etcd_flags(self.directory, etcd, peer)])
        server: list[str | Path] = [self.assets / "kube-apiserver", *self._server_flags(etcd)]
        self.processes.start("kube-apiserver", server, **self.environment)
        wait_until(self.is_ready, "the API server to be ready", 90)
        names = ",".join(f"{name}-controller" for name in CONTROLLERS)
        flags = [f"--kubeconfig={self.kubeconfig('kube-controller-manager')}", f"--controllers={names}"]
        flags += ["--leader-elect=false", "--secure-port=0"]  # nothing reads its metrics
        self.processes.start("kube-controller-manager", [self.assets / "kube-controller-manager", *flags])

    def stop(self) -> None:
        self.processes.stop_all()

    def is_ready(self) -> bool:
        """Return whether the API server serves requests."""
        return self.kubectl("get", "--raw", "/readyz", check=False) == "ok"

    def kubeconfig(self, user: str) -> Path:
        return self.directory / f"{user}.kubeconfig"

    def kubectl(self, *arguments: str, stdin: Any = None, check: bool = True) -> str:
        """Run kubectl as admin with JSON `stdin`; return its output, with check=False also its errors."""
        command = [str(self.assets / "kubectl"), f"--kubeconfig={self.kubeconfig('admin')}", *arguments]
        text = None if stdin is None else json.dumps(stdin)
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout if check else done.stdout + done.stderr

    def call(self, method: str, path: str, body: Any = None, *, kind: str = "application/json") -> tuple[int, Manifest]:
        """
        Send one request as admin; return the HTTP status and the decoded response.

        The response to a path that the API server does not serve is text: it is returned as {"message": text}.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = self.headers | {"Content-Type": kind}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, context=no_checks(), timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _decoded(error.read())

    def writes(self, since: int, user: str = "metacontroller") -> Counter[str]:
        """Count the user's writes since byte `since` of the audit log, by "verb resource namespace/name"."""
        return Counter(f"{event['verb']} {what}" for event, what in self.events(since, user) if event["verb"] in WRITES)

    def events(self, since: int, user: str = "metacontroller") -> list[tuple[Manifest, str]]:
        """Return the user's audit events since then, but those on events and leases; each as in requests()."""
        left_out = ("events ", "leases ")
        return [(event, what) for event, what in self.requests(since, user) if not what.startswith(left_out)]

    def requests(self, since: int, user: str) -> Iterator[tuple[Manifest, str]]:
        """Yield the user's audit events on resources, each with "resource/subresource namespace/name"."""
        with self.audit_log.open("rb") as log:
            log.seek(since)
            for line in log:
                if not line.endswith(b"\n"):
                    break  # the API server is writing it
                try:
                    event = json.loads(line)
                except json.JSONDecodeError:
                    continue  # cut off when the API server was killed
                target = event.get("objectRef", {})
                if event["user"]["username"] == user and "resource" in target:
                    resource = "/".join(filter(None, (target["resource"], target.get("subresource"))))
                    yield event, f"{resource} {target.get('namespace')}/{target.get('name')}"

    def mark(self) -> int:
        """Return the byte of the audit log at which its last complete line ends."""
        with self.audit_log.open("rb") as log:
            start = log.seek(max(0, log.seek(0, os.SEEK_END) - LONGEST_LINE))
            return start + log.read().rfind(b"\n") + 1

    def _write_files(self) -> None:
        policy = AUDIT_POLICY | {"rules": [{"level": "Metadata"}]}
        (self.directory / "audit.yaml").write_text(json.dumps(policy))
        names = {"kube-controller-manager": "system:kube-controller-manager"}
        lines = [f"{user}-token,{names.get(user, user)},{user},{group}" for user, group in self.users.items()]
        (self.directory / "tokens.csv").write_text("\n".join(lines) + "\n")
        openssl = ["openssl", "genrsa", "-out", str(self.directory / "sa.key"), "2048"]
        subprocess.run(openssl, check=True, capture_output=True)
        for user in self.users:
            self.kubeconfig(user).write_text(json.dumps(self._kubeconfig(user)))

    def _kubeconfig(self, user: str) -> Manifest:
        cluster = {"server": self.url, "insecure-skip-tls-verify": True}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "it",
            "clusters": [{"name": "it", "cluster": cluster}],
            "users": [{"name": "it", "user": {"token": f"{user}-token"}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        }

    def _server_flags(self, etcd: str) -> list[str]:
        return [
            f"--etcd-servers={etcd}",
            f"--secure-port={self.port}",
            "--bind-address=127.0.0.1",
            f"--cert-dir={self.directory}/tls",
            f"--token-auth-file={self.directory}/tokens.csv",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.directory}/sa.key",
            f"--service-account-signing-key-file={self.directory}/sa.key",
            "--service-cluster-ip-range=10.96.0.0/12",
            # As on most clusters: Pod Security decides which pods may be privileged.
            "--allow-privileged=true",
            # No controller creates the default ServiceAccount, and no pod is started.
            "--disable-admission-plugins=ServiceAccount",
            f"--audit-policy-file={self.directory}/audit.yaml",
            f"--audit-log-path={self.audit_log}",
            *self.flags,
        ]


def find_assets() -> Path | None:
    """Return the directory of the control plane's programs, None if one is missing."""
    directory = os.environ.get("KUBEBUILDER_ASSETS")
    names = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
    found = directory and all(shutil.which(name, path=directory) for name in names)
    return Path(directory).absolute() if directory and found else None


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 30, interval: float = 0.1) -> Any:
    """
    Call `condition` until it returns a true value, and return that; fail with `what` after `seconds`.

    OSError, KeyError, IndexError and TypeError count as false: an object may not exist yet, or lack its status.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, KeyError, IndexError, TypeError):
            if value := condition():
                return value
        time.sleep(interval)
    raise AssertionError(f"waited {seconds} s for {what}")


def _decoded(body: bytes) -> Manifest:
    try:
        found: Manifest = json.loads(body)
    except ValueError:
        return {"message": body.decode(errors="replace").strip()}
    return found


def _etcd_flags(directory: Path, client: str, peer: str) -> list[str]:
    return [
        f"--data-dir={directory}/etcd",
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
    ]


@functools.cache
def no_checks() -> ssl.SSLContext:
    """Return a context that trusts any certificate: the API server's own is self-signed and for loopback only."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
