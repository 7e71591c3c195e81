"""
What settings may be together: rules that need more than one value to tell whether Functions can work.

Each reads the settings as plain JSON and passes over what hooks/config_types.py refuses already, so that all faults of
a file are found at once. Amounts are checked as the API server checks those of a container.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from hooks import kubernetes_names as names
from hooks import naming, quantity
from hooks.config_texts import invalid, shown

LEAST = {"memory": "16Mi", "ephemeral-storage": "1Mi"}
"""With lower limits no runtime starts; most likely the unit was forgotten. 0 is no limit to the kubelet."""
POD_BYTES = 10 * 1024
"""What the settings may add to a Deployment, beside what a user may: Metacontroller keeps both in one annotation."""
IN_PLACE_OF_FIELDS = (names.APPARMOR, names.SECCOMP, names.SECCOMP_POD)
RESERVED = (naming.PREFIX, "kubernetes.io/config.")
"""Keys of the hook's own, and of the kubelet's."""
IN_PODS = (
    "podAnnotations",
    "imagePullSecrets",
    "install",
    "registry",
    "traceCollectorEndpoint",
    "publisherProxyAddress",
    "packageRegistryConfigSecretName",
)
"""Settings that become part of every pod; of profiles and runtimes, one."""

Fault = tuple[str, str]
"""The path of a setting, and what is wrong with it."""


def problems(settings: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the path and the message of each fault; `settings` are complete, by the names that operators write."""
    for name, setting in settings.items():
        yield from _halves(str(name), setting)
    yield from _default_profile(settings)
    profiles = _map(settings.get("profiles"))
    for name, profile in profiles.items():
        yield from _profile(f"profiles.{name}", _map(profile))
    yield from _each("minimumResources", _amounts(settings.get("minimumResources")), {})
    yield from _install(_map(_map(settings.get("install")).get("limits")))
    yield from _images(settings.get("registry"), _map(settings.get("runtimes")))
    yield from _annotations(_map(settings.get("podAnnotations")))
    yield from _size(settings)


def _halves(path: str, value: Any, depth: int = 4) -> Iterator[Fault]:
    """Half of a surrogate pair, which only YAML's escapes can write, would make every answer an error."""
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        yield path, "Invalid value: must be Unicode"
    if isinstance(value, dict) and depth:
        for key, item in value.items():
            yield from _halves(f"{path}.{key}", key, 0)
            yield from _halves(f"{path}.{key}", item, depth - 1)
    if isinstance(value, list) and depth:
        for index, item in enumerate(value):
            yield from _halves(f"{path}[{index}]", item, depth - 1)


def _default_profile(settings: Mapping[str, Any]) -> Iterator[Fault]:
    known, chosen = _map(settings.get("profiles")), settings.get("defaultProfile")
    if isinstance(chosen, str) and chosen not in known:
        supported = ", ".join(shown(name) for name in sorted(map(str, known)))
        yield "defaultProfile", f"Unsupported value: {shown(chosen)}: supported values: {supported or 'none'}"


def _profile(path: str, profile: Mapping[str, Any]) -> Iterator[Fault]:
    requests, limits = _amounts(profile.get("requests")), _amounts(profile.get("limits"))
    yield from _each(f"{path}.requests", requests, {})
    yield from _each(f"{path}.limits", limits, LEAST)
    for name, request in requests.items():
        limit = limits.get(name)
        if limit is None and not names.is_overcommitted(name):
            yield f"{path}.limits.{name}", f"Required value: must be set to the request of {request}"
        elif limit is not None and _is_apart(name, request, limit):
            needed = "less than or equal" if names.is_overcommitted(name) else "equal"
            yield f"{path}.requests.{name}", str(invalid(f"must be {needed} to the limit of {limit}", request))
    if any(map(names.is_page, (*requests, *limits))) and not {"cpu", "memory"} & {*requests, *limits}:
        yield path, "Forbidden: huge pages require cpu or memory"


