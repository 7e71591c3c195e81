"""
The scripts of each language family for sources that Flux fetches. Like those in runtimes.py they are constants.

They use only files in the working directory, which the fetch script fills, and programs of the runtime images.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FetchedScripts:
    """
    `fetch` fills the working directory, `install` installs the packages that a list in it names, `start` serves it.

    Variables of `fetch`: SOURCE_URL and SOURCE_DIGEST ("sha256:" and 64 digits) of a tar.gz file, SOURCE_REVISION in
    it, SOURCE_PATH, the directory in it whose content goes into the working directory ("." for all), and
    SOURCE_MAX_BYTES, the size of the volume. Without a list of packages `install` succeeds and does nothing.
    """

    fetch: str
    install: str
    start: str


NODEJS = FetchedScripts(
    fetch="""\
exec node /usr/src/app/fetch-source.mjs
""",
    # npm ci installs exactly what the lock file names, and fails if that does not match package.json.
    install="""\
set -e
[ -f package.json ] || exit 0
export HOME=/tmp NPM_CONFIG_CACHE=/tmp/.npm NPM_CONFIG_USERCONFIG=/etc/package-registry-config/.npmrc
command=install
if [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then command=ci; fi
exec npm "$command" --include=dev --no-audit --no-fund --no-update-notifier --progress=false
""",
    start="""\
set -e
[ -f package.json ] || printf '{}' > package.json
cd ..
exec node server.mjs
""",
)

# uv reads neither pip.conf nor variables such as PIP_INDEX_URL: where one of them names another source of packages, pip
# installs. SSL_CERT_FILE, which uv reads, has the format of PIP_CERT.
INSTALL_REQUIREMENTS = """\
elsewhere='^PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|PROXY|CLIENT_CERT|CONSTRAINT|CONFIG_FILE)='
only_pip='--(config-settings|global-option)'
if command -v uv > /dev/null 2>&1 && [ ! -f "$config" ] && ! env | grep -Eq "$elsewhere" \
  && ! grep -Eq -e "$only_pip" requirements.txt; then
  if [ -n "${PIP_CERT:-}" ]; then export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"; fi
  hashes=''
  if grep -q -e '--hash' requirements.txt; then hashes=--require-hashes; fi
  exec uv pip install --no-cache --compile-bytecode --index-strategy unsafe-best-match $hashes --target .local \
    --requirement requirements.txt
fi
if [ -f "$config" ]; then export PIP_CONFIG_FILE="$config"; fi
exec pip install --no-cache-dir --disable-pip-version-check --target .local --requirement requirements.txt
"""
"""The end of both install scripts for Python: it installs requirements.txt, and reads the path in $config."""

PYTHON = FetchedScripts(
    fetch="""\
exec python /fetch_source.py
""",
    install="""\
set -e
[ -f requirements.txt ] || exit 0
export HOME=/tmp
config=/etc/package-registry-config/pip.conf
"""
    + INSTALL_REQUIREMENTS,
    start="""\
set -e
export PYTHONPATH="/kubeless/.local${PYTHONPATH:+:$PYTHONPATH}"
cd ..
if [ -f kubeless.py ]; then exec python kubeless.py; fi
exec python server.py
""",
)
