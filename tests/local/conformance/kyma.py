"""
Replays the table against one of Kyma's own servers, for whoever has a checkout of github.com/kyma-project/serverless
with its packages installed:

    PYTHONPATH=tests:. python -m local.conformance.kyma nodejs CHECKOUT/components/runtimes/nodejs22

A row's `answer` is what Kyma answers too, unless `kyma: {LANGUAGE: ...}` says what it answers instead. Prints each row
for which that is not so, and ends with 1 if there is one.
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from local.conformance.servers import Server
from local.test_conformance import ask

HERE = Path(__file__).parent
COMMANDS = {"nodejs": ["node", "server.mjs"], "python": [sys.executable, "server.py"]}


def main(family: str, checkout: str) -> int:
    rows = yaml.safe_load((HERE / "table.yaml").read_text(encoding="utf-8"))
    wrong = 0
    with kyma(family, Path(checkout)) as port:
        for row in rows:
            if row.get("only", family) != family:
                continue
            expected = row.get("kyma", {}).get(family, row["answer"])
            seen = answered(port, row["request"])
            if not agrees(seen, expected):
                wrong += 1
                print(f"{row['name']}: {seen}")
    return int(wrong > 0)


@contextlib.contextmanager
def kyma(family: str, checkout: Path) -> Iterator[int]:
    """Start a copy of the server, at a port of its own, with the handler of this directory."""
    root = Path(tempfile.mkdtemp())
    shutil.copytree(checkout, root / "app", symlinks=True)
    (root / "app/function").mkdir(exist_ok=True)
    (root / "app/function/package.json").write_text("{}")
    for path in (HERE / "handler.py", *HERE.glob("*.js")):
        shutil.copy(path, root / "app/function")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name in ("server.mjs", "server.py"):
        if (server := root / "app" / name).exists():
            server.write_text(re.sub(r"\b8080\b", str(port), server.read_text()))
    env = {"FUNC_NAME": "hello", "FUNC_TIMEOUT": "3", "HANDLER_PATH": "./function/handler.js"}
    process = subprocess.Popen(COMMANDS[family], cwd=root / "app", env=dict(os.environ, **env))
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                if answered(port, {"path": "/text"})[0] == 200:
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(root)


def answered(port: int, request: dict[str, Any]) -> tuple[int | str, dict[str, str | None], bytes]:
    try:
        return ask(Server(port, None, Path()), request)  # type: ignore[arg-type]
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__, {}, b""


def agrees(seen: tuple[int | str, dict[str, str | None], bytes], expected: dict[str, Any]) -> bool:
    status, headers, body = seen
    if status != expected.get("status", 200):
        return False
    if "text" in expected and body != expected["text"].encode("latin-1"):
        return False
    if "json" in expected and not _is_json(body, expected["json"]):
        return False
    for name, value in expected.get("headers", {}).items():
        found, wanted = (headers.get(name.lower()) or "").lower(), (value or "").lower()
        if found not in (wanted, f"{wanted}; charset=utf-8"):
            return False
    return True


def _is_json(body: bytes, value: Any) -> bool:
    with contextlib.suppress(ValueError):
        return bool(json.loads(body) == value)
    return False


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
