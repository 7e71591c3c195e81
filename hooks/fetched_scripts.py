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

# uv is many times faster, and decides as pip does for requirements with indexes and hashes. It reads neither pip.conf
# nor pip's variables, not every option, and continued lines only before a hash: there pip installs. For certificates uv
# reads SSL_CERT_FILE only.
INSTALL_REQUIREMENTS = r"""
for_uv='CERT|DEFAULT_TIMEOUT|DISABLE_PIP_VERSION_CHECK|NO_CACHE_DIR|NO_INPUT|PROGRESS_BAR|ROOT_USER_ACTION'
for_pip=$(tr '\t\r' '  ' < requirements.txt | sed -nE 's/(^| )#.*//;h;s/(^| )(-i|--(extra-)?index-url|--hash)[= ]/ /g
/(^| )--?[A-Za-z]/p;g;/[\] *$/{$!N;/[\] *\n *--hash/!p;D;}')
if command -v uv > /dev/null 2>&1 && [ -z "$for_pip" ] && ! env | grep '^PIP_' | grep -Evq "^PIP_($for_uv)="; then
  ca="${PIP_CERT:-${REQUESTS_CA_BUNDLE:-${CURL_CA_BUNDLE:-}}}"
  if [ -n "$ca" ]; then export SSL_CERT_FILE="$ca"; fi
  if grep -Eq '^([^#]|[^# ]#)*--hash' requirements.txt; then hashes=--require-hashes; else hashes=; fi
  exec uv pip install --no-cache --compile-bytecode --index-strategy unsafe-best-match $hashes --target .local \
    --requirement requirements.txt
fi
exec pip install --no-cache-dir --disable-pip-version-check --target .local --requirement requirements.txt
""".lstrip()
"""The end of both install scripts for Python: it installs requirements.txt."""

PYTHON = FetchedScripts(
    fetch="""\
exec python /fetch_source.py
""",
    install="""\
set -e
[ -f requirements.txt ] || exit 0
export HOME=/tmp
config=/etc/package-registry-config/pip.conf
if [ -f "$config" ]; then export PIP_CONFIG_FILE="$config"; fi
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
