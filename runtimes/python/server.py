"""
The start file: scripts run `python server.py`. Kept this small since a script's own bytecode is never cached.

The port is open before anything is loaded: a kubelet's first probe then waits for the handler and makes the pod Ready
the moment it is loaded, where a refused one would be repeated only a second later.
"""

from function_server.listener import listen

if __name__ == "__main__":
    listener = listen()
    from function_server.serve import main

    main(listener)
