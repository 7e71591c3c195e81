"""
A golden case: one folder under tests/core/cases/.

request.yaml   a comment of one sentence, the reason; then parts of the request: parent, children, related, finalizing
given.yaml     what the request does not hold (optional): config, now, and the Function's past:
               before       a patch for the spec; children and status are observed as settled with that spec
               deployment   a patch for the observed Deployment
               service      a patch for the observed Service
               horizontalpodautoscaler   a patch for the observed autoscaler
               gitrepository             a patch for the observed GitRepository
               without      kinds of children that are then removed
               previous     seconds since each earlier sync of the same request; the parent has the last one's status
response.yaml  the answer, written by --bless (golden.py)

The rest of the request comes from the table of kinds, and other keys are refused, so that a case is always a request
that Metacontroller could send. Patches are those of merge_patch.py.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from support import merge_patch, source_controller
from support.offline_metacontroller import World
from support.yaml_files import read_yaml

from hooks.config import Config
from hooks.flux import API_VERSION, RESOURCES
from hooks.protocol import HookRequest
from hooks.sync import finalize, sync

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "core" / "cases"
FILES = {"given.yaml", "request.yaml", "response.yaml"}
GIVEN = {"config", "now", "before", "deployment", "service", "horizontalpodautoscaler", "gitrepository"}
GIVEN |= {"without", "previous"}
NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)
UID = "11111111-2222-3333-4444-555555555555"
RELATED = {"Pod.v1", "Secret.v1", "ConfigMap.v1", *(f"{kind}.{API_VERSION}" for kind in RESOURCES)}

Manifest = dict[str, Any]

overlaid = merge_patch.overlaid


@dataclass(frozen=True)
class Case:
    """A golden case; `request` is the whole body that Metacontroller would send."""

    name: str
    reason: str
    request: Manifest
    config: Config
    now: datetime
    is_default_config: bool
    is_timeless: bool

    @classmethod
    def load(cls, folder: Path) -> "Case":
        """Read a folder; raises AssertionError with a sentence if it is not a case."""
        unknown = {file.name for file in folder.iterdir()} - FILES
        assert not unknown, f"{folder.name} has unexpected files: {sorted(unknown)}"
        assert (folder / "request.yaml").exists(), f"{folder.name} lacks request.yaml"
        text = (folder / "request.yaml").read_text(encoding="utf-8")
        reason = " ".join(line[1:].strip() for line in _head(text))
        assert reason.endswith("."), (
            f"{folder.name}/request.yaml does not begin with a comment of one sentence, the reason"
        )
        given = _strict(folder / "given.yaml", GIVEN)
        parts = _strict(folder / "request.yaml", {"parent", "children", "related", "finalizing"})
        config = _config(given.get("config"))
        now = datetime.fromisoformat(given["now"]) if "now" in given else NOW
        world = _past(World(complete(parts["parent"]), git=config.git.enabled), given, config, now)
        request = world.request(finalizing=parts.get("finalizing", False))
        for group, children in parts.get("children", {}).items():
            assert group in request["children"], f"{folder.name}: {group} is not a group of children"
            request["children"][group] |= children
        for group, objects in parts.get("related", {}).items():
            assert group in RELATED, f"{folder.name}: customize() requests no {group}"
            request["related"][group] = objects
        return cls(folder.name, reason, request, config, now, "config" not in given, "previous" not in given)

    def answer(self) -> Manifest:
        """Return the answer of sync() or finalize()."""
        hook = finalize if self.request["finalizing"] else sync
        return hook(HookRequest.parse(deepcopy(self.request)), self.config, now=self.now).to_json()


def folders() -> list[Path]:
    return sorted(path for path in CASES.iterdir() if path.is_dir())


@cache
def all_cases() -> tuple[Case, ...]:
    return tuple(Case.load(folder) for folder in folders())


def complete(parent: Manifest) -> Manifest:
    """Return a Function with the fields that every Function from the API server has."""
    metadata = {"name": "hello", "namespace": "default", "uid": UID, "generation": 1} | parent.get("metadata", {})
    head = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": metadata}
    spec = {"runtime": "nodejs22", "replicas": 1, "startupTimeoutSeconds": 150} | parent["spec"]
    spec.setdefault("source", {"inline": {"source": "module.exports = {main: () => 'hi'}\n"}})
    return head | {key: value for key, value in parent.items() if key == "status"} | {"spec": spec}


def settle(world: World, config: Config, now: datetime) -> list[str]:
    """Sync until Metacontroller writes nothing, with sources fetched and every pod available; return all writes."""
    writes: list[str] = []
    for _ in range(12):
        answer = sync(HookRequest.parse(world.request()), config, now=now).to_json()
        new = world.apply(answer)
        writes += new
        moved = make_available(world) | make_fetched(world)
        if not new and not moved:
            return writes
    raise AssertionError(f"does not settle: {writes}")


def fetched_request(world: World, config: Config, now: datetime) -> Manifest:
    """Return a request in which the source, if Flux fetches it, has been fetched."""
    if config.git.enabled:
        world.apply(sync(HookRequest.parse(world.request()), config, now=now).to_json())
        make_fetched(world)
    return world.request()


def make_fetched(world: World) -> bool:
    """Set the status of a GitRepository, or of the object in sourceRef, to that after a fetch; return if it changed."""
    found = [child for (kind, _), child in world.children.items() if kind == "GitRepository"]
    before, reference = world.related, world.parent["spec"]["source"].get("sourceRef")
    world.related = source_controller.related(reference, world.parent["metadata"]["namespace"]) if reference else {}
    changed = sum(source_controller.fetch(child) for child in found)
    return changed > 0 or world.related != before


def make_available(world: World) -> bool:
    """Set the Deployment's status to that of a finished rollout; return whether it changed."""
    deployment = next((child for (kind, _), child in world.children.items() if kind == "Deployment"), None)
    if deployment is None:
        return False
    replicas = deployment["spec"]["replicas"]
    status = {"observedGeneration": deployment["metadata"]["generation"], "conditions": _conditions("True")}
    if replicas:
        status |= {"replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas}
    moved = bool(deployment["status"] != status)
    deployment["status"] = status
    return moved


def _conditions(available: str) -> list[Manifest]:
    progressing = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
    return [{"type": "Available", "status": available, "reason": "MinimumReplicasAvailable"}, progressing]


def _past(world: World, given: Manifest, config: Config, now: datetime) -> World:
    if "before" in given:
        spec = world.parent["spec"]
        world.parent["spec"] = overlaid(spec, given["before"])
        settle(world, config, now - timedelta(hours=1))
        world.edit(spec)
    for (kind, _), child in world.children.items():
        child.update(overlaid(child, given.get(kind.lower(), {})))
    world.children = {key: child for key, child in world.children.items() if key[0] not in given.get("without", [])}
    for seconds in given.get("previous", []):
        earlier = now - timedelta(seconds=seconds)
        answer = sync(HookRequest.parse(world.request()), config, now=earlier).to_json()
        world.parent["status"] = answer["status"] | {"observedGeneration": world.parent["metadata"]["generation"]}
    return world


def _config(overlay: Manifest | None) -> Config:
    return Config() if overlay is None else Config.model_validate(overlaid(Config().model_dump(by_alias=True), overlay))


def _strict(file: Path, known: set[str]) -> Manifest:
    content = read_yaml(file) if file.exists() else {}
    unknown = set(content) - known
    assert not unknown, f"{file.parent.name}/{file.name} has unknown keys {sorted(unknown)}, expected {sorted(known)}"
    return dict(content)


def _head(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("#"):
            return
        yield line
