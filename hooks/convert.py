"""
Functions of v1alpha2 as v2alpha1 and back, without loss.

What the other version cannot express (a field that it lacks, a value of the wrong type, an unknown key in one of the
moved places) is kept in one annotation of the converted object. Converting back restores it, unless a field of its
group was edited in between. The annotation can restore nothing else: a field that both versions have always comes
from the object's own spec, whatever the annotation contains.

The API server itself converts managedFields, and takes only labels and annotations of a converted object's metadata.
Source: restoreObjectMeta() of k8s.io/apiextensions-apiserver/pkg/apiserver/conversion/converter.go, release 1.36.
"""

import re
from hashlib import sha256
from typing import Any

import orjson

from hooks.manifest import Manifest, as_mapping, is_serializable, value_at
from hooks.moved_fields import MOVED, VERSIONS, Group, Values, build, fill, take
from hooks.naming import PREFIX

KEPT = f"{PREFIX}kept-by-conversion"
"""The annotation: JSON of {version of the values: {group: [digest of the group's moved fields, its other values]}}."""
MAX_KEPT_BYTES = 64 * 1024
"""Of the annotation; groups beyond it are lost. Those that either schema accepts take less than 500 bytes in all."""
MAX_ANNOTATIONS_BYTES = 256 * 1024
"""Of all keys and values: beyond it, the API server fails every object of the review."""

Kept = dict[str, list[Any]]

_PAIRS = {
    f"spec.{group.parent}.{pair[side]}": f"spec.{group.parent}.{pair[1 - side]}"
    for group in MOVED.values()
    for pair in group.fields
    for side in (0, 1)
}
_PATHS = "|".join(map(re.escape, _PAIRS))
# After requests and limits, the name of a resource may follow; inline and inline.source contain no field.
_MENTION = re.compile(rf"(?<![\w.])(?:{_PATHS})(?!\w)(?!(?<=[.]inline|[.]source)[.]\w)")


def convert(function: Manifest, version: str) -> Manifest:
    """
    Return a Function in `version`, one of VERSIONS; what does not change is shared with `function`.

    Only apiVersion, spec, the messages of conditions and the annotation KEPT change. An empty map of annotations counts
    as none, and without metadata there is no annotation. A value that JSON cannot hold, nested too deeply, is not kept.

    Raises ValueError if either version is unknown.
    """
    own = function.get("apiVersion")
    if own not in VERSIONS or version not in VERSIONS:
        raise ValueError(f"apiVersion: supported values: {', '.join(VERSIONS)}")
    if own == version:
        return function
    converted, kept = {**function, "apiVersion": version}, Kept()
    restored = _kept(function, version)
    if isinstance(function.get("spec"), dict):
        converted["spec"] = _spec(function["spec"], VERSIONS.index(version), restored, kept)
    if isinstance(value_at(function, "status", "conditions"), list):
        conditions = [_condition(each) for each in function["status"]["conditions"]]
        converted["status"] = {**function["status"], "conditions": conditions}
    return _with_kept(converted, own, kept)


def _spec(spec: Manifest, target: int, restored: Manifest, kept: Kept) -> Manifest:
    """
    Return the converted spec, and add to `kept` what it cannot express.

    A parent of which nothing is left is removed: server-side apply would set an empty map to null when the manager that
    owned its last field leaves it.
    """
    converted = _map(spec, "", target, restored, kept)
    for parent in dict.fromkeys(group.parent for group in MOVED.values() if group.parent):
        before = converted.get(parent, {})
        if not isinstance(before, dict):
            continue
        after = _map(before, parent, target, restored, kept)
        if after or converted.get(parent) == {}:
            converted[parent] = after
        else:
            converted.pop(parent, None)
    return converted


def _map(before: Manifest, parent: str, target: int, restored: Manifest, kept: Kept) -> Manifest:
    """Return a parent with its groups converted, each in the place of its first key, and add to `kept`."""
    groups = {name: group for name, group in MOVED.items() if group.parent == parent}
    owners = {place: name for name, group in groups.items() for place in group.places}
    outputs = {}
    for name, group in groups.items():
        found = {key: value for key, value in before.items() if key in group.places}
        values, rest = take(found, group.paths(1 - target))
        if build(values, group.paths(1 - target)) != found and (digest := _digest(values)):
            kept[name] = [digest, rest]
        outputs[name] = _restored(group, restored.get(name), values, target)
    after: Manifest = {}
    for key, value in before.items():
        after |= outputs.pop(owners[key], {}) if key in owners else {key: value}
    for output in outputs.values():
        after |= output
    return after


def _restored(group: Group, entry: Any, values: Values, target: int) -> Manifest:
    """Return the group with these fields and what was kept for it, if that is sound and no field was edited."""
    paths = group.paths(target)
    match entry:
        case [str(digest), dict(rest)] if rest.keys() <= group.places and digest == _digest(values) != "":
            filled: Manifest = fill(rest, paths, values)
            if take(filled, paths)[0] == values:
                return filled
    return build(values, paths)


def _digest(values: Values) -> str:
    """Return a digest of the fields, "" if JSON cannot hold them. The API server drops nulls, so they do not count."""
    if not is_serializable(values):
        return ""
    return sha256(orjson.dumps(_without_nulls(values), option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return value


def _kept(function: Manifest, version: str) -> Manifest:
    """Return what the annotation has for `version`, by group; nothing if it is malformed."""
    text = value_at(function, "metadata", "annotations", KEPT)
    if not isinstance(text, str) or len(text) > MAX_KEPT_BYTES:
        return {}
    try:
        return as_mapping(value_at(orjson.loads(text), version.rpartition("/")[2]))
    except orjson.JSONDecodeError:
        return {}


def _with_kept(function: Manifest, own: str, kept: Kept) -> Manifest:
    """Return the object with the groups that fit into its annotation, in place of those it had."""
    metadata = function.get("metadata")
    annotations = as_mapping(metadata).get("annotations") or {}
    if not isinstance(metadata, dict) or not isinstance(annotations, dict):
        return function
    others = {key: value for key, value in annotations.items() if key != KEPT}
    if text := _annotation(own, kept, MAX_ANNOTATIONS_BYTES - _size(others)):
        return {**function, "metadata": {**metadata, "annotations": {**others, KEPT: text}}}
    if len(others) == len(annotations):
        return function
    without = {key: value for key, value in metadata.items() if key != "annotations"}
    return {**function, "metadata": {**metadata, "annotations": others} if others else without}


def _annotation(own: str, kept: Kept, most: int) -> str:
    """Return the annotation's text, without the largest groups if it would be too long, "" for no groups."""
    version = own.rpartition("/")[2]
    texts = {name: orjson.dumps({name: entry}) for name, entry in kept.items() if is_serializable({version: entry})}
    for count in range(len(texts), 0, -1):
        smallest = sorted(texts, key=lambda name: len(texts[name]))[:count]
        text = orjson.dumps({version: {name: kept[name] for name in MOVED if name in smallest}})
        if len(text) <= min(MAX_KEPT_BYTES, most - len(KEPT)):
            return text.decode()
    return ""


def _size(annotations: Manifest) -> int:
    return sum(len(str(part).encode()) for pair in annotations.items() for part in pair)


def _condition(condition: Any) -> Any:
    """Return a condition whose message has the paths of the other version. A second call undoes the first."""
    message = value_at(condition, "message")
    if not isinstance(message, str):
        return condition
    return {**condition, "message": _MENTION.sub(lambda found: _PAIRS[found[0]], message)}
