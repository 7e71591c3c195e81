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
        self.started: dict[str, tuple[Sequence[str | Path], dict[str, str]]] = {}

    def start(self, name: str, command: Sequence[str | Path], **environment: str) -> None:
        """Start a program under a name; its output is appended to NAME.log."""
        self.started[name] = command, environment
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

    def kill(self, name: str) -> None:
        """End one program at once, without a chance to finish anything."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def start_again(self, name: str) -> None:
        """Start a program that has ended, with the command and environment of the last time."""
        command, environment = self.started[name]
        self.start(name, command, **environment)

    def stop_all(self) -> None:
        for name in reversed(list(self.running)):
            self.stop(name)

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")
