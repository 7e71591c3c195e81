"""Node.js 26, for tests of what an older Node.js on PATH lacks: installed once, from npm's package of it."""

import os
import platform
import subprocess
from functools import cache

import pytest
from support.go_tools import CACHE
from support.node.base_image import NODE_VERSIONS

VERSION = NODE_VERSIONS["26"]
MACHINES = {"x86_64": "x64", "aarch64": "arm64"}


@cache
def path() -> str:
    """Return a PATH whose `node` is Node.js 26; skip the test if it cannot be installed."""
    package = f"node-{platform.system().lower()}-{MACHINES.get(platform.machine(), platform.machine())}"
    folder = CACHE / f"node-{VERSION}"
    programs = folder / "node_modules" / package / "bin"
    if not (programs / "node").exists():
        command = ["npm", "install", "--no-audit", "--no-fund", f"--prefix={folder}", f"{package}@{VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"LEFT OUT: {package}@{VERSION} cannot be installed: {done.stderr}")
    return f"{programs}:{os.environ['PATH']}"
