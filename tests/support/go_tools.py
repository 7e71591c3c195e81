"""
Programs for tests that no Python package contains, built once from Go modules and kept in the user's cache.
They are built with BUILDLESS_ALL=1 only: a build can take a quarter of an hour.

A program of that name on PATH is not used, so that every run has the same version.
"""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from support.left_out import RUN_ALL

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "buildless" / "bin"
MODULES = {
    "actionlint": "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12",
    "buildx": "github.com/docker/buildx/cmd/buildx@v0.38.2",
    "helm3": "helm.sh/helm/v3/cmd/helm@v3.22.0",
    "helm4": "helm.sh/helm/v4/cmd/helm@v4.3.1",
    "kube-score": "github.com/zegl/kube-score/cmd/kube-score@v1.20.0",
    "kube-router": "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router@v2.1.0",
}


@cache
def program(name: str) -> Path:
    """Return the program from the cache; build it if it is missing, or skip the test if that is impossible."""
    module = MODULES[name]
    binary, version = Path(module.partition("@")[0]).name, module.partition("@")[2]
    built = CACHE / f"{name}-{version}"
    if built.exists():
        return built
    require_go(name)
    scratch = CACHE / f"{name}-{version}.unfinished"
    command = ["go", "install", "-buildvcs=false", module]
    done = subprocess.run(
        command, env=os.environ | {"GOBIN": str(scratch)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"LEFT OUT: {module} cannot be built: {done.stderr}")
    (scratch / binary).rename(built)
    scratch.rmdir()
    return built


def require_go(name: str) -> None:
    """Skip the test unless BUILDLESS_ALL is set and Go is installed."""
    if not RUN_ALL:
        pytest.skip(f"LEFT OUT: {name} is built with Go, with BUILDLESS_ALL=1 only")
    if shutil.which("go") is None:
        pytest.skip(f"LEFT OUT: go is not on PATH to build {name}")
