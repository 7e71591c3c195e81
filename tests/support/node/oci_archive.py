"""A built root file system as an archive after the OCI image layout, which containerd imports."""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from support.node.dockerfile_build import Build


def write_archive(build: Build, image: str, archive: Path) -> None:
    """Write an archive of the image under its full name, with one layer; `build.scratch` holds the layer."""
    layer = build.scratch / "layer.tar"
    digest = _write_layer(build.root, layer)
    blobs: dict[str, bytes] = {}
    config = _add_blob(blobs, "config", _config(build, digest))
    kind, size = "application/vnd.oci.image.layer.v1.tar", layer.stat().st_size
    layers = [{"mediaType": kind, "digest": f"sha256:{digest}", "size": size}]
    manifest = _add_blob(blobs, "manifest", {"schemaVersion": 2, "config": config, "layers": layers})
    names = {"io.containerd.image.name": image, "org.opencontainers.image.ref.name": image.rpartition(":")[2]}
    index = {"schemaVersion": 2, "manifests": [manifest | {"annotations": names}]}
    with tarfile.open(archive, "w") as packed:
        _add_file(packed, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        _add_file(packed, "index.json", json.dumps(index).encode())
        for name, data in blobs.items():
            _add_file(packed, f"blobs/sha256/{name}", data)
        packed.add(layer, f"blobs/sha256/{digest}")


def _write_layer(root: Path, layer: Path) -> str:
    """Pack the root without what belongs to this machine; return the digest of the layer."""
    (root / "etc/resolv.conf").unlink()
    for name in ("dev", "proc"):
        shutil.rmtree(root / name)
        (root / name).mkdir()
    subprocess.run(["tar", "--create", "--file", layer, "--directory", root, "."], check=True)
    with layer.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _config(build: Build, digest: str) -> dict[str, Any]:
    settings = {
        "Entrypoint": build.entrypoint,
        "Cmd": build.command,
        "Env": [f"{name}={value}" for name, value in build.env.items()],
        "User": build.user,
        "WorkingDir": build.directory,
    }
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{digest}"]}
    return {"architecture": "amd64", "os": "linux", "config": settings, "rootfs": rootfs}


def _add_blob(blobs: dict[str, bytes], kind: str, content: Any) -> dict[str, Any]:
    """Add a JSON document to the blobs; return its descriptor."""
    data = json.dumps(content).encode()
    name = hashlib.sha256(data).hexdigest()
    blobs[name] = data
    return {"mediaType": f"application/vnd.oci.image.{kind}.v1+json", "digest": f"sha256:{name}", "size": len(data)}


def _add_file(packed: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    packed.addfile(info, io.BytesIO(data))
