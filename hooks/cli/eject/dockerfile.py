"""The Dockerfile of an app: that of the runtime's image, with the base image of one version, and the code."""

import json
import re

from hooks.cli.eject.languages import LANGUAGES
from hooks.cli.runtime_cache import RUNTIMES
from hooks.runtimes import FAMILIES

_STAGE = re.compile(r"^FROM (\S+) AS [a-z]+([0-9.]+)$", re.MULTILINE)
_NO_FETCH = re.compile(r" fetch[-_]source\.\w+")
"""Only pods of Functions download their source."""
SYNTAX = "# syntax=docker/dockerfile:1\n"


def base_images(family: str) -> dict[str, str]:
    """Return the base image of each version of a family, with its digest."""
    return {version: image for image, version in _STAGE.findall(_runtime(family))}


def dockerfile(family: str, image: str, variables: dict[str, str], install: str, *, is_custom: bool) -> str:
    """
    Return the Dockerfile of an app whose code is in function/.

    `image` is the base image or, with `is_custom`, one that has the server. `install` is the command that installs the
    packages of the code, "" for none.
    """
    language, work = LANGUAGES[family], FAMILIES[family].work_dir
    server = "" if is_custom else _server(family)
    settings = f"RUN --mount=type=secret,id=registry {language.settings}=/run/secrets/registry"
    run = f"{settings} \\\n    {install}\n" if install else ""
    env = "".join(f"ENV {name}={_quoted(value)}\n" for name, value in variables.items())
    command = f"CMD {json.dumps(['sh', '-c', language.server])}\n" if is_custom else ""
    return (
        f"{SYNTAX}FROM {image}\n{server}\n# The code and its packages.\nUSER 0\nWORKDIR {work}\nCOPY function ./\n"
        f"{run}{env}WORKDIR {language.root}\nUSER 1000\n{command}"
    )


def _server(family: str) -> str:
    """Return the steps that install the server."""
    steps = _runtime(family).rpartition("\nFROM ")[2].partition("\n")[2]
    return _NO_FETCH.sub("", steps)


def _runtime(family: str) -> str:
    return (RUNTIMES / family / "Dockerfile").read_text(encoding="utf-8")


def _quoted(value: str) -> str:
    """Return a value for ENV, in which $ and backslashes mean themselves."""
    return '"' + re.sub(r'([\\"$])', r"\\\1", value) + '"'
