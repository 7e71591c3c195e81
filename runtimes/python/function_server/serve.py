"""
Start, drain, stop.

Callers wait at the open port until the handler is loaded, so whoever is answered is answered by the handler. At SIGTERM
every answer says `Connection: close` for a second, so that callers with open connections go elsewhere without a lost
request; then nothing new is taken, and what is running may finish.
"""

import os
import signal
import socket
import threading

import bottle

from function_server import handler, replaceable, settings, tracing
from function_server.app import App, own
from function_server.workers import Server

DRAIN_SECONDS = 1.0
FINISH_SECONDS = 20
"""Together with preStop and the drain below the 30 s after which the kubelet kills."""


def main(listener: socket.socket) -> None:
    """Serve at `listener` until SIGTERM or SIGINT; see handler.load() for a handler that cannot be loaded."""
    # A process with PID 1 ignores signals that it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    chosen = settings.read()
    bottle.BaseRequest.MEMFILE_MAX = chosen.body_limit
    replaceable.first()
    app = App(handler.load(), chosen)
    tracing.start()
    server = Server(listener, app, own, chosen)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _drain(server))
    server.run()


def _drain(server: Server) -> None:
    """Return at once; the server ends in the background. Safe to call twice."""
    if server.sender.draining:
        return
    server.drain()
    for seconds, action in ((DRAIN_SECONDS, server.stop), (DRAIN_SECONDS + FINISH_SECONDS, lambda: os._exit(1))):
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        timer.start()
