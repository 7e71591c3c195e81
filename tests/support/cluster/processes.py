"""Programs that tests run in the background."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path


class Processes:
    """Programs that run in the background until stop(), each with its own log."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str | Path], **environment: str) -> None:
        """Start a program under a name; its output is appended to NAME.log."""
        with (self.logs / f"{name}.log").open("ab") as log:
            env = os.environ | environment
            self.running[name] = subprocess.Popen(
                [str(word) for word in command],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=env,
                cwd=self.logs,
            )

    def stop(self, name: str) -> None:
        """Terminate one program and wait until it has ended."""
        process = self.running.pop(name)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop_all(self) -> None:
        for name in reversed(list(self.running)):
            self.stop(name)

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")
