"""The servers that are compared: this project's, and Kyma's from a checkout of kyma-project/serverless."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from local.differential.asking import ask
from local.differential.backend import Backend
from support import runtime_servers as own
from support.ports import free_port

from hooks.cli import runtime_cache

HERE = Path(__file__).parent
KYMA = {"python": "python312", "nodejs": "nodejs22"}
# What a pod has in both, with limits small enough to be reached.
ENV = {
    "FUNC_NAME": "hello",
    "SERVICE_NAMESPACE": "demo",
    "FUNC_TIMEOUT": "3",
    "FUNC_MEMFILE_MAX": "100000",
    "REQ_MB_LIMIT": "0.1",
    "OTEL_PROPAGATORS": "tracecontext,baggage,b3multi",
    "GREETING": "hello",
    "MOUNTED": str(HERE / "mounted.txt"),
}
# Kyma's servers listen on 8080 everywhere; a copy takes the port from the environment.
PORTS = {
    "python": ("server.py", "func_port = 8080", 'func_port = int(os.environ["FUNC_PORT"])'),
    "nodejs": ("server.mjs", "const funcPort = 8080", "const funcPort = Number(process.env.FUNC_PORT)"),
}


def _env(family: str, backend: Backend, given: dict[str, str]) -> dict[str, str]:
    return ENV | {"FUNC_RUNTIME": KYMA[family]} | backend.env | {name: str(value) for name, value in given.items()}


def _handlers(family: str, folder: Path, given: dict[str, str]) -> dict[str, str]:
    if family == "python":
        return {"FUNCTION_PATH": str(folder)}
    return {"HANDLER_PATH": str(folder / given.get("HANDLER_FILE", "handler.js"))}


@contextlib.contextmanager
def ours(family: str, backend: Backend, given: dict[str, str]) -> Iterator[int]:
    """Start this project's server with the handlers of this suite; yields its port."""
    root = own.layout(family)
    shutil.copytree(HERE / family, root / "differential", dirs_exist_ok=True)
    env: dict[str, Any] = _env(family, backend, given) | _handlers(family, root / "differential", given)
    with own.started(family, **env) as server:
        yield server.port


Start = Callable[[str, Backend, dict[str, str]], AbstractContextManager[int]]
# A row with this variable is about what happens first in a process: its server answers nothing else.
FRESH = "FRESH"


class Running:
    """Servers that `start` starts, one for each language and environment, when a row first needs one."""

    def __init__(self, start: Start, backend: Backend, stack: contextlib.ExitStack) -> None:
        self.start = start
        self.backend = backend
        self.stack = stack
        self.ports: dict[tuple[Any, ...], int] = {}

    def ask(self, family: str, row: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a row."""
        env = row.get("env", {})
        if FRESH in env:
            with self.start(family, self.backend, env) as port:
                return ask(port, row, self.backend)
        key = (family, *sorted(env.items()))
        if key not in self.ports:
            self.ports[key] = self.stack.enter_context(self.start(family, self.backend, env))
        return ask(self.ports[key], row, self.backend)


class Kyma:
    """Kyma's servers, copied from `checkout` to a directory of their own with all that they require."""

    def __init__(self, checkout: Path) -> None:
        self.checkout = checkout
        self.work = Path(tempfile.gettempdir()) / "kyma-servers"

    @contextlib.contextmanager
    def started(self, family: str, backend: Backend, given: dict[str, str]) -> Iterator[int]:
        """Start the server of a family; yields its port when it answers with the handler loaded."""
        root = self.installed(family)
        shutil.copytree(HERE / family, root / "function", dirs_exist_ok=True)
        port = free_port()
        paths = _handlers(family, root / "function", given)
        known = {"PATH": os.environ["PATH"], "HOME": tempfile.gettempdir(), "FUNC_PORT": str(port)}
        command = [str(root / "venv/bin/python"), "server.py"] if family == "python" else ["node", "server.mjs"]
        with (root / "log").open("w") as log:
            process = subprocess.Popen(
                command,
                cwd=root,
                env=known | paths | _env(family, backend, given),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait(process, port, backend)
            yield port
        finally:
            process.kill()
            process.wait()

    def _wait(self, process: subprocess.Popen[bytes], port: int, backend: Backend) -> None:
        row = {"ask": {"path": "/basic"}}
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if ask(port, row, backend).get("body") == "hello from a function":
                return
            time.sleep(0.2)
        raise AssertionError(f"the server of Kyma did not start; see the logs below {self.work}")

    def installed(self, family: str) -> Path:
        """Return the directory of a copy of the server with its packages; it listens on FUNC_PORT."""
        root = self.work / KYMA[family]
        shutil.copytree(self.checkout / "components/runtimes" / KYMA[family], root, dirs_exist_ok=True)
        name, listens, by_environment = PORTS[family]
        text = (root / name).read_text(encoding="utf-8")
        if listens not in text:
            raise AssertionError(f"{name} of Kyma listens in another way than this script knows: {listens}")
        (root / name).write_text(text.replace(listens, by_environment), encoding="utf-8")
        if family == "python" and not (root / "venv/bin/bottle.py").exists():
            _run(root, runtime_cache.nearest_python(), "-m", "venv", "venv")
            _run(root, "venv/bin/pip", "install", "--quiet", "--requirement", "requirements.txt")
        if family == "nodejs" and not (root / "node_modules").exists():
            _run(root, "npm", "install", "--no-audit", "--no-fund")
        return root


def _run(root: Path, *command: str) -> None:
    print(*command, file=sys.stderr)
    subprocess.run(command, cwd=root, check=True, stdout=sys.stderr)
