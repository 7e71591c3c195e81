"""The Go handler of bench/peer/, which bench/hook.py compares with: how it is built, its settings, and its answers."""

import subprocess
from pathlib import Path
from typing import Any

import orjson

from hooks import resolve
from hooks.config import Config
from hooks.manifest import without_empty_values
from hooks.runtimes import FAMILIES, RESERVED_ENV

SOURCES = Path(__file__).parent / "peer"

Manifest = dict[str, Any]


def build(directory: Path) -> Path:
    """Return the program, built with `go` into a directory; the modules come from Go's module proxy."""
    program = directory / "peer"
    subprocess.run(["go", "build", "-o", str(program), "."], cwd=SOURCES, check=True)
    return program


def settings(config: Config, runtime_name: str) -> Manifest:
    """Return the values that the Go handler does not have: those of the hook's config and of a runtime."""
    runtime = config.runtimes[runtime_name]
    family, profile = FAMILIES[runtime.family], config.profiles[config.default_profile]
    platform = {
        "TRACE_COLLECTOR_ENDPOINT": config.trace_collector_endpoint,
        "PUBLISHER_PROXY_ADDRESS": config.publisher_proxy_address,
    }
    sizes = {"sources": config.volume_sizes.sources, "tmp": config.volume_sizes.tmp}
    return {
        "image": config.image(runtime),
        "profile": config.default_profile,
        "resources": {"requests": dict(profile.requests), "limits": dict(profile.limits)},
        "runtime": runtime_name,
        "workDir": family.work_dir,
        "start": family.start,
        "env": [{"name": name, "value": value} for name, value in (platform | dict(family.env)).items()],
        "reserved": dict.fromkeys(RESERVED_ENV | set(family.paths), True),
        "annotations": dict(config.pod_annotations),
        "volumes": [{"name": name, "emptyDir": {"sizeLimit": size}} for name, size in sizes.items()],
        "targetCPU": config.target_cpu_utilization_percentage,
        "podSecurity": resolve.POD_SECURITY,
        "containerSecurity": resolve.CONTAINER_SECURITY,
    }


def comparable(answer: bytes) -> Any:
    """Return an answer without what k8s.io/api adds to every object: empty values, and the status of an autoscaler."""
    found = orjson.loads(answer)
    for child in found["children"]:
        child.pop("status", None)
    return without_empty_values(found)
