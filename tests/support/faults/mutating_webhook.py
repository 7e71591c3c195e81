"""A mutating admission webhook on loopback that changes objects on every write, as a policy engine does."""

import base64
import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from support.certificate import certificate

Manifest = dict[str, Any]
Change = Callable[[Manifest], Manifest]
"""Takes an object as it is written, and returns it as the policy wants it."""


class MutatingWebhook(ThreadingHTTPServer):
    """Listens on a free port until close(); `changes` has the change for each kind and name of an object."""

    daemon_threads = True

    def __init__(self, directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.certificate, key = certificate(directory, "webhook")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.changes: dict[tuple[str, str], Change] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def configuration(self, name: str, namespace: str) -> Manifest:
        """Return the configuration that makes the API server call it for every write of a child in the namespace."""
        rules = [
            {"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": [resource]}
            for group, resource in (("apps", "deployments"), ("", "services"))
        ]
        authority = base64.b64encode(self.certificate.read_bytes()).decode()
        webhook = {
            "name": f"{name}.example.com",
            "rules": rules,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "clientConfig": {"url": f"https://127.0.0.1:{self.server_address[1]}/", "caBundle": authority},
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
        }
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [webhook],
        }


class _Handler(BaseHTTPRequestHandler):
    server: MutatingWebhook

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        change = self.server.changes.get((request["kind"]["kind"], request["name"]))
        response = {"uid": request["uid"], "allowed": True}
        if change:
            response |= {"patchType": "JSONPatch", "patch": _patch(request["object"], change)}
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in BaseHTTPRequestHandler
        """Print nothing."""


def _patch(written: Manifest, change: Change) -> str:
    """Return the JSON patch for a change, which replaces spec, labels and annotations as a whole."""
    changed = change(written)
    before = {"/spec": written["spec"]} | {f"/metadata/{key}": written["metadata"].get(key) for key in _METADATA}
    after = {"/spec": changed["spec"]} | {f"/metadata/{key}": changed["metadata"].get(key) for key in _METADATA}
    patch = [{"op": "add", "path": path, "value": after[path]} for path in after if after[path] != before[path]]
    return base64.b64encode(json.dumps(patch).encode()).decode()


_METADATA = ("labels", "annotations")
