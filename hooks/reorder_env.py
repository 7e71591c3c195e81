"""
Restores the order of environment variables that reference each other.

The kubelet expands $(NAME) only to a variable earlier in the list. Metacontroller's merge keeps the live order and
appends new variables, so an added, renamed or moved variable may end up after one that references it. Where that would
change a value, the hook first pauses the Deployment and removes all variables from the first misplaced one on; a paused
Deployment starts no pods. The next response has all variables in order and ends the pause.
"""

from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any

from hooks.environment import referenced_variables
from hooks.manifest import Manifest, as_mapping, mappings_in, value_at
from hooks.protocol import HookRequest
from hooks.records import last_applied

ContainerKey = tuple[str, str]
"""A container of a pod: the name of its list, and its own name."""
_SECTIONS = ("containers", "initContainers")


def reorder_env(children: list[Manifest], request: HookRequest) -> list[Manifest]:
    """Return the children; the Deployment is paused and without its misplaced variables, if it has any."""
    live, function = request.child("Deployment"), request.function
    # Values of ours are escaped, so only the user's can reference a variable.
    entries = (function and function.spec.env) or ()
    if live is None or not any("$(" in (entry.get("value") or "") for entry in entries):
        return children
    return [_reorder(child, live) if child["kind"] == "Deployment" else child for child in children]


def _reorder(desired: Manifest, live: Manifest) -> Manifest:
    record = (last_applied(live) or {}).get("spec", {})
    recorded, observed = _variables(record), _variables(live.get("spec"))
    wanted = _variables(desired["spec"])
    misplaced = {key: _misplaced(entries, observed.get(key, {})) for key, entries in wanted.items()}
    if not any(misplaced.values()) or _is_paused_by_others(live, record):
        return desired
    is_recorded = all(names <= recorded.get(key, {}).keys() for key, names in misplaced.items())
    paused = record.get("paused")
    if paused is False or (paused is True and not is_recorded):
        # Another component has added the removed variables again and would do so on every write. The hook accepts the
        # live order and records that as `paused: false`; otherwise the two would overwrite each other forever.
        return desired | {"spec": desired["spec"] | {"paused": False}}
    # Metacontroller removes only recorded variables, so if some are missing in the record, they are sent once more.
    return _pause(desired, misplaced if is_recorded else {})


def _misplaced(wanted: dict[str, Manifest], observed: dict[str, Manifest]) -> set[str]:
    """Return the names to remove so that they return in the wanted order; none if the order changes no value."""
    existing = [name for name in observed if name in wanted]
    merged = dict.fromkeys([*existing, *wanted])
    ideal, actual = _positions(wanted), _positions(merged)
    differs = any(
        (ideal[name] < ideal[entry]) != (actual[name] < actual[entry])
        for entry, variable in wanted.items()
        for name in referenced_variables(variable.get("value") or "") & ideal.keys() - {entry}
    )
    if not differs:
        return set()
    in_place = takewhile(lambda pair: pair[0] == pair[1], zip(wanted, existing, strict=False))
    return set(existing) - {name for name, _ in in_place}


def _pause(desired: Manifest, removed: Mapping[ContainerKey, set[str]]) -> Manifest:
    """Return the Deployment, paused and without the removed variables."""
    spec = desired["spec"]
    pod = spec["template"]["spec"]
    pod = pod | {
        section: [
            _remove_env(container, removed.get((section, container["name"]), set())) for container in pod[section]
        ]
        for section in _SECTIONS
        if section in pod
    }
    return desired | {"spec": spec | {"paused": True, "template": spec["template"] | {"spec": pod}}}


def _remove_env(container: Manifest, names: set[str]) -> Manifest:
    return container | {"env": [entry for entry in container["env"] if entry["name"] not in names]}


def _is_paused_by_others(live: Manifest, record: Manifest) -> bool:
    """Return whether the hook did not pause the Deployment: then no new pod starts before the pause ends."""
    return bool(value_at(live, "spec", "paused") is True and record.get("paused") is not True)


def _positions(names: Iterable[str]) -> dict[str, int]:
    return {name: position for position, name in enumerate(names)}


def _variables(spec: Any) -> dict[ContainerKey, dict[str, Manifest]]:
    """Return the variables of each container in a Deployment's spec, by name."""
    pod = as_mapping(value_at(spec, "template", "spec"))
    return {
        (section, container["name"]): {entry["name"]: entry for entry in _named_items(container.get("env"))}
        for section in _SECTIONS
        for container in _named_items(pod.get(section))
    }


def _named_items(items: Any) -> list[Manifest]:
    return [item for item in mappings_in(items) if isinstance(item.get("name"), str)]
