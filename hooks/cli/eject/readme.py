"""The README.md of an app."""

from collections.abc import Sequence

from hooks import __version__
from hooks.cli.eject.variables import Row
from hooks.cli.problem import printable

_TEXT = """\
# {name}

The Function `{name}` as an app that needs neither the hook nor Metacontroller. `buildless eject` {version} made it.
The code is that of {origin}.

| path | content |
| --- | --- |
| `function/` | the code |
| `Dockerfile`, `.dockerignore` | the image |
| `manifests/` | the objects for a cluster |
| `start.sh`, `env.sh` | the start on this machine |
| the rest | the server that calls the code |

## Run it on this machine

```sh
sh start.sh
```

It needs {programs}. The packages are installed into this directory. The app
answers at http://127.0.0.1:8080; `PORT` chooses another port. `env.sh` has the variables.
{elsewhere}
## Build the image

```sh
docker build -t registry.example.com/{name}:1 .
docker push registry.example.com/{name}:1
```

{private}The image runs as user 1000. In a pod the code is read-only; `/tmp` can be written to.

## Run it in a cluster

Write the image into `manifests/kustomization.yaml`. The Secrets and ConfigMaps that the manifests name have to exist.

```sh
kubectl apply -k manifests
```
"""
_ELSEWHERE = """
These come from elsewhere in the cluster. They are not in this directory: set the variables that the code needs in your
shell.

| variable or file | comes from |
| --- | --- |
{rows}
"""
_PRIVATE = """\
For private packages, pass the settings of {installer}: `docker build --secret id=registry,src={settings} ...`.
"""
_INSTALLERS = {
    "nodejs": ("Node.js {version} and npm", "npm", "$HOME/.npmrc"),
    "python": ("Python {version}, as `python3` or in `PYTHON`", "pip", "$HOME/.config/pip/pip.conf"),
}
"""A row for each of runtimes.FAMILIES: programs, installer, and where its settings are."""


def readme(name: str, origin: str, family: str, version: str, rows: Sequence[Row], *, has_packages: bool) -> str:
    """Return the text for an app with the code of `origin`; `rows` name what comes from elsewhere."""
    programs, installer, settings = _INSTALLERS[family]
    table = "\n".join(f"| `{_cell(what)}` | {_cell(place)} |" for what, place in rows)
    private = _PRIVATE.format(installer=installer, settings=settings)
    return _TEXT.format(
        name=name,
        version=__version__,
        origin=_cell(origin),
        programs=programs.format(version=version),
        elsewhere=_ELSEWHERE.format(rows=table) if rows else "",
        private=private + "\n" if has_packages else "",
    )


def _cell(text: str) -> str:
    """Return a text that stays in its cell."""
    return printable(text).replace("|", "\\|")
