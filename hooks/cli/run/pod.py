"""A pod template as local processes: a directory stands for the pod's file system, this machine for its image."""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hooks.cli import runtime_cache
from hooks.cli.run import kubelet
from hooks.manifest import Manifest

_SERVICE = re.compile(r"^http://([a-z0-9-]+)(\.[a-z0-9-]+(\.svc(\.cluster\.local)?)?)?(:80)?(?=/|$)")

_NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_", "NODE_EXTRA_CA_CERTS", "PIP_", "UV_", "NPM_CONFIG_")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One container: a script, where it runs, and all of its environment."""

    script: str
    directory: Path
    env: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Pod:
    """
    `template` is the Deployment's pod template, `metadata` the pod's own, `ports` the local port of each Function.
    """

    template: Manifest
    metadata: Manifest
    objects: kubelet.Objects
    ports: Mapping[str, int]

    @property
    def family(self) -> str:
        """The folder in runtimes/ whose server this pod runs."""
        return "python" if self._main["workingDir"] == "/kubeless" else "nodejs"

    @property
    def dependencies(self) -> str:
        """The list that is installed, empty if there is none."""
        install = self._installing
        return next((e["value"] for e in install["env"] if e["name"].endswith("DEPENDENCIES")), "") if install else ""

    def lay_out(self, root: Path) -> None:
        """Fill `root` with what image and volumes would hold; raises kubelet.Missing, runtime_cache.Unavailable."""
        work = self.inside(root, self._main["workingDir"])
        work.mkdir(parents=True)
        (root / "tmp").mkdir()
        source = runtime_cache.RUNTIMES / self.family
        shutil.copytree(source, work.parent, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
        if self.family == "nodejs":
            (work.parent / "node_modules").symlink_to(runtime_cache.node_modules())
        volumes = {volume["name"]: volume for volume in self.template["spec"]["volumes"]}
        for mount in self._main["volumeMounts"]:
            self._fill(self.inside(root, mount["mountPath"]), volumes[mount["name"]])

    def steps(self, root: Path, port: int) -> tuple[Step | None, Step]:
        """Return the install step, None if nothing is to be installed, and the server, which listens on `port`."""
        install = self._step(self._installing, root) if self._installing else None
        return install, self._step(self._main, root, FUNC_PORT=str(port))

    def mounts(self) -> list[str]:
        """Return where the files of Secrets and ConfigMaps are in the pod."""
        kinds = {volume["name"]: volume for volume in self.template["spec"]["volumes"]}
        mounts = self._main["volumeMounts"]
        return [mount["mountPath"] for mount in mounts if "emptyDir" not in kinds[mount["name"]]]

    @staticmethod
    def inside(root: Path, path: str) -> Path:
        """Return where the pod's `path` is below `root`."""
        return root / path.lstrip("/")

    @property
    def _main(self) -> Manifest:
        container: Manifest = self.template["spec"]["containers"][0]
        return container

    @property
    def _installing(self) -> Manifest | None:
        return next(iter(self.template["spec"].get("initContainers", [])), None)

    def _step(self, container: Manifest, root: Path, **more: str) -> Step:
        paths = sorted((mount["mountPath"] for mount in container["volumeMounts"]), key=len, reverse=True)
        begins = "|".join(map(re.escape, paths))
        pod = {"metadata": self.metadata | self.template["metadata"]}
        given = kubelet.environment(container, pod, self.objects)
        translated = {name: self._translated(value, begins, root) for name, value in given.items()}
        # The source is data: nothing in it is translated.
        verbatim = {name: value for name, value in given.items() if name.startswith("FUNC_HANDLER_")}
        own = {"HOME": str(root / "tmp"), "TMPDIR": str(root / "tmp"), "PATH": self._path(), "HOSTNAME": self._name}
        script = re.sub(
            rf"(?<![\w./$-])({begins})(?![\w.-])", lambda match: f"{root}{match[0]}", container["command"][2]
        )
        return Step(
            script=script,
            directory=self.inside(root, container["workingDir"]),
            env=_network() | own | translated | verbatim | more,
        )

    def _translated(self, value: str, begins: str, root: Path) -> str:
        """Return a value in which a path of the pod or the address of another Function is a local one."""
        if re.match(rf"({begins})(/|$)", value):
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
        return f"{runtime_cache.python().parent}:{here}" if self.family == "python" else here

    def _fill(self, place: Path, volume: Manifest) -> None:
        place.mkdir(parents=True, exist_ok=True)
        for field, kind, key in (("secret", "Secret", "secretName"), ("configMap", "ConfigMap", "name")):
            if reference := volume.get(field):
                contents = self.objects.get((kind, reference[key]))
                if contents is None:
                    raise kubelet.Missing(f"{kind} {reference[key]} is in none of the files")
                for name, value in contents.items():
                    (place / name).write_bytes(value)
                    (place / name).chmod(reference["defaultMode"])


def _network() -> dict[str, str]:
    """Return how this machine reaches package registries: its proxies, mirrors and certificates."""
    ours = {name: value for name, value in os.environ.items() if name.upper().startswith(_NETWORK)}
    return {"UV_SYSTEM_CERTS": "true"} | ours
