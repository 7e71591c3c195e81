"""A pod template as local processes: a directory replaces the pod's file system, this machine its image."""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hooks.cli import runtime_cache
from hooks.cli.run.pod_environment import MissingObject, Objects, container_environment
from hooks.manifest import Manifest
from hooks.runtimes import DEPENDENCIES, FAMILIES, SOURCE, SOURCE_2

_SERVICE = re.compile(r"^http://([a-z0-9-]+)(\.[a-z0-9-]+(\.svc(\.cluster\.local)?)?)?(:80)?(?=/|$)")

_NETWORK_VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_",
    "NODE_EXTRA_CA_CERTS",
    "PIP_",
    "UV_",
    "NPM_CONFIG_",
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One container: a script, its working directory and its whole environment."""

    script: str
    directory: Path
    env: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Pod:
    """
    One pod of a Function.

    `family` and `runtime` name the language family and the Function's runtime, `dependencies` is the text that the
    install step reads, "" for none. `template` is the Deployment's pod template, `metadata` the pod's own. `ports` maps
    each Function to its local port.
    """

    family: str
    runtime: str
    dependencies: str
    template: Manifest
    metadata: Manifest
    objects: Objects
    ports: Mapping[str, int]

    def lay_out(self, root: Path) -> None:
        """Fill `root` with the files of image and volumes; raises MissingObject, runtime_cache.Unavailable."""
        work = self.inside(root, self._main["workingDir"])
        work.mkdir(parents=True)
        (root / "tmp").mkdir()
        packages = self._local.packages(self._version)
        source = runtime_cache.RUNTIMES / self.family
        shutil.copytree(source, work.parent, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*packages))
        for name, directory in packages.items():
            (work.parent / name).symlink_to(directory)
        volumes = {volume["name"]: volume for volume in self.template["spec"]["volumes"]}
        for mount in self._main["volumeMounts"]:
            self._fill(self.inside(root, mount["mountPath"]), volumes[mount["name"]])

    def steps(self, root: Path, port: int) -> tuple[Step | None, Step]:
        """Return the install step, None without dependencies, and the server, which listens on `port`."""
        install = self._step(self._installing, root) if self._installing else None
        return install, self._step(self._main, root, FUNC_PORT=str(port))

    def mounts(self) -> list[str]:
        """Return the mount paths of Secrets and ConfigMaps."""
        kinds = {volume["name"]: volume for volume in self.template["spec"]["volumes"]}
        mounts = self._main["volumeMounts"]
        return [mount["mountPath"] for mount in mounts if "emptyDir" not in kinds[mount["name"]]]

    @staticmethod
    def inside(root: Path, path: str) -> Path:
        """Return the path below `root` that replaces the pod's `path`."""
        return root / path.lstrip("/")

    @property
    def _local(self) -> runtime_cache.Local:
        return runtime_cache.LOCAL[self.family]

    @property
    def _version(self) -> str:
        return FAMILIES[self.family].interpreter.version_of(self.runtime)

    @property
    def _main(self) -> Manifest:
        container: Manifest = self.template["spec"]["containers"][0]
        return container

    @property
    def _installing(self) -> Manifest | None:
        return next(iter(self.template["spec"].get("initContainers", [])), None)

    def _step(self, container: Manifest, root: Path, **more: str) -> Step:
        paths = sorted((mount["mountPath"] for mount in container["volumeMounts"]), key=len, reverse=True)
        mount_paths = "|".join(map(re.escape, paths))
        pod = {"metadata": self.metadata | self.template["metadata"]}
        given = container_environment(container, pod, self.objects)
        translated = {name: self._translated(value, mount_paths, root) for name, value in given.items()}
        # Source and dependencies are data: no path in them is translated.
        verbatim = {name: value for name, value in given.items() if name in (SOURCE, SOURCE_2, DEPENDENCIES)}
        own = {"HOME": str(root / "tmp"), "TMPDIR": str(root / "tmp"), "PATH": self._path(), "HOSTNAME": self._name}
        script = re.sub(
            rf"(?<![\w./$-])({mount_paths})(?![\w.-])", lambda match: f"{root}{match[0]}", container["command"][2]
        )
        return Step(
            script=script,
            directory=self.inside(root, container["workingDir"]),
            env=_network_environment() | own | translated | verbatim | more,
        )

    def _translated(self, value: str, mount_paths: str, root: Path) -> str:
        """Return a value with a mount path, or the address of another Function, replaced by the local one."""
        if re.match(rf"({mount_paths})(/|$)", value):
            return f"{root}{value}"
        service = _SERVICE.match(value)
        if service and service[1] in self.ports:
            return f"http://127.0.0.1:{self.ports[service[1]]}{value[service.end() :]}"
        return value

    @property
    def _name(self) -> str:
        name: str = self.metadata["name"]
        return name

    def _path(self) -> str:
        here = os.environ.get("PATH", os.defpath)
        programs = self._local.programs(self._version)
        return f"{programs}:{here}" if programs else here

    def _fill(self, directory: Path, volume: Manifest) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for field, kind, key in (("secret", "Secret", "secretName"), ("configMap", "ConfigMap", "name")):
            if reference := volume.get(field):
                contents = self.objects.get((kind, reference[key]))
                if contents is None:
                    raise MissingObject(f"{kind} {reference[key]} is in none of the files")
                for name, value in contents.items():
                    (directory / name).write_bytes(value)
                    (directory / name).chmod(reference["defaultMode"])


def _network_environment() -> dict[str, str]:
    """Return this machine's variables for package registries: proxies, mirrors and certificates."""
    inherited = {name: value for name, value in os.environ.items() if name.upper().startswith(_NETWORK_VARIABLES)}
    return {"UV_SYSTEM_CERTS": "true"} | inherited
