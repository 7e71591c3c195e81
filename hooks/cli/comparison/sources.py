"""
What Flux would have fetched: a command has no network, so a source that is not observed gets an artifact of its own.

Such an artifact depends only on the fields that choose the content. Another repository or reference therefore counts as
other content, and a changed interval does not.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from hooks import flux
from hooks.cli.document import namespace_of
from hooks.manifest import Manifest, value_at

_CONTENT = ("url", "ref", "sparseCheckout", "ignore", "include", "bucketName", "endpoint")


def fetched(child: Manifest, before: Manifest | None) -> Manifest:
    """Return a GitRepository after Flux has fetched it; one whose spec is unchanged stays as it was observed."""
    generation = value_at(child, "metadata", "generation")
    if before is not None and generation == value_at(before, "metadata", "generation"):
        return child
    status = before.get("status") if before and _content(before) == _content(child) else None
    artifact = value_at(status, "artifact")
    if status and not artifact:
        return child
    return _with_artifact(child, artifact or _artifact(child))


def related(parent: Manifest, *others: Iterable[Manifest]) -> dict[str, Mapping[str, Manifest]]:
    """
    Return the related objects of a request: the one that spec.source.sourceRef names, fetched.

    It is taken from the first of `others` that has it. Its artifact is the one observed there or, for the same content,
    in another of them.
    """
    reference = value_at(parent, "spec", "source", "sourceRef")
    if not reference:
        return {}
    kind, name, namespace = reference["kind"], reference["name"], parent["metadata"]["namespace"]
    found = [each for group in others for each in group if _is(each, kind, name, namespace)]
    source = found[0] if found else {"metadata": {"name": name, "namespace": namespace}}
    observed = [each for each in found if value_at(each, "status", "artifact") and _content(each) == _content(source)]
    source = {"apiVersion": flux.API_VERSION, "kind": kind} | (observed or [source])[0]
    if not observed:
        source = _with_artifact(source | {"metadata": source["metadata"] | {"generation": 1}}, _artifact(source))
    return {f"{kind}.{flux.API_VERSION}": {name: source}}


def _is(value: Manifest, kind: str, name: str, namespace: str) -> bool:
    return (
        (value.get("kind"), value.get("apiVersion")) == (kind, flux.API_VERSION)
        and value_at(value, "metadata", "name") == name
        and namespace_of(value) == namespace
    )


def _content(source: Manifest) -> Any:
    return {key: value_at(source, "spec", key) for key in _CONTENT}


def _artifact(source: Manifest) -> Manifest:
    metadata = source["metadata"]
    digest = sha256(json.dumps([source.get("kind"), metadata["name"], _content(source)]).encode()).hexdigest()
    place = f"{str(source['kind']).lower()}/{metadata.get('namespace', 'default')}/{metadata['name']}"
    url = f"http://source-controller.flux-system.svc.cluster.local./{place}/{digest[:40]}.tar.gz"
    return {"url": url, "digest": f"sha256:{digest}", "revision": f"sha1:{digest[:40]}"}


def _with_artifact(source: Manifest, artifact: Manifest) -> Manifest:
    generation = source["metadata"]["generation"]
    ready = {"type": "Ready", "status": "True", "observedGeneration": generation}
    return source | {"status": {"observedGeneration": generation, "conditions": [ready], "artifact": artifact}}