def _is_apart(name: str, request: str, limit: str) -> bool:
    more = quantity.parse(request) - quantity.parse(limit)
    return more > 0 or (more < 0 and not names.is_overcommitted(name))


def _install(limits: Mapping[str, Any]) -> Iterator[Fault]:
    given = _amounts(limits)
    yield from _each("install.limits", given, LEAST)
    for name in given:
        if not names.is_overcommitted(name):
            # The step requests what the Function does, and for such a resource the two have to be equal.
            yield f"install.limits.{name}", "Forbidden: the limit must be that of the Function"


def _each(path: str, amounts: Mapping[str, str], least: Mapping[str, str]) -> Iterator[Fault]:
    """Yield what is wrong with each amount by itself."""
    for name, amount in amounts.items():
        number = quantity.parse(amount)
        fault = names.amount_fault(name, amount)
        if not fault and name in names.STANDARD_RESOURCES[1:] and number % 1:
            fault = "must be a whole number of bytes"
        if not fault and 0 < number < quantity.parse(least.get(name, 0)):
            fault = f"must be greater than or equal to {least[name]}"
        if fault:
            yield f"{path}.{name}", str(invalid(fault, amount))


def _images(registry: Any, runtimes: Mapping[str, Any]) -> Iterator[Fault]:
    for name, runtime in runtimes.items():
        image = _map(runtime).get("image")
        if isinstance(registry, str) and isinstance(image, str) and names.is_image(image):
            whole = f"{registry}/{image}" if registry else image
            if names.is_image(f"{registry}/x") and not names.is_image(whole):
                yield f"runtimes.{name}.image", str(invalid("must be an image below the registry", image))


def _annotations(annotations: Mapping[str, Any]) -> Iterator[Fault]:
    for key, value in annotations.items():
        path = f"podAnnotations.{key}"
        if key.startswith(IN_PLACE_OF_FIELDS):
            yield path, "Forbidden: Kubernetes reads it in place of the profiles that Functions may choose"
        elif key.startswith(RESERVED):
            yield path, f"Forbidden: no key may begin with {' or '.join(RESERVED)}"
        elif isinstance(value, str) and (fault := names.annotation_fault(key, value)):
            yield path, f"Forbidden: {fault}"


def _size(settings: Mapping[str, Any]) -> Iterator[Fault]:
    """The record of a child is an annotation: it has to hold what a Function may bring, and this too."""
    sizes = {name: _bytes(settings.get(name)) for name in IN_PODS}
    for name in ("profiles", "runtimes"):
        sizes[name] = 2 * max(map(_bytes, _map(settings.get(name)).values()), default=0)
    if (size := sum(sizes.values())) > POD_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        words = f"the settings of a pod take {size} bytes when encoded, may not be more than {POD_BYTES} bytes"
        yield largest, f"Too long: {words}"


def _bytes(value: Any) -> int:
    """Return at least the bytes that Go's JSON encoder needs, with every $ doubled and every list item an object."""
    text = json.dumps(value, default=str)
    items = len(value) if isinstance(value, list) else 0
    return len(text) + text.count("$") + 5 * sum(map(text.count, "<>&")) + len('{"name":}') * items


def _map(value: Any) -> Mapping[str, Any]:
    """Return a map with the entries of `value` that have a name; an empty one if it is no map."""
    return {key: item for key, item in value.items() if isinstance(key, str)} if isinstance(value, dict) else {}


def _amounts(value: Any) -> dict[str, str]:
    """Return the amounts that are quantities, of resources that there are."""
    return {
        name: str(given)
        for name, given in _map(value).items()
        if names.is_resource(name) and _number(given) is not None
    }


def _number(given: Any) -> Decimal | None:
    try:
        number = quantity.parse(given) if type(given) in (str, int) else None
    except ValueError:
        return None
    return number if number is None or number >= 0 else None
