"""
An index of packages on this machine for pip, uv and npm, and the proxy through which it is https://index.example.

No name server knows that name, so a client reaches it only through the proxy.
"""

import base64
import contextlib
import hashlib
import io
import json
import ssl
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from support.left_out import require_program

HOST = "index.example"
NO_AUTHORITY = ("-addext", "basicConstraints=critical,CA:FALSE")


@dataclass
class Index:
    """`files` by path; `authorization`, if any, must be that of a request; `requested` has the paths of requests."""

    files: dict[str, bytes] = field(default_factory=dict)
    authorization: str = ""
    requested: list[str] = field(default_factory=list)
    url: str = ""

    def add_wheel(self, name: str, version: str) -> str:
        """Add an empty Python package; return its SHA-256."""
        file, content = f"{name}-{version}-py3-none-any.whl", _wheel(name, version)
        self.files[f"/simple/{name}/{file}"] = content
        page = self.files.get(f"/simple/{name}/", b"") + f'<a href="{file}">{file}</a>'.encode()
        self.files[f"/simple/{name}/"] = page
        return hashlib.sha256(content).hexdigest()

    def add_npm_package(self, name: str, version: str, origin: str) -> None:
        """Add a package whose program NAME writes the file ran-NAME; `origin` is the URL of the registry."""
        package = {"name": name, "version": version, "bin": {name: "./run.js"}}
        content = _tarball({"package.json": json.dumps(package), "run.js": _PROGRAM % name})
        tarball = f"/{name}/-/{name}-{version}.tgz"
        dist = {"tarball": f"{origin}{tarball}", "shasum": hashlib.sha1(content, usedforsecurity=False).hexdigest()}
        listed = {"name": name, "dist-tags": {"latest": version}, "versions": {version: package | {"dist": dist}}}
        self.files |= {f"/{name}": json.dumps(listed).encode(), tarball: content}


_PROGRAM = "#!/usr/bin/env node\nrequire('fs').writeFileSync('ran-%s', '');\n"


def basic(user: str, password: str) -> str:
    """Return the header Authorization of Basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@contextlib.contextmanager
def serving(index: Index, certificate: Path | None = None) -> Iterator[Index]:
    """Serve an index on a free port of this machine, set its `url`; with a certificate as the proxy of HOST."""
    server = _Server(index, certificate)
    index.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_certificate(folder: Path) -> Path:
    """Create a certificate of HOST, with its key in the same file; its authority is in `authority` beside it."""
    require_program("openssl")
    file = folder / "index.pem"
    authority, key, leaf_file = (str(folder / name) for name in ("authority", "key", "crt"))
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"]
    leaf = ["-CA", authority, "-CAkey", key, "-addext", f"subjectAltName=DNS:{HOST}"]
    for each in (
        [*make, "-subj", "/CN=authority", "-out", authority, "-keyout", key],
        [*make, "-subj", f"/CN={HOST}", "-out", leaf_file, "-keyout", str(file), *leaf, *NO_AUTHORITY],
    ):
        subprocess.run(each, check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(leaf_file).read_bytes())
    return file


class _Server(ThreadingHTTPServer):
    def __init__(self, index: Index, certificate: Path | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.index, self.certificate = index, certificate


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        index, path = self.server.index, self.path.partition("?")[0]
        index.requested.append(self.path)
        if index.authorization and self.headers["Authorization"] != index.authorization:
            self._answer(401, b"", ("WWW-Authenticate", "Basic"))
        else:
            self._answer(200 if path in index.files else 404, index.files.get(path, b""))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_CONNECT(self) -> None:
        self.server.index.requested.append(f"CONNECT {self.path}")
        self.send_response(200)
        self.end_headers()
        assert self.server.certificate
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.certificate)
        with context.wrap_socket(self.connection, server_side=True) as connection:
            _Handler(connection, self.client_address, self.server)

    def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        kind = "text/html" if self.path.endswith("/") else "application/octet-stream"
        for name, value in (*headers, ("Content-Type", kind), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def _wheel(name: str, version: str) -> bytes:
    content = io.BytesIO()
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = '{version}'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": f"{name}.py,,\n",
    }
    with zipfile.ZipFile(content, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(zipfile.ZipInfo(path), text)  # without a time, so that the hash is always the same
    return content.getvalue()


def _tarball(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size, member.mode = len(text), 0o755
            archive.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()
