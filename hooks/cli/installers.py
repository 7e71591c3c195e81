"""The installers of packages, uv, pip and npm, and what they say when they fail."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

MAX_LINES = 12
"""Of an installer that fails."""
_USER = re.compile(r"//[^/@\s]*+@")
_LEFT_OUT = re.compile(r"complete log of this run|^npm (?:error|ERR!) +(?:/?\S*-debug-0\.log|at )")
_NETWORK = re.compile(
    r"ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|CERT|certificate|[Cc]onnection|connect error|tunnel|proxy"
)
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "PIP_INDEX_URL", "UV_INDEX_URL")


class Unavailable(Exception):
    """The server of a family cannot run here; the message names what is missing."""


def install_packages(python: str, lock: Path, *more: str) -> None:
    """Install the packages of a lock for `python`: with uv, which takes a tenth of pip's time, or with pip."""
    packages = ("--quiet", "--require-hashes", *more, "--requirement", str(lock))
    if uv := _uv():
        try:
            run(uv, "pip", "install", "--python", python, *packages)
        except Unavailable as error:  # a mirror may be configured for pip only
            print(error, "trying pip ...", sep="\n", file=sys.stderr, flush=True)
        else:
            return
    run(python, "-m", "pip", "install", "--disable-pip-version-check", "--retries=1", *packages)


def _uv() -> str | None:
    """Return uv beside this interpreter, the one that runs this (uvx), or the one on PATH."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else os.environ.get("UV") or shutil.which("uv")


def run(*command: str) -> None:
    """Run an installer; raises Unavailable with the installer's own words if it fails."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        words = own_words(result.stderr or result.stdout)
        raise Unavailable("\n".join((f"{Path(command[0]).name} failed with exit code {result.returncode}:", *words)))


def own_words(output: str) -> list[str]:
    """
    Return the first different lines of an installer's messages, without users in URLs, and a hint for network errors.

    The cause is at the beginning; npm's log file is removed with the directory of the installation.
    """
    found = [_USER.sub("//***@", line.strip()) for line in output.splitlines()]
    words = [line for line in dict.fromkeys(found) if line and not _LEFT_OUT.search(line)][:MAX_LINES]
    if _NETWORK.search(output):
        proxies = [name for name in _PROXIES if os.environ.get(name)]
        words.append(f"is the package registry reachable? {_settings(proxies)}")
    return words


def _settings(names: list[str]) -> str:
    return f"set in this shell: {', '.join(names)}" if names else "a proxy would be set with HTTPS_PROXY"
