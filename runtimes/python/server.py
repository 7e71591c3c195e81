"""
The entry point: start scripts run `python server.py`. It is small because Python caches no bytecode of a script.

The port is open before anything else is loaded. The kubelet's first probe then waits until the handler is loaded, and
the pod is Ready at once; the kubelet would repeat a probe that failed to connect only a second later.
"""

from function_server.listener import listen

if __name__ == "__main__":
    listener = listen()
    from function_server.serve import main

    main(listener)
