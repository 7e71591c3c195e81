"""A pod template as local processes: a directory replaces the pod's file system, this machine its image."""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hooks.cli import runtime_cache
from hooks.cli.data_objects import Objects
from hooks.cli.run import debugging, machine
from hooks.cli.run.origins import Origin
from hooks.cli.run.pod_environment import MissingObject, container_environment
from hooks.cli.run.repositories import Tree
from hooks.cli.run.setups import Prepared
from hooks.manifest import Manifest
from hooks.naming import INSTALL_CONTAINER
from hooks.runtimes import DEPENDENCIES, SOURCE, SOURCE_2

SERVICE = re.compile(r"^http://([a-z0-9-]+)(\.[a-z0-9-]+(\.svc(\.cluster\.local)?)?)?(:80)?(?=/|$)")


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
    each Function that the pod may call to its local port; `variables` are those of the author for the server alone;
    at `debug_port`, unless it is 0, the server listens for a debugger. A source from Git has an `origin`, and its files
    in `tree` once they are known; `max_bytes` is the size of the volume for them.
    """

    family: str
    runtime: str
    dependencies: str
    template: Manifest
    metadata: Manifest
    objects: Objects
    ports: Mapping[str, int]
    variables: Mapping[str, str]
    debug_port: int = 0
    origin: Origin | None = None
    tree: Tree | None = None
    max_bytes: int = 0

    def unpacking(self, root: Path, tree: Tree) -> list[str]:
        """Return the command that writes the files of `tree` into the working directory, which has to be empty."""
        return tree.unpacking(self.work_directory(root), self.max_bytes)

    def lay_out(self, root: Path, prepared: Prepared) -> None:
        """Fill `root` with the files of image and volumes; raises MissingObject or OSError."""
        work = self.work_directory(root)
        work.mkdir(parents=True, exist_ok=True)
        (root / "tmp").mkdir()
        machine.write_settings(root / "tmp")
        packages = prepared.packages
        source = runtime_cache.RUNTIMES / self.family
        shutil.copytree(source, work.parent, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*packages))
        for name, directory in packages.items():
            (work.parent / name).symlink_to(directory)
        volumes = {volume["name"]: volume for volume in self.template["spec"]["volumes"]}
        for mount in self._main["volumeMounts"]:
            self._fill(self.inside(root, mount["mountPath"]), volumes[mount["name"]])

    def steps(self, root: Path, port: int, prepared: Prepared) -> tuple[Step | None, Step]:
        """
        Return the install step, None without dependencies, and the server, which listens on `port`.

        Only the install step has this machine's settings for package registries, which may hold passwords.
        """
        install = self._install_container
        server = {**machine.environment_of_server(), **self.variables, "FUNC_PORT": str(port)}
        main = self._step(self._main, root, prepared, server)
        if self.debug_port:
            added = debugging.environment(self.family, self.debug_port, prepared.debugger, main.env)
            main = replace(main, env={**main.env, **added})
        return self._step(install, root, prepared, machine.environment_of_installer()) if install else None, main

    def mounts_in_source(self) -> list[str]:
        """Return the mount paths of Secrets and ConfigMaps that the source contains."""
        kinds = {volume["name"]: volume for volume in self.template["spec"]["volumes"]}
        paths = [each["mountPath"] for each in self._main["volumeMounts"] if "emptyDir" not in kinds[each["name"]]]
        source = "".join(str(each.get("value")) for each in self._main["env"] if each["name"] in (SOURCE, SOURCE_2))
        return [path for path in paths if path in source]

    def work_directory(self, root: Path) -> Path:
        """Return the directory of the handler's file."""
        return self.inside(root, self._main["workingDir"])

    @staticmethod
    def inside(root: Path, path: str) -> Path:
        """Return the path below `root` that replaces the pod's `path`."""
        return root / path.lstrip("/")

    @property
    def _main(self) -> Manifest:
        container: Manifest = self.template["spec"]["containers"][0]
        return container

    @property
    def _install_container(self) -> Manifest | None:
        containers: list[Manifest] = self.template["spec"].get("initContainers", [])
        return next((each for each in containers if each["name"] == INSTALL_CONTAINER), None)

    def _step(self, container: Manifest, root: Path, prepared: Prepared, machine: Mapping[str, str]) -> Step:
        paths = sorted((mount["mountPath"] for mount in container["volumeMounts"]), key=len, reverse=True)
        mount_paths = "|".join(map(re.escape, paths))
        pod = {"metadata": self.metadata | self.template["metadata"]}
        given = container_environment(container, pod, self.objects)
        translated = {name: self._translated(value, mount_paths, root) for name, value in given.items()}
        # Source and dependencies are data: no path in them is translated.
        verbatim = {name: value for name, value in given.items() if name in (SOURCE, SOURCE_2, DEPENDENCIES)}
        own = {"HOME": str(root / "tmp"), "TMPDIR": str(root / "tmp"), "PATH": _path(prepared), "HOSTNAME": self._name}
        script = re.sub(
            rf"(?<![\w./$-])({mount_paths})(?![\w.-])", lambda match: f"{root}{match[0]}", container["command"][2]
        )
        return Step(
            script=script,
            directory=self.inside(root, container["workingDir"]),
            env={**own, **translated, **verbatim, **machine},
        )

    def _translated(self, value: str, mount_paths: str, root: Path) -> str:
        """Return a value with a mount path, or the address of another Function, replaced by the local one."""
        if re.match(rf"({mount_paths})(/|$)", value):
            return f"{root}{value}"
        service = SERVICE.match(value)
        if service and service[1] in self.ports:
            return f"http://127.0.0.1:{self.ports[service[1]]}{value[service.end() :]}"
        return value

    @property
    def _name(self) -> str:
        name: str = self.metadata["name"]
        return name

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


def _path(prepared: Prepared) -> str:
    here = os.environ.get("PATH", os.defpath)
    return f"{prepared.programs}:{here}" if prepared.programs else here
