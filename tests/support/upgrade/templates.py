"""
The reference Functions, and digests of their pod templates.

functions.yaml     the Functions, one per line
pod-templates.txt  the release in which a pod template last changed, then one line per Function: its parts, each with
                   the first 16 hexadecimal digits of the SHA-256 of its JSON. Written by --bless if CHANGELOG.md
                   allows it

A pod restarts when its template changes, and when its Deployment must be created again.
"""

import json
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from support.cases import NOW, complete, fetched_request, overlaid
from support.offline_metacontroller import World

from hooks.cli.files import documents
from hooks.config import Config
from hooks.protocol import HookRequest
from hooks.references import references
from hooks.sync import sync

HERE = Path(__file__).parent
BLESSED = HERE / "pod-templates.txt"
TOO_LONG_FOR_A_LINE = {"source-in-two-variables": {"source": {"inline": {"source": "é" * 65_600}}}}
GONE = "the Function is not in functions.yaml any more"

Manifest = dict[str, Any]
Parts = dict[str, str]
"""The digest of each part of a pod template."""


@cache
def functions() -> dict[str, Manifest]:
    """Return the specs by name; the key `config` of some is not a field but a config, see functions.yaml."""
    written = next(documents(str(HERE / "functions.yaml"))).value  # refuses duplicate names
    least = {"runtime": "nodejs22", "source": {"inline": {"source": "module.exports = {main: () => 'hi'}"}}}
    return {name: least | spec for name, spec in (written | TOO_LONG_FOR_A_LINE).items()}


def with_default_config() -> dict[str, Manifest]:
    return {name: spec for name, spec in functions().items() if "config" not in spec}


def deployment(name: str, spec: Manifest) -> Manifest:
    """Return the Deployment of a reference Function; every Secret and ConfigMap that it names exists."""
    spec = deepcopy(spec)
    config = Config.model_validate(overlaid(Config().model_dump(by_alias=True), spec.pop("config", {})))
    world = World(complete({"metadata": {"name": name}, "spec": spec}), git=config.git.enabled)
    request = fetched_request(world, config, NOW)
    function = HookRequest.parse(request).function
    assert function is not None, f"{name} is refused by the schema"
    for each in references(function.spec):
        found = {
            "apiVersion": "v1",
            "kind": each.kind,
            "metadata": {"name": each.name, "uid": "u", "resourceVersion": "1"},
        }
        request["related"].setdefault(f"{each.kind}.v1", {})[each.name] = found | {"data": {each.key: ""}}
    answer = sync(HookRequest.parse(request), config, now=NOW)
    deployments = [child for child in answer.children if child["kind"] == "Deployment"]
    assert deployments, f"{name} is refused: {answer.status['conditions'][0]['message']}"
    return deepcopy(deployments[0])


def parts(deployment: Manifest) -> Parts:
    """Return the digests of the parts of a Deployment whose change restarts its pods."""
    rest = deepcopy(deployment["spec"]["template"])
    spec = rest.pop("spec", {})
    containers, steps = spec.pop("containers", []), spec.pop("initContainers", [])
    found = {
        "deployment": [deployment["apiVersion"], deployment["metadata"]["name"], deployment["spec"]["selector"]],
        "metadata": rest.pop("metadata", {}),
        "images": [container.pop("image", "") for container in [*containers, *steps]],
        "containers": containers,
        "initContainers": steps,
        "volumes": spec.pop("volumes", []),
        "spec": spec,
        "rest": rest,
    }
    return {part: digest(value) for part, value in found.items() if value}


def digest(value: Any) -> str:
    """Return 16 hexadecimal digits for a JSON value, independent of the order of keys."""
    return sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


@cache
def of_this_tree() -> dict[str, Parts]:
    return {name: parts(deployment(name, spec)) for name, spec in functions().items()}


@dataclass(frozen=True)
class Templates:
    """The digests of the reference Functions' pod templates, as of a release."""

    release: str
    functions: dict[str, Parts]

    @classmethod
    def read(cls) -> "Templates":
        """Read pod-templates.txt."""
        first, *lines = BLESSED.read_text(encoding="utf-8").splitlines()
        rows = [line.split() for line in lines]
        return cls(first.removeprefix("release "), {name: dict(p.split("=") for p in row) for name, *row in rows})

    def write(self) -> None:
        rows = [
            " ".join([name, *(f"{part}={value}" for part, value in row.items())])
            for name, row in self.functions.items()
        ]
        BLESSED.write_text("\n".join([f"release {self.release}", *rows]) + "\n", encoding="utf-8")


def changed(before: dict[str, Parts], now: dict[str, Parts]) -> dict[str, str]:
    """Return the names of the changed parts, by Function of `before`."""
    found = {}
    for name, row in before.items():
        if name not in now:
            found[name] = GONE
        elif row != now[name]:
            differing = [part for part in sorted(row | now[name]) if row.get(part) != now[name].get(part)]
            found[name] = ", ".join(differing)
    return found
