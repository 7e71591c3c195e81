"""Pairs of random Functions: one and an edit of it, always the same ones for the same seed."""

from copy import deepcopy
from random import Random
from typing import Any

from support.random_functions import fetched, fit, sound

Manifest = dict[str, Any]


def pair(random: Random) -> tuple[Manifest, Manifest]:
    """Return a sound Function and the same one with other fields, fewer fields, reordered lists or no edit at all."""
    make = fetched if random.random() < 0.2 else sound
    first, other = make(random), (fetched if random.random() < 0.2 else sound)(random)
    second = deepcopy(first)
    spec, others = second["spec"], other["spec"]
    for field in random.sample(sorted(spec.keys() | others.keys()), k=random.choice([0, 1, 1, 2, 4])):
        if field in others:
            spec[field] = others[field]
        elif field not in ("runtime", "source"):
            del spec[field]
    _match_runtime(spec, others)
    for value in spec.values():
        if isinstance(value, list) and random.random() < 0.2:
            random.shuffle(value)
    fit(second)
    return first, second


def _match_runtime(spec: Manifest, others: Manifest) -> None:
    """Take source and runtime from the same Function: a list of packages belongs to a language."""
    if spec["runtime"] != others["runtime"] and spec["source"] == others["source"]:
        spec["runtime"] = others["runtime"]
    inline = spec["source"].get("inline", {})
    if spec["runtime"][:4] != others["runtime"][:4]:
        return
    if spec["source"] != others["source"] and spec["runtime"] == others["runtime"]:
        inline.pop("dependencies", None)
