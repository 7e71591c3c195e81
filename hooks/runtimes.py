"""
The language families: FAMILIES has one row for each, with everything that the language decides.

Config, admission policy, chart, images and `buildless run` read the rows; tests/core/test_families.py checks the rest.
The scripts are constants: a user's text reaches them in environment variables only. They run in dash, bash and busybox
ash, in Kyma's images as well as in those of runtimes/ (same paths, same start files). They use printf, since dash's
echo interprets backslashes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from hooks.fetched_scripts import INSTALL_REQUIREMENTS, NODEJS, PYTHON, FetchedScripts

DependenciesFormat = Literal["package.json", "requirements.txt"]
"""How spec.source.inline.dependencies is written; hooks/rules/source.py has the check of each format."""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """
    The programs that run a family's server on this machine, where `buildless run` has no image.

    `programs` have to be on PATH. `version_in_name` matches a runtime's name; its groups are the parts of the version.
    """

    title: str
    programs: tuple[str, ...]
    version_in_name: re.Pattern[str]

    def version_of(self, runtime: str) -> str:
        """Return the version in a runtime's name, such as "22" or "3.12"; "" if the name has none."""
        found = self.version_in_name.match(runtime)
        return ".".join(found.groups()) if found else ""


@dataclass(frozen=True, kw_only=True)
class Family:
    """
    One language.

    name                 the value of `family` in the config, and the folder in runtimes/
    image_version        the release that last changed the images. Not the newest release, or each release would restart
                         every Function; tests/core/test_pod_templates.py fails when it has to be raised
    build_argument       the Dockerfile's argument for the language's version
    work_dir             where the scripts run, under `sh -c`; `start` and `install` are for inline sources
    fetched              the scripts for sources that Flux fetches
    needs                files and directories, other than `work_dir`, that a mount must not cover
    env                  variables of the server, which a user's env may replace, except for those named in `paths`
    handler_file         the file in `work_dir` that `start` writes
    dependencies_format  also the name of the file in `work_dir` that `install` writes
    newer_style_from     the first version whose handlers are main(request, response) or main(), as in Kyma
    sample               a handler that answers every request with "it works", in every runtime of the family
    """

    name: str
    image_version: str
    build_argument: str
    work_dir: str
    needs: tuple[str, ...]
    start: str
    install: str
    fetched: FetchedScripts
    env: Mapping[str, str]
    paths: frozenset[str]
    handler_file: str
    dependencies_format: DependenciesFormat
    interpreter: Interpreter
    newer_style_from: tuple[int, ...]
    sample: str

    def has_newer_style(self, runtime: str) -> bool:
        """Return whether handlers of a runtime are of the newer style; a name without a version has the older one."""
        version = self.interpreter.version_of(runtime)
        return bool(version) and tuple(map(int, version.split("."))) >= self.newer_style_from


SOURCE_URL, SOURCE_DIGEST, SOURCE_REVISION = "SOURCE_URL", "SOURCE_DIGEST", "SOURCE_REVISION"
SOURCE_PATH, SOURCE_MAX_BYTES = "SOURCE_PATH", "SOURCE_MAX_BYTES"
"""The variables of FetchedScripts.fetch (hooks/fetched_scripts.py)."""
SOURCE, SOURCE_2, DEPENDENCIES = "FUNC_HANDLER_SOURCE", "FUNC_HANDLER_SOURCE_2", "FUNC_HANDLER_DEPENDENCIES"

ENV_STRING_BYTES = 131_071
"""The longest "NAME=value" on Linux, without its final NUL (MAX_ARG_STRLEN - 1); with one more byte exec fails."""

REGISTRY_CONFIG_DIR = "/etc/package-registry-config"
"""Where the install step mounts the optional Secret with .npmrc or pip.conf."""

