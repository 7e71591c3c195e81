"""
How one language family is started: paths, file names, scripts, environment.

Scripts are constants: no text of a user is ever part of one, it arrives in environment variables only. They are
written for dash, bash and busybox ash alike, and work in Kyma's images as well as ours (same paths, same start
files). printf, never echo: dash's echo rewrites backslashes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """
    `start` and `install` run under `sh -c` in `work_dir`; a user's env may replace `env` but not `paths`.

    `needs` are the files and directories that a mount would break, beside `work_dir` itself.
    """

    work_dir: str
    needs: tuple[str, ...]
    start: str
    install: str
    env: Mapping[str, str]
    paths: frozenset[str]
    dependencies_are_json: bool


SOURCE, SOURCE_2, DEPENDENCIES = "FUNC_HANDLER_SOURCE", "FUNC_HANDLER_SOURCE_2", "FUNC_HANDLER_DEPENDENCIES"

ENV_STRING_BYTES = 131_071
"""Linux' longest "NAME=value" without its final NUL (MAX_ARG_STRLEN - 1); one byte more and exec fails."""

REGISTRY_CONFIG_DIR = "/etc/package-registry-config"
"""Where the optional Secret with .npmrc or pip.conf is mounted in the install step."""

_NODEJS = Runtime(
    work_dir="/usr/src/app/function",
    needs=(
        *("/usr/src/app/lib", "/usr/src/app/node_modules", "/usr/src/app/package.json", "/usr/src/app/server.mjs"),
        *(
            f"/usr/src/app/function/{name}"
            for name in ("handler.js", "node_modules", "package-lock.json", "package.json")
        ),
    ),
    # Without a package.json of its own the server's would decide between CommonJS and ES modules.
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
exec npm install --omit=dev --no-audit --no-fund --no-update-notifier --progress=false
""",
    env=MappingProxyType({"HANDLER_PATH": "./function/handler.js"}),
    paths=frozenset({"HANDLER_PATH"}),
    dependencies_are_json=True,
)

_PYTHON = Runtime(
    work_dir="/kubeless",
    needs=(
        *("/function_server", "/kubeless.py", "/server.py"),
        *(f"/kubeless/{name}" for name in (".local", "handler.py", "requirements.txt")),
    ),
    # Custom images made for older Kyma releases bring kubeless.py in place of server.py.
    start="""\
set -e
printf '%s%s' "$FUNC_HANDLER_SOURCE" "$FUNC_HANDLER_SOURCE_2" > handler.py
export PYTHONPATH="/kubeless/.local${PYTHONPATH:+:$PYTHONPATH}"
cd ..
if [ -f kubeless.py ]; then exec python kubeless.py; fi
exec python server.py
""",
    # uv reads neither pip.conf nor PIP_INDEX_URL and the like: where these name another source of packages, pip has to
    # do the work. A certificate authority that is meant for pip is the same file to uv.
    install="""\
set -e
export HOME=/tmp
config=/etc/package-registry-config/pip.conf
printf '%s' "$FUNC_HANDLER_DEPENDENCIES" > requirements.txt
elsewhere='^PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|PROXY|CLIENT_CERT|CONSTRAINT|CONFIG_FILE)='
if command -v uv > /dev/null 2>&1 && [ ! -f "$config" ] && ! env | grep -Eq "$elsewhere"; then
  if [ -n "${PIP_CERT:-}" ]; then export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"; fi
  exec uv pip install --no-cache --compile-bytecode --target .local --requirement requirements.txt
fi
if [ -f "$config" ]; then export PIP_CONFIG_FILE="$config"; fi
exec pip install --no-cache-dir --disable-pip-version-check --target .local --requirement requirements.txt
""",
    env=MappingProxyType(
        {
            "PYTHONUNBUFFERED": "TRUE",
            "MOD_NAME": "handler",
            "FUNC_HANDLER": "main",
            "FUNCTION_PATH": "/kubeless",
        }
    ),
    paths=frozenset({"FUNCTION_PATH"}),
    dependencies_are_json=False,
)

FAMILIES: Mapping[str, Runtime] = MappingProxyType({"nodejs": _NODEJS, "python": _PYTHON})

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
"""Names a user may not give: Kyma's eight and our second source chunk."""


def room(name: str) -> int:
    """Return how many bytes the value of environment variable `name` may hold."""
    return ENV_STRING_BYTES - len(name) - 1
