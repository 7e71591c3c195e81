"""
The environment variables of a pod's containers.

The kubelet expands $(NAME) and turns $$ into $ in every value. The hook therefore doubles each $ in its own values, so
that the source reaches the container byte for byte. The user's variables are not escaped: $(NAME) works there.
Source: k8s.io/kubernetes third_party/forked/golang/expansion.
"""

import re
from collections.abc import Iterator

from hooks.manifest import Manifest
from hooks.resolved import Artifact, Fetch, Install, ResolvedFunction
from hooks.runtimes import (
    DEPENDENCIES,
    SOURCE,
    SOURCE_2,
    SOURCE_DIGEST,
    SOURCE_MAX_BYTES,
    SOURCE_PATH,
    SOURCE_REVISION,
    SOURCE_URL,
    max_value_bytes,
)

_REFERENCE = re.compile(r"\$\$|\$\(([^)]*+)(\))?")
"""An escaped $ or a reference. Without its closing parenthesis a reference takes the rest of the value."""


def main_container_env(function: ResolvedFunction) -> list[Manifest]:
    """Return the main container's variables, each name once: the hook's, the user's in their order, the source."""
    if function.source.fetch:
        return _shared_env(function)
    return [*_shared_env(function), *(_variable(name, chunk) for name, chunk in source_chunks(function.source.text))]


def install_container_env(function: ResolvedFunction, install: Install) -> list[Manifest]:
    """Return the install container's variables: the main container's, if `gets_inputs`, then the dependencies."""
    shared = _shared_env(function) if install.gets_inputs else []
    return shared if function.source.fetch else [*shared, _variable(DEPENDENCIES, install.dependencies)]


def fetch_container_env(fetch: Fetch, artifact: Artifact) -> list[Manifest]:
    """Return the variables of the container that downloads and unpacks an artifact; none of them is the user's."""
    values = {
        SOURCE_URL: artifact.url,
        SOURCE_DIGEST: artifact.digest,
        SOURCE_REVISION: artifact.revision,
        SOURCE_PATH: fetch.path,
        SOURCE_MAX_BYTES: str(fetch.max_bytes),
    }
    return [_variable(name, value) for name, value in values.items()]


def _shared_env(function: ResolvedFunction) -> list[Manifest]:
    """Return the hook's variables, then the user's, which replace those of the same name."""
    ours = {
        "FUNC_NAME": function.identity.name,
        "FUNC_RUNTIME": function.source.runtime_name,
        "SERVICE_NAMESPACE": function.identity.namespace,
        "TRACE_COLLECTOR_ENDPOINT": function.platform.trace_collector_endpoint,
        "PUBLISHER_PROXY_ADDRESS": function.platform.publisher_proxy_address,
        **function.source.runtime.env,
    }
    users = [entry for entry in function.pod.env if entry["name"] not in function.source.runtime.paths]
    replaced = {name: ours.pop(name) for name in [entry["name"] for entry in users] if name in ours}
    variables = [_variable(name, value) for name, value in ours.items()]
    return [*variables, *(_with_replaced_values(users, replaced) if replaced else users)]


def _with_replaced_values(users: list[Manifest], replaced: dict[str, str]) -> Iterator[Manifest]:
    """
    Yield the user's variables; a reference to a `replaced` variable before its replacement gets the hook's value.

    Kyma keeps both variables, the user's last, so there such a reference expands to Kyma's value.
    """
    for entry in users:
        value = entry.get("value", "")
        yield entry | {"value": _expand(value, replaced)} if "$(" in value and replaced else entry
        replaced = {name: ours for name, ours in replaced.items() if name != entry["name"]}


def _expand(value: str, known: dict[str, str]) -> str:
    """Return `value` with references to `known` variables expanded, and other references unchanged."""

    def expansion(match: re.Match[str]) -> str:
        name, closing = match.groups()
        return escape(known[name]) if closing and name in known else match[0]

    return _REFERENCE.sub(expansion, value)


def referenced_variables(value: str) -> set[str]:
    """Return the names of the variables that a value references."""
    return {match[1] for match in _REFERENCE.finditer(value) if match[2]} if "$(" in value else set()


def source_chunks(source: str) -> Iterator[tuple[str, str]]:
    """
    Yield the names and values of the source's two variables; the second is empty if the source fits into one.

    The second is always set. Otherwise a key of that name in envFrom would be appended to the source.
    """
    data = source.encode()
    cut = max_value_bytes(SOURCE)
    while 0 < cut < len(data) and data[cut] & 0xC0 == 0x80:
        cut -= 1  # a UTF-8 continuation byte
    yield SOURCE, data[:cut].decode()
    yield SOURCE_2, data[cut:].decode()


def escape(text: str) -> str:
    """Return the value that the kubelet expands to exactly `text`."""
    return text.replace("$", "$$")


def _variable(name: str, value: str) -> Manifest:
    """Return an entry of `env`. An empty value is omitted: the API server drops it, and it means the same."""
    return {"name": name, "value": escape(value)} if value else {"name": name}
