"""
The fields that have other places in v2alpha1 than in v1alpha2, and how to take them from one place to the other.

MOVED is the only list of the differences: the conversion and the schema of v2alpha1 are made from it.
"""

from dataclasses import dataclass
from typing import Any

from hooks.manifest import Manifest
from hooks.naming import GROUP

VERSIONS = (f"{GROUP}/v1alpha2", f"{GROUP}/v2alpha1")
"""The stored version, then the other one. An index into it is called a side."""

Path = tuple[str, ...]
Values = dict[str, Any]
"""The moved fields that a group has, by their path in v2alpha1."""


@dataclass(frozen=True)
class Group:
    """
    Fields that belong together.

    `parent` is a map in the spec, "" the spec itself. `fields` has each field's path below it in both versions. `only`
    names keys of v1alpha2 without a counterpart.
    """

    parent: str
    fields: tuple[tuple[str, str], ...]
    only: frozenset[str] = frozenset()

    @property
    def places(self) -> frozenset[str]:
        """The keys of the parent that belong to the group in either version; no other group has them."""
        return self.only | {path.partition(".")[0] for pair in self.fields for path in pair}

    def paths(self, side: int) -> dict[Path, str]:
        """Return the paths in one version, each with the field's name in Values."""
        return {tuple(pair[side].split(".")): pair[1] for pair in self.fields}


MOVED = {
    "inline": Group("source", (("inline.source", "inline"), ("inline.dependencies", "dependencies"))),
    "function": Group(
        "resourceConfiguration",
        (
            ("function.profile", "profile"),
            ("function.resources.requests", "requests"),
            ("function.resources.limits", "limits"),
        ),
    ),
    "build": Group(
        "resourceConfiguration",
        (("build.resources.requests", "install.requests"), ("build.resources.limits", "install.limits")),
    ),
    "template": Group("", (), frozenset({"template"})),
}
"""Every difference between the two specs, by the name of its group in the annotation."""


def take(value: Any, paths: dict[Path, str], here: Path = ()) -> tuple[Values, Any]:
    """Return the fields found at `paths`, and the value with null in their places, which keeps the order of keys."""
    if here in paths:
        return {paths[here]: value}, None
    if not _may_hold(value, paths, here):
        return {}, value
    values: Values = {}
    rest = {}
    for key, inner in value.items():
        more, rest[key] = take(inner, paths, (*here, key))
        values |= more
    return values, rest


def build(values: Values, paths: dict[Path, str]) -> Manifest:
    """Return the smallest map with these fields at `paths`, in the order of `values`."""
    places = {name: path for path, name in paths.items()}
    built: Manifest = {}
    for name, value in values.items():
        *above, last = places[name]
        inner = built
        for key in above:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return built


def fill(rest: Any, paths: dict[Path, str], values: Values, here: Path = ()) -> Any:
    """Return what take() left with these fields in their places, and without the other places."""
    if not _may_hold(rest, paths, here):
        return rest
    filled = {}
    for key, inner in rest.items():
        path = (*here, key)
        if path not in paths:
            filled[key] = fill(inner, paths, values, path)
        elif paths[path] in values:
            filled[key] = values[paths[path]]
    return filled


def _may_hold(value: Any, paths: dict[Path, str], here: Path) -> bool:
    return isinstance(value, dict) and any(path[: len(here)] == here for path in paths)
