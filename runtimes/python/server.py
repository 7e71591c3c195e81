"""
The start file: scripts run `python server.py`. Kept this small since a script's own bytecode is never cached.

The port is open before anything is loaded: a kubelet's first probe then waits for the handler and makes the pod Ready
the moment it is loaded, where a refused one would be repeated only a second later.
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
