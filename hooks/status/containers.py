"""
The containers of a pod, as the pod's status describes them.

Service meshes, secret stores and log shippers inject containers, so a pod may have more than the hook's three.
Ephemeral containers are for debugging and are ignored.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hooks import naming
from hooks.manifest import Manifest, as_mapping, as_text, mappings_in, value_at


@dataclass(frozen=True, kw_only=True)
class Container:
    """
    One container's status and memory limits.

    `is_listed_as_init` is whether it is one of initContainers; `must_complete` is true of those except sidecars.
    `memory` is its own limit and `pod_memory` the limit of the whole pod, each "" for none.
    """

    name: str
    status: Manifest
    is_listed_as_init: bool
    must_complete: bool
    memory: str
    pod_memory: str

    @property
    def is_main(self) -> bool:
        return self.name == naming.MAIN_CONTAINER and not self.is_listed_as_init

    @property
    def is_install(self) -> bool:
        return self.name == naming.INSTALL_CONTAINER and self.is_listed_as_init

    @property
    def is_fetch(self) -> bool:
        return self.name == naming.FETCH_CONTAINER and self.is_listed_as_init

    @property
    def is_ready(self) -> bool:
        return self.status.get("ready") is True

    @property
    def is_running(self) -> bool:
        return isinstance(value_at(self.status, "state", "running"), dict)

    @property
    def started_at(self) -> Any:
        return value_at(self.status, "state", "running", "startedAt")

    @property
    def waiting(self) -> Manifest:
        return as_mapping(value_at(self.status, "state", "waiting"))

    @property
    def termination(self) -> Manifest:
        """The current or else the last termination, an empty map if there is none."""
        last = ("lastState", "terminated")
        return as_mapping(value_at(self.status, "state", "terminated")) or as_mapping(value_at(self.status, *last))


def containers_of(pod: Manifest) -> list[Container]:
    """Return the containers in a pod's status, init containers first."""
    return [*_init_containers(pod), *_app_containers(pod)]


def _init_containers(pod: Manifest) -> Iterator[Container]:
    specs = _by_name(value_at(pod, "spec", "initContainers"))
    for status in mappings_in(value_at(pod, "status", "initContainerStatuses")):
        spec = specs.get(as_text(status.get("name")), {})
        yield _parse_container(
            pod, spec, status, is_listed_as_init=True, must_complete=spec.get("restartPolicy") != "Always"
        )


def _app_containers(pod: Manifest) -> Iterator[Container]:
    specs = _by_name(value_at(pod, "spec", "containers"))
    for status in mappings_in(value_at(pod, "status", "containerStatuses")):
        spec = specs.get(as_text(status.get("name")), {})
        yield _parse_container(pod, spec, status, is_listed_as_init=False, must_complete=False)


def _parse_container(
    pod: Manifest, spec: Manifest, status: Manifest, *, is_listed_as_init: bool, must_complete: bool
) -> Container:
    return Container(
        name=as_text(status.get("name")),
        status=status,
        is_listed_as_init=is_listed_as_init,
        must_complete=must_complete,
        memory=_memory_limit(spec),
        pod_memory=_memory_limit(as_mapping(pod.get("spec"))),
    )


def _memory_limit(spec: Manifest) -> str:
    return as_text(value_at(spec, "resources", "limits", "memory"))


def _by_name(containers: Any) -> dict[str, Manifest]:
    return {as_text(container.get("name")): container for container in mappings_in(containers)}
