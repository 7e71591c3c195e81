"""`buildless run` as a process, and Functions for it."""

import contextlib
import http.client
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

SECONDS = 60
HELLO = "def main(event, context):\n    return 'one'\n"


class Run:
    """A running `buildless run` and its `output` so far."""

    def __init__(self, folder: Path, *arguments: str, **env: str) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir(exist_ok=True)
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hooks.cli", "run", "--port", "18800", *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"TMPDIR": str(self.temporary)} | env,
            )

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, text: str, times: int = 1) -> None:
        wait_until(lambda: self.output.count(text) >= times or self.process.poll() is not None)
        assert self.output.count(text) >= times, self.output

    def url(self, name: str) -> str:
        """Return the port of a Function once it is ready."""
        self.wait_for(f"{name} | http://")
        port = re.findall(rf"^{name} \| http://127.0.0.1:(\d+)", self.output, re.MULTILINE)
        return str(port[-1])

    def get(self, name: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", int(self.url(name)), timeout=SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", "/")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


def wait_until(holds: Callable[[], bool], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.05)


def inside(folder: Path) -> list[Path]:
    """Return the processes with a working directory below `folder`, as directories of /proc."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder in (process / "cwd").readlink().parents:
                found.append(process)
    return found


def processes_of(folder: Path) -> list[Path]:
    """Return the processes with a variable that names a path below `folder`, as directories of /proc."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"={folder}".encode() in (process / "environ").read_bytes():
                found.append(process)
    return found


@contextlib.contextmanager
def running(folder: Path, *arguments: str, **env: str) -> Iterator[Run]:
    run = Run(folder, *arguments, **env)
    try:
        yield run
    finally:
        run.process.terminate()
        run.process.wait(SECONDS)


def function(
    name: str = "hello", source: str = HELLO, runtime: str = "python312", packages: str = "", **spec: object
) -> str:
    inline = {"source": source} | ({"dependencies": packages} if packages else {})
    return yaml.safe_dump(
        {
            "apiVersion": "serverless.kyma-project.io/v1alpha2",
            "kind": "Function",
            "metadata": {"name": name},
            "spec": {"runtime": runtime, "source": {"inline": inline}, **spec},
        }
    )
