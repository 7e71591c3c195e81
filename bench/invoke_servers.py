"""
The servers that bench/invoke.py compares, and how each is installed and started with the same handler.

Peers are installed once, at the releases of PEERS, below $XDG_CACHE_HOME/buildless/peers (~/.cache/buildless/peers).
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.differential.servers import Kyma
from support.runtime_servers import COMMANDS

from hooks.cli import runtime_cache

PEERS = {
    "python": ("functions-framework==3.10.2", "uvicorn==0.54.0", "granian==2.8.9"),
    "nodejs": ("@google-cloud/functions-framework@5.0.5",),
}
CALLS = {
    "hello": (10, "/", None),
    "JSON echo": (10, "/", '{"name": "Ada", "values": [1, 2, 3, 4, 5], "nested": {"a": true, "b": null}}'),
    "1 MB": (4, "/", '{"data": "' + "x" * 999_000 + '"}'),
    "50 ms": (200, "/slow", None),
}
"""Connections, path and JSON body of each kind of call."""
BARE = ("hello",)
HANDLERS = {
    "handler.py": """
import time


def main(event, context):
    request = event["extensions"]["request"]
    if request.path == "/slow":
        time.sleep(0.05)
    return "hello" if request.method == "GET" else event["data"]
""",
    "handler.js": """
async function main(event) {
  if (event.extensions.request.path === '/slow') await new Promise((done) => setTimeout(done, 50));
  return event.data ?? 'hello';
}
module.exports = { main };
""",
    "framework.py": """
import time


def main(request):
    if request.path == "/slow":
        time.sleep(0.05)
    return request.get_json() if request.data else "hello"
""",
    "framework.js": """
exports.main = async (request, response) => {
  if (request.path === '/slow') await new Promise((done) => setTimeout(done, 50));
  if (request.method === 'POST') response.json(request.body);
  else response.send('hello');
};
""",
    "bare.mjs": """
import http from 'node:http';
http.createServer((_, response) => response.end('hello')).listen(Number(process.env.FUNC_PORT), '127.0.0.1');
""",
    "bare_asgi.py": """
async def app(scope, receive, send):
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})
""",
    "bare_wsgi.py": """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
""",
}


@dataclass(frozen=True, eq=False)
class Candidate:
    """A server: its command, in which PORT is replaced, its working directory and variables, and the calls it takes."""

    name: str
    command: tuple[str, ...]
    directory: Path
    env: dict[str, str]
    calls: tuple[str, ...] = tuple(CALLS)


def candidates(handlers: Path, kyma: Path | None) -> Iterator[Candidate]:
    """Write the handlers below `handlers`, and yield every server that can run here."""
    for name, text in HANDLERS.items():
        (handlers / name).write_text(text)
    yield from _node_servers(handlers, kyma)
    yield from _python_servers(handlers, kyma)


def _node_servers(handlers: Path, kyma: Path | None) -> Iterator[Candidate]:
    if not shutil.which("node"):
        print("LEFT OUT: every server of Node.js: node is not on PATH")
        return
    env = {"HANDLER_PATH": str(handlers / "handler.js"), "NODE_ENV": "production"}
    yield Candidate("Function, Node.js", ("node", "server.mjs"), _own_node_server(handlers), env)
    if kyma:
        env = {**env, "FUNC_RUNTIME": "nodejs22", "REQ_MB_LIMIT": "2"}
        yield Candidate("Kyma nodejs22", ("node", "server.mjs"), Kyma(kyma).installed("nodejs"), env)
    framework = str(_node_peers() / "node_modules/.bin/functions-framework")
    command = (framework, "--target=main", f"--source={handlers / 'framework.js'}", "--port=PORT")
    yield Candidate("functions-framework, Node.js", command, handlers, {"NODE_ENV": "production"})
    yield Candidate("node:http alone", ("node", "bare.mjs"), handlers, {}, BARE)


def _python_servers(handlers: Path, kyma: Path | None) -> Iterator[Candidate]:
    env = {"FUNCTION_PATH": str(handlers), "PYTHONUNBUFFERED": "1"}
    yield Candidate("Function, Python", tuple(COMMANDS["python"]()), runtime_cache.RUNTIMES / "python", env)
    if kyma:
        env = {**env, "FUNC_RUNTIME": "python312", "FUNC_MEMFILE_MAX": "2000000"}
        yield Candidate("Kyma python312", ("venv/bin/python", "server.py"), Kyma(kyma).installed("python"), env)
    programs = _python_peers() / "bin"
    framework = ("functions-framework", "--target=main", f"--source={handlers / 'framework.py'}", "--port=PORT")
    uvicorn = ("uvicorn", "--log-level=error", "--no-access-log", "--port=PORT", "bare_asgi:app")
    granian = ("granian", "--interface=wsgi", "--log-level=error", "--port=PORT", "bare_wsgi:app")
    yield Candidate("functions-framework, Python", (str(programs / framework[0]), *framework[1:]), handlers, {})
    yield Candidate("uvicorn alone", (str(programs / uvicorn[0]), *uvicorn[1:]), handlers, {}, BARE)
    yield Candidate("granian alone", (str(programs / granian[0]), *granian[1:]), handlers, {}, BARE)


def _own_node_server(place: Path) -> Path:
    """Return a copy of the Node.js server next to its packages."""
    copy = place / "nodejs"
    source = runtime_cache.RUNTIMES / "nodejs"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("node_modules"), dirs_exist_ok=True)
    if not (copy / "node_modules").exists():
        (copy / "node_modules").symlink_to(runtime_cache.node_modules())
    return copy


def _peers(family: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = cache / "buildless/peers" / "-".join((family, *PEERS[family])).replace("/", "-").replace("@", "")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _python_peers() -> Path:
    directory = _peers("python")
    if not (directory / "bin/granian").exists():
        subprocess.run([runtime_cache.nearest_python(), "-m", "venv", directory], check=True)
        subprocess.run([directory / "bin/pip", "install", "--quiet", *PEERS["python"]], check=True)
    return directory


def _node_peers() -> Path:
    directory = _peers("nodejs")
    if not (directory / "node_modules/.bin/functions-framework").exists():
        subprocess.run(["npm", "install", "--silent", "--prefix", directory, *PEERS["nodejs"]], check=True)
    return directory
