"""
A script: write the files of a tree of Git's into an empty directory, as the pod's init container does.

usage: unpack.py SERVERS DIRECTORY BYTES COMMAND...

COMMAND is the `git archive` that prints a tar.gz. SERVERS has python/function_server, whose checks apply: links must
stay inside, and all files together take at most half of BYTES, the size of the pod's volume. On failure the exit code
is 1 and the last line states the reason.
"""

import subprocess
import sys
from urllib.parse import urlsplit


def main() -> None:
    """Unpack, or exit with the reason."""
    servers, directory, size, *command = sys.argv[1:]
    sys.path.insert(0, f"{servers}/python")
    from function_server.fetch.failure import Failure  # noqa: PLC0415 - its place is an argument
    from function_server.fetch.settings import Settings  # noqa: PLC0415
    from function_server.fetch.unpack import unpack  # noqa: PLC0415

    half = int(size) // 2
    settings = Settings(
        url=urlsplit(""), digest="", path=(), label="", max_archive=half // 2, max_files=half, timeout=0
    )
    failure = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as git:
        try:
            if git.stdout:
                unpack(settings, git.stdout, directory)
        except Failure as error:
            failure = str(error)
            git.terminate()
    if git.returncode > 0:
        sys.exit(git.returncode)  # git has printed the reason
    if failure:
        sys.exit(failure)


if __name__ == "__main__":
    main()
