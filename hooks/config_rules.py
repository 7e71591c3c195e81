"""
Rules for settings that depend on each other, and rules that no JSON schema can express.

They read plain JSON and skip what hooks/config_types.py rejects, so that one load reports all errors of a file. Amounts
follow the API server's rules for containers.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from hooks import kubernetes_names as names
from hooks import naming, quantity
from hooks.config_texts import invalid, unsupported
from hooks.pod_annotations import APPARMOR, SECCOMP, SECCOMP_POD, annotation_fault

MIN_LIMITS = {"memory": "16Mi", "ephemeral-storage": "1Mi"}
"""No runtime starts with less; the unit was probably forgotten. To the kubelet, 0 means no limit."""
MAX_POD_BYTES = 10 * 1024
"""What settings may add to a Deployment: one annotation of limited size holds it together with the Function's part."""
PROFILE_ANNOTATIONS = (APPARMOR, SECCOMP, SECCOMP_POD)
RESERVED_PREFIXES = (naming.PREFIX, "kubernetes.io/config.")
"""Annotations of the hook and of the kubelet."""
POD_SETTINGS = (
    "podAnnotations",
    "imagePullSecrets",
    "install",
    "registry",
    "traceCollectorEndpoint",
    "publisherProxyAddress",
    "packageRegistryConfigSecretName",
)
"""Settings that are part of every pod. Of profiles and runtimes, a pod has one each."""

SettingError = tuple[str, str]
"""The path of a setting, and a message in the API server's words."""


def problems(settings: Mapping[str, Any]) -> Iterator[SettingError]:
    """Yield each error in `settings`, which have all keys of a config file."""
    for name, setting in settings.items():
        yield from _surrogate_errors(str(name), setting)
    yield from _default_profile_errors(settings)
    profiles = _entries(settings.get("profiles"))
    for name, profile in profiles.items():
        yield from _profile_errors(f"profiles.{name}", _entries(profile))
    yield from _amount_errors("minimumResources", _valid_amounts(settings.get("minimumResources")), {})
    yield from _install_errors(_entries(_entries(settings.get("install")).get("limits")))
    yield from _image_errors(settings.get("registry"), _entries(settings.get("runtimes")))
    yield from _annotation_errors(_entries(settings.get("podAnnotations")))
    yield from _size_errors(settings)


def _surrogate_errors(path: str, value: Any, depth: int = 4) -> Iterator[SettingError]:
    """A lone surrogate, possible through an escape in YAML, cannot be encoded: every response would be an error."""
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        yield path, "Invalid value: must be Unicode"
    if isinstance(value, dict) and depth:
        for key, item in value.items():
            yield from _surrogate_errors(f"{path}.{key}", key, 0)
            yield from _surrogate_errors(f"{path}.{key}", item, depth - 1)
    if isinstance(value, list) and depth:
        for index, item in enumerate(value):
            yield from _surrogate_errors(f"{path}[{index}]", item, depth - 1)


def _default_profile_errors(settings: Mapping[str, Any]) -> Iterator[SettingError]:
    known, chosen = _entries(settings.get("profiles")), settings.get("defaultProfile")
    if isinstance(chosen, str) and chosen not in known:
        yield "defaultProfile", str(unsupported(chosen, known))


def _profile_errors(path: str, profile: Mapping[str, Any]) -> Iterator[SettingError]:
    requests, limits = _valid_amounts(profile.get("requests")), _valid_amounts(profile.get("limits"))
    yield from _amount_errors(f"{path}.requests", requests, {})
    yield from _amount_errors(f"{path}.limits", limits, MIN_LIMITS)
    for name, request in requests.items():
        limit = limits.get(name)
        if limit is None and not names.is_overcommitted(name):
            yield f"{path}.limits.{name}", f"Required value: must be set to the request of {request}"
        elif limit is not None and _breaks_limit(name, request, limit):
            needed = "less than or equal" if names.is_overcommitted(name) else "equal"
            yield f"{path}.requests.{name}", str(invalid(f"must be {needed} to the limit of {limit}", request))
    if any(map(names.is_page, (*requests, *limits))) and not {"cpu", "memory"} & {*requests, *limits}:
        yield path, "Forbidden: huge pages require cpu or memory"


