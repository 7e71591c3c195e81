"""
Handlers in both styles that compare what they are given with the type stub in the file STUB.

The response is a list with a line for each difference.
"""

import __future__

import inspect
import os
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STUB = Path(os.environ["STUB"])
FLAGS = __future__.annotations.compiler_flag
DECLARED: dict[str, Any] = {"__name__": "stub"}
exec(compile(STUB.read_text(), STUB.name, "exec", FLAGS, dont_inherit=True), DECLARED)


def of_event(event: Any, context: Any) -> list[str]:
    """Compare `event` and `context` with Event and Context of the stub."""
    fields = [f"event[{name!r}]" for name in event if not (name.startswith("ce-") or name in ("data", "extensions"))]
    extensions = differences("extensions", event["extensions"], DECLARED["Extensions"])
    attributes = [
        f"event[{name!r}]" for name, value in event.items() if name.startswith("ce-") and not isinstance(value, str)
    ]
    return [
        *fields,
        *attributes,
        *extensions,
        *differences("event", event, DECLARED["Event"], dict),
        *differences("context", context, DECLARED["Context"]),
    ]


def of_sdk() -> list[str]:
    """Compare the package `sdk`, and what its functions without parameters return, with the stub."""
    import sdk  # noqa: PLC0415  (the older style has none)

    stub = {name: value for name, value in DECLARED.items() if inspect.isfunction(value)}
    own = {name for name, value in vars(sdk).items() if inspect.isfunction(value)}
    found = [f"sdk.{name}: only in {'sdk' if name in own else 'the stub'}" for name in sorted(own ^ set(stub))]
    for name in sorted(own & set(stub)):
        found += _calls(f"sdk.{name}", getattr(sdk, name), stub[name])
        if not inspect.signature(stub[name]).parameters:
            found += differences(f"sdk.{name}()", getattr(sdk, name)(), _hints(stub[name])["return"])
    return found


def differences(path: str, value: Any, hint: Any, base: type = object) -> list[str]:
    """Return a line for each part of a value that its type in the stub does not have, or has otherwise."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        each = [differences(path, value, option) for option in typing.get_args(hint)]
        return [] if [] in each else each[0]
    if typing.is_typeddict(hint):
        return _items(path, value, _hints(hint))
    if inspect.isclass(hint) and hint.__module__ == "stub":
        return _members(path, value, hint, base)
    return [] if hint is Any else _plain(path, value, hint)


def _plain(path: str, value: Any, hint: Any) -> list[str]:
    """Compare a value with a type that is no class of the stub."""
    if hint is typing.BinaryIO:
        return [] if isinstance(value.read(0), bytes) else [f"{path}: is no binary file"]
    wanted: Any = (int, float) if hint is float else typing.get_origin(hint) or hint
    if not isinstance(value, wanted):
        return [f"{path}: is {type(value).__name__}, not {hint}"]
    inner = typing.get_args(hint)
    parts = list(value.values() if isinstance(value, Mapping) else value) if inner else []
    if wanted is not tuple:
        inner = inner[-1:] * len(parts)
    return [line for part, each in zip(parts, inner, strict=True) for line in differences(f"{path}[]", part, each)]


def _items(path: str, value: dict[str, Any], hints: dict[str, Any]) -> list[str]:
    found = [f"{path}[{name!r}]: only in the stub" for name in hints.keys() - value.keys()]
    found += [f"{path}[{name!r}]: not in the stub" for name in value.keys() - hints.keys()]
    for name in value.keys() & hints.keys():
        found += differences(f"{path}[{name!r}]", value[name], hints[name])
    return sorted(found)


def _members(path: str, value: Any, stub: type, base: type) -> list[str]:
    """Compare the public attributes of a value with a class of the stub."""
    hints = _hints(stub)
    own = {name for name in set(dir(type(value))) - set(dir(base)) if name[0] != "_" and _readable(value, name)}
    named = {name for name in (*vars(stub), *hints) if not name.startswith("_")}
    complete = stub.__name__ != "Tracer"  # all others are listed in full
    found = [f"{path}.{name}: not in the stub" for name in own - named if complete]
    for name in named:
        if not _readable(value, name):
            found.append(f"{path}.{name}: only in the stub")
            continue
        declared = vars(stub).get(name)
        if inspect.isfunction(declared):
            found += _calls(f"{path}.{name}", getattr(value, name), declared)
        else:
            hint = _hints(declared.fget)["return"] if isinstance(declared, property) else hints[name]
            found += differences(f"{path}.{name}", getattr(value, name), hint)
    return sorted(found)


def _readable(value: Any, name: str) -> bool:
    """Return whether an attribute can be read; some of Bottle need a route, which Functions do not have."""
    try:
        getattr(value, name)
    except (AttributeError, RuntimeError):
        return False
    return True


def _calls(path: str, function: Any, stub: Any) -> list[str]:
    """Compare the parameters of functions; with *args the stub leaves some out."""
    if not callable(function):
        return [f"{path}: is no function"]
    of_stub = inspect.signature(stub).parameters.values()
    if any(each.kind is each.VAR_POSITIONAL for each in of_stub):
        return []
    shapes = [
        [(each.name, each.default is each.empty) for each in parameters if each.name != "self"]
        for parameters in (of_stub, inspect.signature(function).parameters.values())
    ]
    return [] if shapes[0] == shapes[1] else [f"{path}: has parameters {shapes[1]}, in the stub {shapes[0]}"]


def _hints(owner: Any) -> dict[str, Any]:
    return typing.get_type_hints(owner, DECLARED)
