"""Remotes of Git over HTTP and HTTPS on loopback, served by `git http-backend`, and how remotes fail."""

import base64
import os
import ssl
import subprocess
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal, cast

from support.cluster.git_repository import ENVIRONMENT

ADVERTISEMENT = "application/x-git-upload-pack-advertisement"
Fault = Literal["hang", "deny", "garbage", "error"]
LONGEST_HANG = 300
"""Seconds after which a request that hangs ends, at most."""


class HttpRemote:
    """
    The repositories of a folder at `url`/NAME.git, until close().

    With `login` = (user, password) every request needs basic authentication, and the server has a certificate of a
    private authority, `ca`, in PEM: source-controller sends no password over plain HTTP. `faults` maps the NAME.git of
    a repository to how each request for it fails. `requests` counts the requests by NAME.git.
    """

    def __init__(self, folder: Path, login: tuple[str, str] | None = None) -> None:
        self.folder, self.login = folder, login
        self.faults: dict[str, Fault] = {}
        self.requests: Counter[str] = Counter()
        self.closed = threading.Event()
        self.server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"remote": self}))
        self.url, self.ca = f"http://127.0.0.1:{self.server.server_port}", ""
        if login:
            self._use_tls()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.closed.set()
        self.server.shutdown()
        self.server.server_close()

    def secret(self, **changes: str) -> dict[str, str]:
        """Return the data of the Secret for this remote, as text."""
        user, password = self.login or ("", "")
        return {"username": user, "password": password, "ca.crt": self.ca} | changes

    def is_allowed(self, header: str | None) -> bool:
        """Return whether a request with this Authorization header has the right password, if one is needed."""
        expected = base64.b64encode(":".join(self.login or ()).encode()).decode()
        return self.login is None or header == f"Basic {expected}"

    def _use_tls(self) -> None:
        authority, certificate = self.folder / "ca.pem", self.folder / "tls.pem"
        new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        _openssl(*new, "-subj", "/CN=private authority", "-keyout", f"{authority}.key", "-out", f"{authority}")
        signed = ["-CA", f"{authority}", "-CAkey", f"{authority}.key", "-addext", "subjectAltName=IP:127.0.0.1"]
        _openssl(*new, *signed, "-subj", "/CN=git", "-keyout", f"{certificate}.key", "-out", f"{certificate}")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, f"{certificate}.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url, self.ca = self.url.replace("http:", "https:"), authority.read_text()


class _Server(ThreadingHTTPServer):
    """Serves many fetches at once; a client that ends its connection early is no error."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """Print nothing."""


class _Handler(BaseHTTPRequestHandler):
    """Passes requests to `git http-backend`, a CGI program, or fails as the remote says."""

    remote: HttpRemote
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        repository = self.path.split("/")[1]
        self.remote.requests[repository] += 1
        fault = self.remote.faults.get(repository)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if fault == "hang":
            self.remote.closed.wait(LONGEST_HANG)
        elif fault == "deny" or not self.remote.is_allowed(self.headers.get("Authorization")):
            self._answer(401, b"no such user", {"WWW-Authenticate": 'Basic realm="git"'})
        elif fault == "error":
            self._answer(503, b"<html>try again later</html>", {"Content-Type": "text/html"})
        elif fault == "garbage":
            self._answer(200, b"\x00\xff<garbage>" * 9999, {"Content-Type": ADVERTISEMENT})
        else:
            self._serve(body)

    def _serve(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        variables = {
            "GIT_PROJECT_ROOT": str(self.remote.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            env=os.environ | ENVIRONMENT | variables,
            capture_output=True,
            check=False,
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(cast("tuple[str, str]", line.split(": ", 1)) for line in head.decode().splitlines())
        self._answer(int(headers.pop("Status", "200").split()[0]), content, headers)

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
