"""
The environment of a pod's containers, and how a user's text reaches them byte for byte.

The kubelet expands $(NAME) and folds $$ to $ in every value, so our own text goes out with each $ doubled. A user's
env is left as written: there $(NAME) is a feature.
Source: k8s.io/kubernetes third_party/forked/golang/expansion.
"""

import re
from collections.abc import Iterator

from hooks.manifest import Manifest
from hooks.resolve import ResolvedFunction
from hooks.runtimes import DEPENDENCIES, SOURCE, SOURCE_2, max_value_bytes

_REFERENCE = re.compile(r"\$\$|\$\(([^)]*+)(\))?")
"""What the kubelet reads in a value: an escaped $, or a reference. Behind one that does not end there is no other."""


def of_function(function: ResolvedFunction) -> list[Manifest]:
    """Return the main container's variables, each name once: ours, the user's in their order, the source."""
    return [*_common(function), *(_value(name, chunk) for name, chunk in source_chunks(function.source))]


def of_install(function: ResolvedFunction) -> list[Manifest]:
    """Return the install step's variables: those of the main container, if the operator lets them in, and the list."""
    common = _common(function) if function.install_environment else []
    return [*common, _value(DEPENDENCIES, function.dependencies)]


def _common(function: ResolvedFunction) -> list[Manifest]:
    """Return our variables and then the user's, where one of the user's takes the place of ours of the same name."""
    ours = {
        "FUNC_NAME": function.name,
        "FUNC_RUNTIME": function.runtime_name,
        "SERVICE_NAMESPACE": function.namespace,
        "TRACE_COLLECTOR_ENDPOINT": function.trace_collector_endpoint,
        "PUBLISHER_PROXY_ADDRESS": function.publisher_proxy_address,
        **function.runtime.env,
    }
    given = [entry for entry in function.env if entry["name"] not in function.runtime.paths]
    replaced = {name: ours.pop(name) for name in [entry["name"] for entry in given] if name in ours}
    first = [_value(name, value) for name, value in ours.items()]
    return [*first, *(_with_replaced(given, replaced) if replaced else given)]


def _with_replaced(given: list[Manifest], replaced: dict[str, str]) -> Iterator[Manifest]:
    """
    Yield the user's variables, where one that refers to a variable of ours ahead of its replacement has our value.

    Kyma sets both, ours first, so that such a reference finds ours.
    """
    for entry in given:
        value = entry.get("value", "")
        yield entry | {"value": _expanded(value, replaced)} if "$(" in value and replaced else entry
        replaced = {name: ours for name, ours in replaced.items() if name != entry["name"]}


def _expanded(value: str, known: dict[str, str]) -> str:
    """Return a value with its references to the known variables in their place; all others stay."""
    return _REFERENCE.sub(lambda found: escaped(known[found[1]]) if found[2] and found[1] in known else found[0], value)


def references(value: str) -> set[str]:
    """Return the names of the variables to which a value refers."""
    return {found[1] for found in _REFERENCE.finditer(value) if found[2]} if "$(" in value else set()


def source_chunks(source: str) -> Iterator[tuple[str, str]]:
    """
    Yield the source's two variables, in order: the second is empty unless the source is longer than one may be.

    It is always set, or a key of that name in envFrom would be added to the source.
    """
    data = source.encode()
    cut = max_value_bytes(SOURCE)
    while 0 < cut < len(data) and data[cut] & 0xC0 == 0x80:
        cut -= 1  # not inside a character
    yield SOURCE, data[:cut].decode()
    yield SOURCE_2, data[cut:].decode()


def escaped(text: str) -> str:
    """Return what the kubelet expands to exactly `text`."""
    return text.replace("$", "$$")


def _value(name: str, value: str) -> Manifest:
    """An empty value is left out: it means the same, and the API server drops it."""
    return {"name": name, "value": escaped(value)} if value else {"name": name}
