"""The port that callers wait at; nothing else, since it is opened before anything else is loaded."""

import os
import socket

PORT = 8080
BACKLOG = 511


def listen() -> socket.socket:
    """Return a listening socket: everywhere at 8080, or only on this machine at FUNC_PORT, for a local run."""
    if port := os.environ.get("FUNC_PORT"):
        return socket.create_server(("127.0.0.1", int(port)), backlog=BACKLOG)
    if socket.has_dualstack_ipv6():
        return socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG)
    return socket.create_server(("0.0.0.0", PORT), backlog=BACKLOG)
