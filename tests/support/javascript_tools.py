"""TypeScript's compiler and the types of tools/javascript, installed once for each lock."""

import fcntl
import hashlib
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from support.cases import ROOT
from support.go_tools import CACHE

TOOLS = ROOT / "tools" / "javascript"


@cache
def node_modules() -> Path:
    """Return a directory node_modules with the packages of tools/javascript; skip the test if npm cannot install it."""
    if not shutil.which("npm"):
        pytest.skip("LEFT OUT: npm is not on PATH")
    digest = hashlib.sha256((TOOLS / "package-lock.json").read_bytes()).hexdigest()[:12]
    folder = CACHE / f"javascript-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # several processes of pytest run at a time
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            _install(folder)
    return folder / "node_modules"


def _install(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(TOOLS / name, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--silent", f"--prefix={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"LEFT OUT: the JavaScript tools cannot be installed: {done.stderr}")
    (folder / "done").touch()
