"""Opens the port. It imports almost nothing, since the port is open before the rest of the server is loaded."""

import os
import socket

PORT = 8080
BACKLOG = 511


def listen() -> socket.socket:
    """Return a listening socket: on all addresses at 8080 or, for a local run, on 127.0.0.1 at FUNC_PORT."""
    if port := os.environ.get("FUNC_PORT"):
        return socket.create_server(("127.0.0.1", int(port)), backlog=BACKLOG)
    if socket.has_dualstack_ipv6():
        return socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG)
    return socket.create_server(("0.0.0.0", PORT), backlog=BACKLOG)
