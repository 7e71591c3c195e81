"""
The entry point of the init container `fetch-source`: `python fetch_source.py`, in the directory of the code.

SOURCE_URL names a tar.gz that Flux' source-controller serves; its directory SOURCE_PATH becomes the content of the
current directory. On failure the exit code is 1 and the last line, on standard error, states the reason; the kubelet
copies it to the pod's status.
"""

import os
import sys

from function_server.fetch.failure import Failure
from function_server.fetch.marker import is_complete
from function_server.fetch.settings import read_settings

if __name__ == "__main__":
    try:
        settings = read_settings(os.environ)
        if is_complete(settings):
            print(f"{settings.label} is here already")
        else:
            from function_server.fetch.directory import fill

            print(f"fetched {settings.label}: {fill(settings)} files")
    except Failure as failure:
        sys.exit(str(failure))
