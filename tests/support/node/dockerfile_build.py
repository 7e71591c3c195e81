"""The steps of a Dockerfile, run in a scratch root file system."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from support.node.base_image import CERTIFICATES, make_base

# The images trust the certificates of this machine: package registries may be mirrors.
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
    """The state of a build: the root file system and the image's config; one method for each instruction."""

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

    def run(self, word: str, rest: str) -> None:
        """Execute one instruction; fail if it is not supported or its command fails."""
        instructions: dict[str, Callable[[str], object]] = {
            "ARG": self._arg,
            "FROM": self._from,
            "ENV": self._env,
            "WORKDIR": self._workdir,
            "USER": self._user,
            "COPY": self._copy,
            "RUN": self._run,
            "CMD": self._cmd,
            "ENTRYPOINT": self._entrypoint,
            "EXPOSE": str,
            "LABEL": str,
        }
        assert word in instructions, f"{self.context}/Dockerfile: {word} is not supported"
        if word != "FROM" and not self.root.exists():
            make_base(self.root, self.image)
        instructions[word](rest)

    def _arg(self, rest: str) -> None:
        name, _, default = rest.partition("=")
        self.arguments.setdefault(name, default)

    def _from(self, rest: str) -> None:
        """
        Begin a stage with a new config; the root of the previous stage is kept under its name.

        The root is created by the first instruction, so that a stage of FROM only is an alias of its image.
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
        """Run a command in the root, in new mount and PID namespaces, which end its processes with it."""
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
