"""
The entry point: start scripts run `python server.py`. It is small because Python caches no bytecode of a script.

The port is open before anything else is loaded. The kubelet's first probe then waits until the handler is loaded, and
the pod is Ready at once; the kubelet would repeat a probe that failed to connect only a second later.
"""

import os
import sys

# The packages that a Function has installed come first for its handler, but not for the server.
given = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
sys.path[:] = [path for path in sys.path if path not in given]

from function_server.listener import listen  # noqa: E402

if __name__ == "__main__":
    listener = listen()
    from function_server import replaceable
    from function_server.serve import main

    replaceable.own_paths[:] = given
    main(listener)
