"""
Functions whose code is in files beside their YAML: handler.py with requirements.txt, or handler.js with package.json.

A Function without spec.source gets the content of these files as its inline source.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from hooks.cli.document import Document
from hooks.cli.problem import Problem, Unusable
from hooks.manifest import value_at
from hooks.moved_fields import MOVED, VERSIONS, build

HANDLERS: Mapping[str, str] = MappingProxyType(
    {
        "handler.py": "requirements.txt",
        "handler.js": "package.json",
        "handler.mjs": "package.json",
        "handler.ts": "package.json",
    }
)
"""The file of the dependencies for each file of a handler; one of them may be in a directory."""
SIBLINGS = (*HANDLERS, *sorted(set(HANDLERS.values())), ".env")
"""All files beside the YAML that belong to a Function."""
_MEANS_SOMETHING = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "type", "main")
"""The fields of package.json that a pod needs; without any of them nothing is installed."""


def with_source(document: Document) -> Document:
    """Return a Function with the source of the files beside it, if it has none; raises Unusable if they conflict."""
    spec, directory = value_at(document.value, "spec"), Path(document.file).parent
    if not isinstance(spec, dict) or "source" in spec or document.file == "-":
        return document
    handlers = [name for name in HANDLERS if (directory / name).is_file()]
    if not handlers:
        return document
    if len(handlers) > 1:
        raise Unusable([Problem(file=str(directory), message=f"only one of {', '.join(handlers)} may be here")])
    handler, dependencies = directory / handlers[0], directory / HANDLERS[handlers[0]]
    files, texts = {"inline": handler}, {"inline": _text(handler)}
    text = _text(dependencies) if dependencies.is_file() else ""
    if _is_needed(text, dependencies, handler):
        files["dependencies"], texts["dependencies"] = dependencies, text
    paths = MOVED["inline"].paths(document.value.get("apiVersion") == VERSIONS[1])
    origins = {".".join(("spec.source", *path)): str(files[name]) for path, name in paths.items() if name in files}
    value = document.value | {"spec": spec | {"source": build(texts, paths)}}
    return replace(document, value=value, origins=origins)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Unusable([Problem(file=str(file), message=str(message))]) from None


def _is_needed(text: str, file: Path, handler: Path) -> bool:
    """Return whether a pod needs the dependencies; raises Unusable if package.json does not name the handler."""
    if file.name == "requirements.txt":
        return any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())
    try:
        package = json.loads(text or "{}")
    except ValueError:
        return True  # a rule reports it
    if handler.suffix != ".js" and value_at(package, "main") != handler.name:
        message = f'Required value: "{handler.name}", so that the server loads the handler under this name'
        raise Unusable([Problem(file=str(file), path="main", message=message)])
    return any(value_at(package, name) for name in _MEANS_SOMETHING)
