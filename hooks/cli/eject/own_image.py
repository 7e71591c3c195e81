"""The manifests of an app: those of the Function, with an image that has the code."""

from collections.abc import Container, Iterable

from hooks.manifest import Manifest
from hooks.naming import FETCH_CONTAINER, INSTALL_CONTAINER, REGISTRY_CONFIG_VOLUME, SOURCES_VOLUME
from hooks.runtimes import SOURCE, SOURCE_2

_OF_THE_IMAGE = ("command", "workingDir")


def with_own_image(manifests: Iterable[Manifest], image: str) -> list[Manifest]:
    """Return plain manifests whose pods run `image`: without source, init containers and the object of Flux."""
    return [_with_image(each, image) for each in manifests if each["kind"] != "GitRepository"]


def deployment_of(manifests: Iterable[Manifest]) -> Manifest:
    """Return the Deployment."""
    return next(each for each in manifests if each["kind"] == "Deployment")


def _with_image(manifest: Manifest, image: str) -> Manifest:
    if manifest["kind"] != "Deployment":
        return manifest
    spec, template = manifest["spec"], manifest["spec"]["template"]
    pod = _pod(template["spec"], image)
    return manifest | {"spec": spec | {"template": template | {"spec": pod}}}


def _pod(pod: Manifest, image: str) -> Manifest:
    steps = _without((FETCH_CONTAINER, INSTALL_CONTAINER), pod.get("initContainers", []))
    made = pod | {
        "containers": [_container(pod["containers"][0], image), *pod["containers"][1:]],
        "volumes": _without((SOURCES_VOLUME, REGISTRY_CONFIG_VOLUME), pod["volumes"]),
        "initContainers": steps,
    }
    return {key: value for key, value in made.items() if key != "initContainers" or value}


def _container(container: Manifest, image: str) -> Manifest:
    own = {key: value for key, value in container.items() if key not in _OF_THE_IMAGE}
    mounts = _without((SOURCES_VOLUME,), container["volumeMounts"])
    return own | {"image": image, "env": _without((SOURCE, SOURCE_2), container["env"]), "volumeMounts": mounts}


def _without(names: Container[object], items: Iterable[Manifest]) -> list[Manifest]:
    return [each for each in items if each.get("name") not in names]
