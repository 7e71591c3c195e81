"""Python imports this at start where the directory is on its path: it listens for a debugger."""

import os

if port := os.environ.pop("BUILDLESS_DEBUG_PORT", ""):  # processes that the handler starts would find the port taken
    import debugpy

    debugpy.listen(("127.0.0.1", int(port)))
