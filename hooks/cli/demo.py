"""
Start the hook service, ask it about Functions as Metacontroller would, and show its answers.

The service stays up until Ctrl-C.

examples:
  buildless demo examples/*.yaml
  buildless demo hello.yaml --bind 127.0.0.1:8080 --config config.yaml
  buildless demo hello.yaml --once
"""

import argparse
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from hooks.children import KINDS
from hooks.cli import settings, tree
from hooks.cli.files import Document, functions
from hooks.cli.render import completed
from hooks.cli.serve import address

START_SECONDS = 30


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="YAML or JSON; - is standard input")
    parser.add_argument("--bind", type=address, metavar="HOST:PORT", help="default: a free port of 127.0.0.1")
    parser.add_argument("--config", metavar="FILE", help="settings laid over the defaults")
    parser.add_argument("--once", action="store_true", help="end when the answers are shown")


def run(args: argparse.Namespace) -> int:
    """Show one tree for each Function; return 1 if the service refused one."""
    settings.read(args.config)
    found, problems = functions(args.files)
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
        return 1
    bind = args.bind or f"127.0.0.1:{_free_port()}"
    with _interruptible(), _service(bind, args.config) as process:
        refused = [document for document in found if not _show(bind, document)]
        if not args.once:
            print(f"The hook listens on http://{bind} (POST /v1/sync). Ctrl-C ends it.", flush=True)
            while process.poll() is None:  # a signal just before a wait without end would be heard only after it
                time.sleep(0.2)
    return 1 if refused else 0


def _show(bind: str, document: Document) -> bool:
    """Send one Function to the service and draw the answer; return whether it was accepted."""
    name = document.value.get("metadata", {}).get("name", "?")
    code, answer = _call(bind, "POST", "/v1/sync", _envelope(document))
    if code == http.HTTPStatus.OK:
        print(*tree.lines(f"{name} ({document.file})", answer), sep="\n", end="\n\n")
    else:
        print(f"{name} ({document.file}): answered with {code}: {answer.get('error')}", end="\n\n")
    return code == http.HTTPStatus.OK


def _envelope(document: Document) -> dict[str, Any]:
    """Return what Metacontroller sends for a Function that it sees for the first time."""
    children: dict[str, Any] = {kind.group: {} for kind in KINDS.values()}
    parent = completed(document.value)
    return {"controller": {}, "parent": parent, "children": children, "related": {}, "finalizing": False}


def _call(bind: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Make one HTTP request; return the code and the decoded answer."""
    connection = http.client.HTTPConnection(bind, timeout=10)
    headers = {"Content-Type": "application/json"}
    with contextlib.closing(connection):
        connection.request(method, path, json.dumps(body).encode() if body else None, headers)
        response = connection.getresponse()
        text = response.read()
    return response.status, json.loads(text) if body else text


@contextlib.contextmanager
def _service(bind: str, config: str | None) -> Iterator[subprocess.Popen[bytes]]:
    """Run `buildless serve` until the end of the block, in a session of its own so that Ctrl-C is ours alone."""
    command = [sys.executable, "-m", "hooks.cli", "serve", "--bind", bind]
    command += ["--config", config] if config else []
    environment = os.environ | {"GUNICORN_CMD_ARGS": "--log-level warning"}
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        _wait_until_ready(bind, process)
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(bind: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if _call(bind, "GET", "/readyz")[0] == http.HTTPStatus.OK:
                return
        time.sleep(0.05)
    sys.exit(f"The hook did not start on {bind}.")


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """End the block quietly at Ctrl-C, or when asked to stop; nothing interrupts how it ends."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(*_: Any) -> None:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, interrupt)
    with contextlib.suppress(KeyboardInterrupt):
        yield


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
