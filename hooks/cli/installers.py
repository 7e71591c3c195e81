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
_OBJECT = re.compile(r"<[A-Za-z_.0-9]+ object at 0x[0-9a-f]+>: ")
_LEFT_OUT = re.compile(
    r"complete log of this run|^npm (?:error|ERR!) *(?:\Z|\}|/?\S*-debug-0\.log|at |errno |[a-z]+: ['0-9].*,?\Z)"
)
"""Lines of npm without a cause: a log that is removed, a stack, and the properties of an error that it has named."""
_NETWORK = re.compile(
    r"ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|CERT|certificate|[Cc]onnection|connect error|tunnel|proxy"
)
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "PIP_INDEX_URL", "UV_INDEX_URL")


class Unavailable(Exception):
    """
    The server of a family cannot run here; the message names what is missing.

    `is_network` is whether a package registry could not be reached.
    """

    def __init__(self, message: str, *, is_network: bool = False) -> None:
        super().__init__(message)
        self.is_network = is_network


def install_packages(python: str, lock: Path, *more: str) -> None:
    """Install the packages of a lock for `python`: with uv, which takes a tenth of pip's time, or with pip."""
    packages = ("--quiet", "--require-hashes", *more, "--requirement", str(lock))
    failed = None
    if uv := _uv():
        try:
            run(uv, "pip", "install", "--python", python, *packages)
        except Unavailable as error:  # a mirror may be configured for pip only
            failed = error
            print("uv failed, trying pip ...", file=sys.stderr, flush=True)
        else:
            return
    try:
        run(python, "-m", "pip", "install", "--disable-pip-version-check", "--retries=1", *packages)
    except Unavailable as error:
        raise _both(failed, error) if failed else error from None


def _both(first: Unavailable, second: Unavailable) -> Unavailable:
    """Return the first of two failures if no registry could be reached for either, else both."""
    if first.is_network and second.is_network:
        return first
    return Unavailable(f"{first}\n{second}", is_network=second.is_network)


def _uv() -> str | None:
    """Return uv beside this interpreter, the one that runs this (uvx), or the one on PATH."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else os.environ.get("UV") or shutil.which("uv")


def run(*command: str, programs: Path | None = None) -> None:
    """
    Run an installer, with the directory `programs` first on PATH.

    Raises Unavailable with the installer's own words if it fails.
    """
    path = os.environ.get("PATH", os.defpath)
    env = os.environ | {"UV_HTTP_RETRIES": os.environ.get("UV_HTTP_RETRIES", "1")}
    env |= {"PATH": f"{programs}:{path}"} if programs else {}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if result.returncode:
        output = result.stderr or result.stdout
        text = "\n".join((f"{Path(command[0]).name} failed with exit code {result.returncode}:", *own_words(output)))
        raise Unavailable(text, is_network=bool(_NETWORK.search(output)))


def own_words(output: str) -> list[str]:
    """
    Return the first different lines of an installer's messages, without users in URLs, and a hint for network errors.

    The cause is at the beginning; npm's log file is removed with the directory of the installation.
    """
    found = [_OBJECT.sub("", _USER.sub("//***@", line.strip())).removesuffix(" {") for line in output.splitlines()]
    words = [line for line in dict.fromkeys(found) if line and not _LEFT_OUT.search(line)][:MAX_LINES]
    if _NETWORK.search(output):
        proxies = [name for name in _PROXIES if os.environ.get(name)]
        words.append(f"is the package registry reachable? {_settings(proxies)}")
    return words


def _settings(names: list[str]) -> str:
    return f"set in this shell: {', '.join(names)}" if names else "a proxy would be set with HTTPS_PROXY"