def _breaks_limit(name: str, request: str, limit: str) -> bool:
    more = quantity.parse(request) - quantity.parse(limit)
    return more > 0 or (more < 0 and not names.is_overcommitted(name))


def _install_errors(limits: Mapping[str, Any]) -> Iterator[SettingError]:
    given = _valid_amounts(limits)
    yield from _amount_errors("install.limits", given, MIN_LIMITS)
    for name in given:
        if not names.is_overcommitted(name):
            # The step has the Function's requests, and Kubernetes requires limits equal to these.
            yield f"install.limits.{name}", "Forbidden: the limit must be that of the Function"


def _amount_errors(path: str, amounts: Mapping[str, str], minimums: Mapping[str, str]) -> Iterator[SettingError]:
    """Yield the errors of single amounts; `minimums` are by resource name."""
    for name, amount in amounts.items():
        number = quantity.parse(amount)
        fault = names.amount_fault(name, amount)
        if not fault and name in names.STANDARD_RESOURCES[1:] and number % 1:
            fault = "must be a whole number of bytes"
        if not fault and 0 < number < quantity.parse(minimums.get(name, 0)):
            fault = f"must be greater than or equal to {minimums[name]}"
        if fault:
            yield f"{path}.{name}", str(invalid(fault, amount))


def _image_errors(registry: Any, runtimes: Mapping[str, Any]) -> Iterator[SettingError]:
    for name, runtime in runtimes.items():
        image = _entries(runtime).get("image")
        if isinstance(registry, str) and isinstance(image, str) and names.is_image(image):
            whole = f"{registry}/{image}" if registry else image
            if names.is_image(f"{registry}/x") and not names.is_image(whole):
                yield f"runtimes.{name}.image", str(invalid("must be an image below the registry", image))


def _annotation_errors(annotations: Mapping[str, Any]) -> Iterator[SettingError]:
    for key, value in annotations.items():
        path = f"podAnnotations.{key}"
        if key.startswith(PROFILE_ANNOTATIONS):
            yield path, "Forbidden: Kubernetes reads it instead of the profiles in the security contexts of Functions"
        elif key.startswith(RESERVED_PREFIXES):
            yield path, f"Forbidden: keys must not start with {' or '.join(RESERVED_PREFIXES)}"
        elif isinstance(value, str) and (fault := annotation_fault(key, value)):
            yield path, f"Forbidden: {fault}"


def _size_errors(settings: Mapping[str, Any]) -> Iterator[SettingError]:
    """An annotation of limited size holds the last-applied record: the Function's part of a pod and the settings'."""
    sizes = {name: _encoded_bytes(settings.get(name)) for name in POD_SETTINGS}
    for name in ("profiles", "runtimes"):
        sizes[name] = 2 * max(map(_encoded_bytes, _entries(settings.get(name)).values()), default=0)
    if (size := sum(sizes.values())) > MAX_POD_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        words = f"the settings of a pod take {size} bytes when encoded, may not be more than {MAX_POD_BYTES} bytes"
        yield largest, f"Too long: {words}"


def _encoded_bytes(value: Any) -> int:
    """Return an upper bound of the bytes in Go's JSON, with each $ doubled and each list item in an object."""
    text = json.dumps(value, default=str)
    items = len(value) if isinstance(value, list) else 0
    return len(text) + text.count("$") + 5 * sum(map(text.count, "<>&")) + len('{"name":}') * items


def _entries(value: Any) -> Mapping[str, Any]:
    """Return the entries of a map whose keys are strings; {} for any other value."""
    return {key: item for key, item in value.items() if isinstance(key, str)} if isinstance(value, dict) else {}


def _valid_amounts(value: Any) -> dict[str, str]:
    """Return the valid quantities of valid resource names."""
    return {
        name: str(given)
        for name, given in _entries(value).items()
        if names.is_resource(name) and _quantity_of(given) is not None
    }


def _quantity_of(given: Any) -> Decimal | None:
    try:
        number = quantity.parse(given) if type(given) in (str, int) else None
    except ValueError:
        return None
    return number if number is None or number >= 0 else None
