"""
An offline model of Flux' source-controller: the status that it gives to a source, as release 1.9 writes it.

A successful fetch sets the artifact, Ready and observedGeneration together. A failed one sets conditions only, with the
generation to which they belong; the artifact of an earlier spec stays.
"""

from hashlib import sha1, sha256
from typing import Any

Manifest = dict[str, Any]

RETRY = {"Reconciling": "True", "Ready": "Unknown"}
API_VERSION = "source.toolkit.fluxcd.io/v1"


def commit(*parts: Any) -> str:
    """Return a commit that depends on these values only."""
    return sha1(repr(parts).encode(), usedforsecurity=False).hexdigest()


def artifact(revision: str, *, kind: str = "gitrepository", name: str = "default/hello") -> Manifest:
    """Return the artifact of a revision such as `main@sha1:...`."""
    version = revision.rpartition(":")[2]
    path = f"{kind}/{name}/{version}.tar.gz"
    return {
        "digest": f"sha256:{sha256(revision.encode()).hexdigest()}",
        "lastUpdateTime": "2026-01-01T00:00:00Z",
        "path": path,
        "revision": revision,
        "size": 512,
        "url": f"http://source-controller.flux-system.svc.cluster.local./{path}",
    }


def fetched(found: Manifest, revision: str) -> Manifest:
    """Return the status after a successful fetch of this revision."""
    name = "/".join(found["metadata"].get(key, "default") for key in ("namespace", "name"))
    message = f"stored artifact for revision '{revision}'"
    ready = condition(found, "Ready", "True", "Succeeded", message)
    return {
        "observedGeneration": found["metadata"]["generation"],
        "conditions": [ready, ready | {"type": "ArtifactInStorage"}],
        "artifact": artifact(revision, kind=found["kind"].lower(), name=name),
    }


def failed(found: Manifest, message: str, reason: str = "GitOperationFailed") -> Manifest:
    """Return the status after a failed fetch."""
    whole = f"failed to checkout and determine revision: {message}"
    conditions = [
        condition(found, "Ready", "False", reason, whole),
        condition(found, "FetchFailed", "True", reason, whole),
        condition(found, "Reconciling", "True", "ProgressingWithRetry", "reconciliation in progress"),
    ]
    return dict(found.get("status", {})) | {"conditions": conditions}


def lost(found: Manifest) -> Manifest:
    """Return the status after a restart without the artifacts, before the next fetch."""
    progress = [condition(found, kind, status, "Progressing", "building artifact") for kind, status in RETRY.items()]
    return {"observedGeneration": found["metadata"]["generation"], "conditions": progress}


def lacks(found: Manifest, reference: str) -> Manifest:
    """Return the status after the remote did not have a reference such as `refs/heads/main`."""
    return failed(found, f"unable to clone '{found['spec']['url']}': couldn't find remote ref \"{reference}\"")


def retrying(found: Manifest) -> Manifest:
    """Return the status while a fetch is tried again after a failed one."""
    stays = [each for each in found["status"]["conditions"] if each["type"] not in ("Ready", "Reconciling")]
    progress = [condition(found, kind, status, "Progressing", "building artifact") for kind, status in RETRY.items()]
    return dict(found["status"]) | {"conditions": [*progress, *stays]}


def condition(found: Manifest, kind: str, status: str, reason: str, message: str) -> Manifest:
    time, generation = "2026-01-01T00:00:00Z", found["metadata"]["generation"]
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": time,
        "observedGeneration": generation,
    }


def revision_of(spec: Manifest) -> str:
    """Return the revision at the tip of a GitRepository's reference."""
    reference = spec["ref"]
    if "commit" in reference:
        return f"sha1:{reference['commit']}"
    name = next(iter(reference.values()))
    return f"{name}@sha1:{commit(spec['url'], name)}"


def fetch(found: Manifest) -> bool:
    """Set the status of a GitRepository to that after a successful fetch; return whether it changed."""
    status = fetched(found, revision_of(found["spec"]))
    changed = bool(found.get("status") != status)
    found["status"] = status
    return changed


def related(reference: Manifest, namespace: str) -> Manifest:
    """Return the related objects of a request: the one that a sourceRef names, after a fetch."""
    kind, name = reference["kind"], reference["name"]
    metadata = {"name": name, "namespace": namespace, "generation": 1}
    found: Manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata}
    found["status"] = fetched(found, f"latest@sha256:{sha256(name.encode()).hexdigest()}")
    if kind == "ExternalArtifact":
        del found["status"]["observedGeneration"]
    return {f"{kind}.{API_VERSION}": {name: found}}
