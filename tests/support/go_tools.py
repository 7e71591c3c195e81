"""
Programs for tests that no Python package contains, built once from Go modules and kept in the user's cache.
They are built with BUILDLESS_ALL=1 only: a build can take a quarter of an hour. `python -m support.go_tools NAME`
builds one ahead of the tests.

A program of that name on PATH is not used, so that every run has the same version. Go compares each module with its
public checksum database.
"""

import json
import os
import shutil
import subprocess
import sys
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
    "keda": "github.com/kedacore/keda/v2/cmd/operator@v2.21.0",
    "kube-router": "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router@v2.1.0",
    "metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server@v0.9.0",
    "kwok": "sigs.k8s.io/kwok/cmd/kwok@v0.8.0",
    "source-controller": "github.com/fluxcd/source-controller@v1.9.0",
}
REPLACED = {
    "keda": "github.com/nexus-rpc/nexus-proto-annotations v0.1.0 => github.com/nexus-rpc/nexus-proto-annotations "
    "v0.1.1-0.20260629224316-835bd8d49cb4",
    "source-controller": "github.com/opencontainers/go-digest => github.com/opencontainers/go-digest "
    "v1.0.1-0.20220411205349-bde1400a84be",
}
"""Replace directives that a module's own go.mod has too; Go ignores those of a module that it installs by version."""


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
    scratch.mkdir(parents=True, exist_ok=True)
    command = ["install", "-buildvcs=false", module]
    if name in REPLACED:
        lines = ("module build", "go 1.26.0", f"require {_module(name)} {version}", f"replace {REPLACED[name]}")
        (scratch / "go.mod").write_text("\n".join(lines) + "\n")
        command = ["install", "-buildvcs=false", "-mod=mod", module.partition("@")[0]]
    _go(command, scratch)
    (scratch / binary).rename(built)
    shutil.rmtree(scratch)
    return built


def is_built(name: str) -> bool:
    """Return whether the cache has the program; some take too long to be built by a test."""
    return (CACHE / f"{name}-{MODULES[name].partition('@')[2]}").exists()


@cache
def module_folder(name: str, folder: str) -> Path:
    """Return a copy of a folder of the program's module, from the cache; download it or skip the test if it is not."""
    module, version = _module(name), MODULES[name].partition("@")[2]
    copied = CACHE / f"{name}-{version}.{Path(folder).name}"
    if not copied.exists():
        if shutil.which("go") is None:
            pytest.skip(f"LEFT OUT: go is not on PATH to download {module}")
        CACHE.mkdir(parents=True, exist_ok=True)
        found = json.loads(_go(["mod", "download", "-json", f"{module}@{version}"], CACHE))
        scratch = copied.with_name(f"{copied.name}.unfinished")
        shutil.copytree(Path(found["Dir"]) / folder, scratch, dirs_exist_ok=True)
        scratch.rename(copied)
    return copied


def _module(name: str) -> str:
    """Return the path of the program's module, without that of its package."""
    return MODULES[name].partition("@")[0].partition("/cmd/")[0]


def _go(arguments: list[str], directory: Path) -> str:
    """Run a command of Go and return its output; skip the test if it fails."""
    environment = os.environ | {"GOBIN": str(directory)}
    done = subprocess.run(
        ["go", *arguments], env=environment, cwd=directory, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"LEFT OUT: go {' '.join(arguments)} failed: {done.stderr}")
    return done.stdout


def require_go(name: str) -> None:
    """Skip the test unless BUILDLESS_ALL is set and Go is installed."""
    if not RUN_ALL:
        pytest.skip(f"LEFT OUT: {name} is built with Go, with BUILDLESS_ALL=1 only")
    if shutil.which("go") is None:
        pytest.skip(f"LEFT OUT: go is not on PATH to build {name}")


if __name__ == "__main__":
    for each in sys.argv[1:]:
        print(program(each))