_NODEJS = Family(
    name="nodejs",
    image_version="0.1.0",
    build_argument="NODE_VERSION",
    work_dir="/usr/src/app/function",
    needs=(
        *("/usr/src/app/lib", "/usr/src/app/node_modules", "/usr/src/app/package.json", "/usr/src/app/server.mjs"),
        "/usr/src/app/fetch-source.mjs",
        *(
            f"/usr/src/app/function/{name}"
            for name in ("handler.js", "node_modules", "package-lock.json", "package.json")
        ),
    ),
    # Node.js takes the module system from the nearest package.json: without one here, from the server's.
    start="""\
set -e
printf '%s%s' "$FUNC_HANDLER_SOURCE" "$FUNC_HANDLER_SOURCE_2" > handler.js
[ -f package.json ] || printf '{}' > package.json
cd ..
exec node server.mjs
""",
    install="""\
set -e
export HOME=/tmp NPM_CONFIG_CACHE=/tmp/.npm NPM_CONFIG_USERCONFIG=/etc/package-registry-config/.npmrc
printf '%s' "$FUNC_HANDLER_DEPENDENCIES" > package.json
exec npm install --include=dev --no-audit --no-fund --no-update-notifier --progress=false
""",
    fetched=NODEJS,
    env=MappingProxyType({"HANDLER_PATH": "./function/handler.js"}),
    paths=frozenset({"HANDLER_PATH"}),
    handler_file="handler.js",
    dependencies_format="package.json",
    interpreter=Interpreter(title="Node.js", programs=("node", "npm"), version_in_name=re.compile(r"nodejs-?([0-9]+)")),
    newer_style_from=(26,),
    # The second argument is a context, or from nodejs26 on a response.
    sample="module.exports = { main: (_, second) => (second.send ? second.send('it works') : 'it works') };\n",
)

_PYTHON = Family(
    name="python",
    image_version="0.1.0",
    build_argument="PYTHON_VERSION",
    work_dir="/kubeless",
    needs=(
        *("/fetch_source.py", "/function_server", "/kubeless.py", "/sdk.py", "/server.py"),
        *(f"/kubeless/{name}" for name in (".local", "handler.py", "requirements.txt")),
    ),
    # Custom images for older Kyma releases have kubeless.py instead of server.py.
    start="""\
set -e
printf '%s%s' "$FUNC_HANDLER_SOURCE" "$FUNC_HANDLER_SOURCE_2" > handler.py
export PYTHONPATH="/kubeless/.local${PYTHONPATH:+:$PYTHONPATH}"
cd ..
if [ -f kubeless.py ]; then exec python kubeless.py; fi
exec python server.py
""",
    install="""\
set -e
export HOME=/tmp
config=/etc/package-registry-config/pip.conf
if [ -f "$config" ]; then export PIP_CONFIG_FILE="$config"; fi
printf '%s' "$FUNC_HANDLER_DEPENDENCIES" > requirements.txt
"""
    + INSTALL_REQUIREMENTS,
    fetched=PYTHON,
    env=MappingProxyType(
        {
            "PYTHONUNBUFFERED": "TRUE",
            "MOD_NAME": "handler",
            "FUNC_HANDLER": "main",
            "FUNCTION_PATH": "/kubeless",
        }
    ),
    paths=frozenset({"FUNCTION_PATH"}),
    handler_file="handler.py",
    dependencies_format="requirements.txt",
    interpreter=Interpreter(title="Python", programs=(), version_in_name=re.compile(r"python-?([0-9])[.-]?([0-9]+)")),
    newer_style_from=(3, 14),
    sample="def main(*arguments):\n    return 'it works'\n",
)

FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in (_NODEJS, _PYTHON)})

RESERVED_ENV = frozenset(
    {
        "FUNC_RUNTIME",
        "FUNC_HANDLER",
        "FUNC_PORT",
        SOURCE,
        SOURCE_2,
        DEPENDENCIES,
        "MOD_NAME",
        "NODE_PATH",
        "PYTHONPATH",
    }
)
"""Names that a user's env must not contain: Kyma's eight, and the second part of the source."""


def max_value_bytes(name: str) -> int:
    """Return the maximum length in bytes of the value of environment variable `name`."""
    return ENV_STRING_BYTES - len(name) - 1
