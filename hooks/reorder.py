"""
Variables in the order in which they refer to each other, whatever their order was before.

The kubelet expands $(NAME) only to a variable that stands earlier in the list. Metacontroller's merge keeps the live
order and appends what is new, so a variable that is added, renamed or moved may end up behind one that refers to it.
Where that would change what runs, the Deployment is first paused and the variables from the first misplaced one on are
taken out, which starts no pod; with the next answer they come back in order, and the pause goes.
"""

from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any

from hooks.environment import references
from hooks.manifest import Manifest, at, mapping, mappings
from hooks.protocol import HookRequest
from hooks.records import last_applied

Place = tuple[str, str]
"""A list of containers in a pod, and the name of one of them."""


def reordering(children: list[Manifest], request: HookRequest) -> list[Manifest]:
    """Return the children, where variables have to change places with the Deployment of the first of the two steps."""
    live, function = request.child("Deployment"), request.function
    # Only a value of the user's can refer to a variable, since ours are escaped.
    given = (function and function.spec.env) or ()
    if live is None or not any("$(" in (entry.get("value") or "") for entry in given):
        return children
    return [_reordering(child, live) if child["kind"] == "Deployment" else child for child in children]


def _reordering(desired: Manifest, live: Manifest) -> Manifest:
    before = (last_applied(live) or {}).get("spec", {})
    recorded, observed = _variables(before), _variables(live.get("spec"))
    wanted = _variables(desired["spec"])
    moved = {place: _misplaced(entries, observed.get(place, {})) for place, entries in wanted.items()}
    if not any(moved.values()) or _is_paused_by_others(live, before):
        return desired
    is_recorded = all(names <= recorded.get(place, {}).keys() for place, names in moved.items())
    paused = before.get("paused")
    if paused is False or (paused is True and not is_recorded):
        # What was taken out is there again: others write it on every write. The order stays as it is, and "false" in
        # the record says so from now on, or this would never end.
        return desired | {"spec": desired["spec"] | {"paused": False}}
    # Merging takes out only what is in the record, so that is completed first.
    return _paused(desired, moved if is_recorded else {})


def _misplaced(wanted: dict[str, Manifest], observed: dict[str, Manifest]) -> set[str]:
    """Return the names to take out so that they come back in the wanted order; none if the order changes nothing."""
    there = [name for name in observed if name in wanted]
    merged = dict.fromkeys([*there, *wanted])
    ideal, actual = _positions(wanted), _positions(merged)
    differs = any(
        (ideal[name] < ideal[entry]) != (actual[name] < actual[entry])
        for entry, variable in wanted.items()
        for name in references(variable.get("value") or "") & ideal.keys() - {entry}
    )
    if not differs:
        return set()
    in_place = takewhile(lambda pair: pair[0] == pair[1], zip(wanted, there, strict=False))
    return set(there) - {name for name, _ in in_place}


def _paused(desired: Manifest, moved: Mapping[Place, set[str]]) -> Manifest:
    """Return the Deployment, paused, without the variables that are moved."""
    spec = desired["spec"]
    pod = spec["template"]["spec"]
    pod = pod | {
        section: [_without(container, moved.get((section, container["name"]), set())) for container in pod[section]]
        for section in _SECTIONS
        if section in pod
    }
    return desired | {"spec": spec | {"paused": True, "template": spec["template"] | {"spec": pod}}}


def _without(container: Manifest, names: set[str]) -> Manifest:
    return container | {"env": [entry for entry in container["env"] if entry["name"] not in names]}


def _is_paused_by_others(live: Manifest, before: Manifest) -> bool:
    """Tell whether the pause is a decision of others: no pod of another template starts before it ends."""
    return bool(at(live, "spec", "paused") is True and before.get("paused") is not True)


def _positions(names: Iterable[str]) -> dict[str, int]:
    return {name: position for position, name in enumerate(names)}


def _variables(spec: Any) -> dict[Place, dict[str, Manifest]]:
    """Return the variables of each container in a Deployment's spec, by name."""
    pod = mapping(at(spec, "template", "spec"))
    return {
        (section, container["name"]): {entry["name"]: entry for entry in _named(container.get("env"))}
        for section in _SECTIONS
        for container in _named(pod.get(section))
    }


def _named(items: Any) -> list[Manifest]:
    """Return the objects in a list that have a name."""
    return [item for item in mappings(items) if isinstance(item.get("name"), str)]


_SECTIONS = ("containers", "initContainers")
