"""
The containers of a pod, each with its place in the life of the pod.

A pod has more of them than a Function asks for: meshes, secret stores and log shippers inject sidecars and init
containers. A cause has to name the container that it is about. Ephemeral containers are for debugging and count for
nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hooks import naming
from hooks.manifest import Manifest, at, mapping, mappings, text


@dataclass(frozen=True, kw_only=True)
class Container:
    """
    What a pod's status says of one container, and what its spec allows it.

    `is_init` is true of one that has to end before the others start, `is_early` also of a sidecar among the init
    containers. `memory` is the limit that it has, "" for none; `memory_of_pod` the one that all share.
    """

    name: str
    status: Manifest
    is_init: bool
    is_early: bool
    memory: str
    memory_of_pod: str

    @property
    def is_function(self) -> bool:
        return self.name == naming.FUNCTION and not self.is_early

    @property
    def is_install(self) -> bool:
        return self.name == naming.INSTALL and self.is_early

    @property
    def is_ready(self) -> bool:
        return self.status.get("ready") is True

    @property
    def runs(self) -> bool:
        return isinstance(at(self.status, "state", "running"), dict)

    @property
    def started_at(self) -> Any:
        return at(self.status, "state", "running", "startedAt")

    @property
    def waiting(self) -> Manifest:
        return mapping(at(self.status, "state", "waiting"))

    @property
    def ended(self) -> Manifest:
        """How it ended; while it starts again, how it ended last time. An empty map where it has not."""
        return mapping(at(self.status, "state", "terminated")) or mapping(at(self.status, "lastState", "terminated"))


def of_pod(pod: Manifest) -> list[Container]:
    """Return the containers that a pod's status knows, the early ones first."""
    return [*_early(pod), *_main(pod)]


def _early(pod: Manifest) -> Iterator[Container]:
    specs = _by_name(at(pod, "spec", "initContainers"))
    for status in mappings(at(pod, "status", "initContainerStatuses")):
        name = text(status.get("name"))
        spec = specs.get(name, {})
        yield _container(pod, spec, status, is_init=spec.get("restartPolicy") != "Always", is_early=True)


def _main(pod: Manifest) -> Iterator[Container]:
    specs = _by_name(at(pod, "spec", "containers"))
    for status in mappings(at(pod, "status", "containerStatuses")):
        spec = specs.get(text(status.get("name")), {})
        yield _container(pod, spec, status, is_init=False, is_early=False)


def _container(pod: Manifest, spec: Manifest, status: Manifest, *, is_init: bool, is_early: bool) -> Container:
    return Container(
        name=text(status.get("name")),
        status=status,
        is_init=is_init,
        is_early=is_early,
        memory=_memory(spec),
        memory_of_pod=_memory(mapping(pod.get("spec"))),
    )


def _memory(spec: Manifest) -> str:
    return text(at(spec, "resources", "limits", "memory"))


def _by_name(containers: Any) -> dict[str, Manifest]:
    return {text(container.get("name")): container for container in mappings(containers)}
