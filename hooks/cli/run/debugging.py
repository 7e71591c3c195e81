"""Debuggers for `buildless run --debug`: debugpy for Python, the inspector for Node.js."""

import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from hooks.cli import debugger

FIRST_PORTS: Mapping[str, int] = {"nodejs": 9229, "python": 5678}
"""The ports that editors propose, by family."""


def free_port(family: str, taken: Iterable[int]) -> int:
    """Return the first port from the family's first one on that is neither taken nor in use; raises OSError."""
    for port in range(FIRST_PORTS[family], 65536):
        if port not in taken and _is_free(port):
            return port
    raise OSError("no free port for a debugger")


def environment(family: str, port: int, packages: Path | None, given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with which the server listens for a debugger; `packages` has debugpy."""
    if family == "nodejs":
        return {"NODE_OPTIONS": f"{given.get('NODE_OPTIONS', '')} --inspect=127.0.0.1:{port}".strip()}
    return {"PYTHONPATH": f"{Path(debugger.__file__).parent}:{packages}", "BUILDLESS_DEBUG_PORT": str(port)}


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
