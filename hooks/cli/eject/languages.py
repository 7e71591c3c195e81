"""How an app of each language family is built, installed and started: LANGUAGES has one row for each."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Language:
    """
    One family.

    root        the directory of the server in the image
    server      starts the server in it, also in a custom image, as the pods' start script does
    variables   of the server in the image, beside those of the family
    local       the same on this machine, as the words of `export`
    packages    installs what function/ lists, in that directory; {command} is `ci` where there is a lock file
    settings    the variable that names the file with settings for private registries
    setup       the lines of start.sh that install the packages of the server
    start       its last line
    files       what is written into function/ if it is missing
    ignored     what start.sh makes
    """

    root: str
    server: str
    variables: Mapping[str, str]
    local: str
    packages: str
    local_packages: str
    settings: str
    setup: str
    start: str
    files: Mapping[str, str]
    ignored: tuple[str, ...]


_NPM = "npm {command} --include=dev --no-audit --no-fund"
_PIP = "pip install --no-cache-dir --disable-pip-version-check --target .local --requirement requirements.txt"

LANGUAGES: Mapping[str, Language] = {
    "nodejs": Language(
        root="/usr/src/app",
        server="exec node server.mjs",
        variables={},
        local="HANDLER_PATH=./function/handler.js",
        packages=f"{_NPM} && rm -rf /tmp/.npm",
        local_packages=_NPM,
        settings="NPM_CONFIG_USERCONFIG",
        setup="""\
if ! cmp -s package-lock.json node_modules/.installed; then
  npm ci --omit=dev --no-audit --no-fund
  cp package-lock.json node_modules/.installed
fi
""",
        start="exec node server.mjs",
        # Node.js takes the module system from the nearest package.json: without this one, from the server's.
        files={"package.json": "{}\n"},
        ignored=("node_modules", ".compile-cache"),
    ),
    "python": Language(
        root="/",
        server="if [ -f kubeless.py ]; then exec python kubeless.py; fi; exec python server.py",
        variables={"PYTHONPATH": "/kubeless/.local"},
        local='FUNCTION_PATH="$PWD/function" PYTHONPATH="$PWD/function/.local"',
        packages=_PIP,
        local_packages=f"../.venv/bin/{_PIP}",
        settings="PIP_CONFIG_FILE",
        setup="""\
if ! cmp -s requirements.txt .venv/.installed; then
  "${PYTHON:-python3}" -m venv .venv
  .venv/bin/pip install --disable-pip-version-check --require-hashes --requirement requirements.txt
  cp requirements.txt .venv/.installed
fi
""",
        start="exec .venv/bin/python server.py",
        files={},
        ignored=(".venv", "**/__pycache__"),
    ),
}
"""A row for each of runtimes.FAMILIES."""
