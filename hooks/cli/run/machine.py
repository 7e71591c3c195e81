"""What the containers of a local pod get of this machine's environment."""

import os
from collections.abc import Mapping
from pathlib import Path

_CERTIFICATES = ("SSL_CERT_", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")
_REGISTRIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "PIP_", "UV_", "NPM_CONFIG_")
_QUICK_TO_FAIL = {
    "UV_SYSTEM_CERTS": "true",
    "UV_HTTP_RETRIES": "1",
    "NPM_CONFIG_FETCH_RETRIES": "1",
    "NPM_CONFIG_FETCH_RETRY_MINTIMEOUT": "1000",
    "NPM_CONFIG_FETCH_RETRY_MAXTIMEOUT": "2000",
}
"""A registry that cannot be reached is reported after seconds, not minutes."""
_SETTINGS = {
    "PIP_CONFIG_FILE": ("~/.config/pip/pip.conf", "~/.pip/pip.conf", "~/Library/Application Support/pip/pip.conf"),
    "UV_CONFIG_FILE": ("~/.config/uv/uv.toml",),
    "NPM_CONFIG_USERCONFIG": ("~/.npmrc",),
}
"""The variable and the usual places of each installer's settings, which it would not find: HOME is a directory."""


def environment_of_server() -> dict[str, str]:
    """Return this machine's variables that name certificates: a handler's calls may pass the same proxy as ours."""
    return _inherited(_CERTIFICATES)


def environment_of_installer() -> dict[str, str]:
    """Return this machine's settings for package registries: proxies, mirrors, passwords and certificates."""
    return {**_QUICK_TO_FAIL, **_files_of_settings(), **_inherited(_REGISTRIES), **environment_of_server()}


def write_settings(home: Path) -> None:
    """Let pip fail soon, in a file: the install step takes a variable of pip as a reason not to use uv."""
    (home / ".pip").mkdir()
    (home / ".pip/pip.conf").write_text("[global]\nretries = 1\n")


def _inherited(prefixes: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.upper().startswith(prefixes)}


def _files_of_settings() -> Mapping[str, str]:
    """Return the first file of each installer that exists."""
    found = {name: [Path(each).expanduser() for each in places] for name, places in _SETTINGS.items()}
    existing = {name: [each for each in places if each.is_file()] for name, places in found.items()}
    return {name: str(places[0]) for name, places in existing.items() if places}
