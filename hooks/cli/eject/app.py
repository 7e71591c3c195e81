"""An app: a directory with the code of one Function, its server, a Dockerfile and manifests."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from hooks.cli.dump import to_yaml
from hooks.cli.eject import code, variables
from hooks.cli.eject.dockerfile import dockerfile
from hooks.cli.eject.languages import LANGUAGES
from hooks.cli.eject.own_image import deployment_of, with_own_image
from hooks.cli.eject.readme import readme
from hooks.cli.run.origins import Origin
from hooks.cli.run.package_lists import LISTS
from hooks.cli.runtime_cache import RUNTIMES
from hooks.function import Function
from hooks.manifest import Manifest
from hooks.resolved import ResolvedFunction

_LEFT_OUT = shutil.ignore_patterns(
    *("node_modules", "__pycache__", ".compile-cache", ".dockerignore", "Dockerfile", "*.in", "fetch", "fetch?source.*")
)
"""Of the servers: what is made, what images are made with, and what downloads a source into a pod."""
_START = """\
#!/bin/sh
# Starts the app at 127.0.0.1, port 8080 or $PORT. Packages are installed first, and again when their list changes.
set -e
cd "$(dirname "$0")"
{setup}{packages}. ./env.sh
export FUNC_PORT="${{PORT:-8080}}" {local}
{start}
"""
_PACKAGES = """\
if ! cmp -s function/{list} function/.installed; then
  (cd function && {install})
  cp function/{list} function/.installed
fi
"""


@dataclass(frozen=True, kw_only=True)
class App:
    """
    What an app is made of.

    `origin` is None for an inline source; `commit` is the one that runs in the cluster, "" if that is not known.
    `image` is the base image, with `is_custom` one that has a server.
    """

    function: Function
    resolved: ResolvedFunction
    manifests: list[Manifest]
    origin: Origin | None
    commit: str
    image: str
    is_custom: bool

    @property
    def family(self) -> str:
        """The name of the language family."""
        return self.resolved.source.runtime.name

    @property
    def name(self) -> str:
        """The Function's name, also that of the image in the manifests."""
        return self.resolved.identity.name

    @property
    def container(self) -> Manifest:
        """The container of the handler."""
        container: Manifest = deployment_of(self.manifests)["spec"]["template"]["spec"]["containers"][0]
        return container


def write(app: App, directory: Path) -> None:
    """Write everything into an empty directory; raises GitFailed or OSError."""
    work = directory / "function"
    work.mkdir()
    origin = _write_code(app, work)
    shutil.copytree(RUNTIMES / app.family, directory, dirs_exist_ok=True, ignore=_LEFT_OUT)
    command = code.npm_command(work) if code.has_packages(work, app.family) else ""
    for name, text in LANGUAGES[app.family].files.items():
        if not (work / name).exists():
            (work / name).write_text(text, encoding="utf-8")
    for name, text in _texts(app, origin, command).items():
        (directory / name).write_text(text, encoding="utf-8")
    _write_manifests(app, directory / "manifests")


def _texts(app: App, origin: str, command: str) -> dict[str, str]:
    """Return the files beside code and server; `command` installs packages, "" if the code lists none."""
    language, runtime = LANGUAGES[app.family], app.resolved.source.runtime
    fixed = {"FUNC_RUNTIME": app.resolved.source.runtime_name, **runtime.env, **language.variables}
    install = language.packages.format(command=command) if command else ""
    own = variables.known(app.container, runtime.paths, [entry["name"] for entry in app.resolved.pod.env])
    return {
        "Dockerfile": dockerfile(app.family, app.image, fixed, install, is_custom=app.is_custom),
        ".dockerignore": _ignored(app.family, has_packages=bool(command)),
        "env.sh": variables.exports(own),
        "start.sh": _start(app.family, command),
        "README.md": _readme(app, origin, has_packages=bool(command)),
    }


def _write_code(app: App, work: Path) -> str:
    """Write the code; return where it comes from."""
    inline, fetch = app.function.spec.source.inline, app.resolved.source.fetch
    if inline:
        code.write_inline(inline, app.resolved.source.runtime, work)
    elif app.origin and fetch:
        return code.write_repository(app.origin, app.commit, fetch.max_bytes, work)
    return "its manifest"


def _ignored(family: str, *, has_packages: bool) -> str:
    names = [*LANGUAGES[family].ignored, ".ejected", "README.md", "env.sh", "manifests", "start.sh"]
    if has_packages:
        names += ["function/.installed", "function/.local", "function/node_modules"]
    return "".join(f"{name}\n" for name in names)


def _start(family: str, command: str) -> str:
    language = LANGUAGES[family]
    install = language.local_packages.format(command=command)
    packages = _PACKAGES.format(list=LISTS[family].first, install=install) if command else ""
    return _START.format(setup=language.setup, packages=packages, local=language.local, start=language.start)


def _readme(app: App, origin: str, *, has_packages: bool) -> str:
    source, pod = app.resolved.source, deployment_of(app.manifests)["spec"]["template"]["spec"]
    rows = list(variables.from_elsewhere(app.container, pod["volumes"], source.runtime.paths))
    version = source.runtime.interpreter.version_of(source.runtime_name)
    return readme(app.name, origin, app.family, version, rows, has_packages=has_packages)


def _write_manifests(app: App, directory: Path) -> None:
    directory.mkdir()
    made = with_own_image(app.manifests, app.name)
    (directory / f"{app.name}.yaml").write_text("---\n".join(map(to_yaml, made)), encoding="utf-8")
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"{app.name}.yaml"],
        "images": [{"name": app.name, "newName": f"registry.example.com/{app.name}", "newTag": "1"}],
    }
    (directory / "kustomization.yaml").write_text(to_yaml(kustomization), encoding="utf-8")
