"""
The images of this project, built on a machine without a container engine.

The steps of a Dockerfile run in a scratch root file system: Debian's packages, with this machine's Python or npm's
Node.js as the interpreter of the base image. The result is packed as an archive that containerd imports. Needs root and
mmdebstrap. Archives are cached in $XDG_CACHE_HOME/buildless/images until an input changes.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from support.bake import targets
from support.dockerfile import steps
from support.node.base_image import CACHE, NODE_VERSIONS
from support.node.dockerfile_build import Build
from support.node.oci_archive import write_archive

from hooks.cli import runtime_cache

ROOT = Path(__file__).parents[3]
BUILDERS = ("images.py", "base_image.py", "dockerfile_build.py", "oci_archive.py")
"""The modules that a built archive depends on."""


def missing() -> str | None:
    """Return why this machine cannot build images, None if it can."""
    if os.geteuid():
        return "only root can build images"
    absent = [program for program in ("mmdebstrap", "unshare", "chroot", "npm") if shutil.which(program) is None]
    return f"{', '.join(absent)} not on PATH" if absent else None


def archive(runtime: str, image: str) -> Path:
    """Return the archive of a runtime's image under the full name `image`; build it if it is not cached."""
    target = targets()[f"runtime-{runtime}"]
    context = ROOT / target.context
    return _archive(runtime, image, context, _context_files(context), target.arguments)


def hook_archive(image: str) -> Path:
    """Return the archive of the hook's image under the full name `image`; build it if it is not cached."""
    included = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    places = [ROOT / name for name in ("Dockerfile", *included)]
    files = [path for place in places for path in ([place] if place.is_file() else _context_files(place))]
    return _archive("hook", image, ROOT, files, {})


def program_archive(program: Path, image: str) -> Path:
    """Return the archive of an image with one static program; build it if it is not cached."""
    packed = CACHE / f"{program.name}-{hashlib.sha256(image.encode() + program.read_bytes()).hexdigest()[:16]}.tar"
    if not packed.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            build = Build(CACHE, {}, Path(scratch), Path(scratch) / "root", env={}, command=[f"/{program.name}"])
            for directory in ("dev", "proc", "etc"):
                (build.root / directory).mkdir(parents=True)
            (build.root / "etc/resolv.conf").touch()
            shutil.copy(program, build.root / program.name)
            _pack(build, image, packed)
    return packed


def _archive(name: str, image: str, context: Path, files: list[Path], arguments: dict[str, str]) -> Path:
    key = hashlib.sha256(image.encode() + _interpreter(arguments).encode())
    for module in BUILDERS:
        key.update((Path(__file__).parent / module).read_bytes())
    for path in files:
        key.update(f"{path.relative_to(context)}\0".encode() + path.read_bytes())
    packed = CACHE / f"{name}-{key.hexdigest()[:16]}.tar"
    if not packed.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        for old in CACHE.glob(f"{name}-*.tar"):
            old.unlink()
        # Not below /tmp, which may be small or not allow devices.
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            build = Build(context, dict(arguments), Path(scratch))
            for step in steps(context / "Dockerfile"):
                build.run(*step)
            _pack(build, image, packed)
    return packed


def _context_files(context: Path) -> list[Path]:
    """Return the files of a build context without those of .dockerignore."""
    listed = (context / ".dockerignore").read_text().splitlines() if (context / ".dockerignore").exists() else []
    ignored = {line.strip() for line in listed} | {"__pycache__"}
    return sorted(
        path
        for path in context.rglob("*")
        if path.is_file() and not ignored.intersection(path.relative_to(context).parts)
    )


def _interpreter(arguments: Mapping[str, str]) -> str:
    version = arguments.get("NODE_VERSION")
    return NODE_VERSIONS[version] if version else runtime_cache.python_version()


def _pack(build: Build, image: str, archive: Path) -> None:
    """Write the archive, which appears under its name only when it is complete."""
    unfinished = build.scratch / "image.tar"
    write_archive(build, image, unfinished)
    unfinished.rename(archive)
