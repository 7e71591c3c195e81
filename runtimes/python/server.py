"""The start file: scripts run `python server.py`. Kept this small since a script's own bytecode is never cached."""

from function_server.serve import main

if __name__ == "__main__":
    main()
