"""
The environment of a pod's containers, and how a user's text reaches them byte for byte.

The kubelet expands $(NAME) and folds $$ to $ in every value, so our own text goes out with each $ doubled. A user's
env is left as written: there $(NAME) is a feature.
Source: k8s.io/kubernetes third_party/forked/golang/expansion.
"""

from collections.abc import Iterator

from hooks.manifest import Manifest
from hooks.resolve import ResolvedFunction
from hooks.runtimes import DEPENDENCIES, SOURCE, SOURCE_2, room


def of_function(function: ResolvedFunction) -> list[Manifest]:
    """Return the main container's variables: each name once, what the user gives over ours, but for the last."""
    entries = [
        _value("FUNC_NAME", function.name),
        _value("FUNC_RUNTIME", function.runtime_name),
        _value("SERVICE_NAMESPACE", function.namespace),
        _value("TRACE_COLLECTOR_ENDPOINT", function.trace_collector_endpoint),
        _value("PUBLISHER_PROXY_ADDRESS", function.publisher_proxy_address),
        *(_value(name, value) for name, value in function.runtime.env.items()),
        *(entry for entry in function.env if entry["name"] not in function.runtime.paths),
        *(_value(name, chunk) for name, chunk in source_chunks(function.source)),
    ]
    return list({entry["name"]: entry for entry in entries}.values())


def of_install(function: ResolvedFunction) -> list[Manifest]:
    """Return the install step's variables: the list of dependencies."""
    return [_value(DEPENDENCIES, function.dependencies)]


def source_chunks(source: str) -> Iterator[tuple[str, str]]:
    """
    Yield the source's two variables, in order: the second is empty unless the source is longer than one may be.

    It is always set, or a key of that name in envFrom would be added to the source.
    """
    data = source.encode()
    cut = room(SOURCE)
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
