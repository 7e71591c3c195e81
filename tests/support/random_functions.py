"""
Random Functions, always the same ones for the same seed: sound, odd, or broken in one to three ways.

The values come from function_values.py. An odd Function has values that the schema describes and some component may
refuse. A broken one has some of BREAKS, which break a rule, or a value that its schema forbids. Neither is certain to
be refused: the tests compare which component refuses it.

The cluster tests need five thousand Functions, which take less than a second from a seed and more than a minute from
Hypothesis. strategies.py runs the same code under Hypothesis, for tests that shrink a failing example.
"""

from collections.abc import Callable
from itertools import groupby
from random import Random
from typing import Any

from support.broken_specs import Example, examples
from support.function_values import SCHEMA, SPEC, chance, picked, value, value_of  # noqa: F401 - SCHEMA is for tests
from support.schema_breaks import SCHEMA_BREAKS
from support.value_pools import NODE, OF_PROFILES, text

from hooks.config import Config

Manifest = dict[str, Any]
Break = Callable[[Random, Manifest], None]

RUNTIMES = {name: runtime.family for name, runtime in Config().runtimes.items()}
SOURCES = [text, text, "module.exports = {main: () => 'hi'}\n", "$(A) $$ \\ <&> \u2028 😀", "\t", "x" * 70_000]
INSTALLED = {
    "nodejs": ["", " \n", "{}", '\ufeff{"dependencies": {}}', '{"dependencies": {"a": "1"}}'],
    "python": ["", " \n", "requests\n", "\ufeffrequests", "requests>=2,<3\n", "requests==2.32.5 # $HOME\n"],
}
"""Lists of packages by family."""
NOT_INSTALLED = ["[1]", "{", "-e .\n", "a b c"]
OPTIONAL = [name for name in SPEC["properties"] if name not in ("runtime", "source", "template")]
OFTEN = {"env": 4, "resourceConfiguration": 2, "podSecurityContext": 3, "containerSecurityContext": 3}
"""Weights of fields with many properties, which are odd more often than others."""


def function(random: Random) -> tuple[list[str], Manifest]:
    """Return the names of its breaks or of its odd fields, and the Function."""
    if chance(random, 0.3):
        return odd(random)
    parent = sound(random)
    if chance(random, 0.3):
        parent["spec"]["source"]["inline"]["dependencies"] = random.choice(NOT_INSTALLED)
    names = []
    for _ in range(random.choice([0, 0, 1, 1, 1, 1, 2, 2, 3])):
        name = "schema" if chance(random, 0.4) else random.choice(list(BREAKS))
        BREAKS.get(name, break_schema)(random, parent)
        names.append(name)
    return names, parent


def odd(random: Random, *, fetched: bool = False) -> tuple[list[str], Manifest]:
    """Return the names of its odd fields, and the Function; `fetched` is whether Flux fetches its source."""
    parent, oddness = sound(random), random.choice([0, 0.05, 0.3])
    weights = [OFTEN.get(name, 1) for name in OPTIONAL]
    names = sorted(set(random.choices(OPTIONAL, weights, k=random.choice([1, 1, 2, 3]))))
    parent["spec"] |= {name: value_of(random, name, oddness) for name in names}
    if fetched:
        parent["spec"]["source"] = fetched_source(random, oddness)
    elif chance(random, oddness):
        parent["spec"]["source"]["inline"]["dependencies"] = random.choice(NOT_INSTALLED)
    return names, parent


def sound(random: Random) -> Manifest:
    """Return a Function that CRD, policy and hook accept, with some of all fields."""
    runtime, some = random.choice(list(RUNTIMES)), random.choice([0.1, 0.3, 0.6])
    inline = {"source": picked(random, (SOURCES, []), 0)}
    if chance(random, 0.4):
        inline["dependencies"] = random.choice(INSTALLED[RUNTIMES[runtime]])
    spec: Manifest = {"runtime": runtime, "source": {"inline": inline}}
    spec |= {name: value_of(random, name) for name in OPTIONAL if chance(random, some)}
    if chance(random, some):
        spec["template"] = {}
    parent = {"metadata": {"name": random.choice(["a", "hello", "a-9", "x" * 63])}, "spec": spec}
    fit(parent)
    return parent


def fetched(random: Random) -> Manifest:
    """Return a sound Function whose source Flux fetches; it is accepted where git.enabled is set."""
    parent = sound(random)
    parent["spec"]["source"] = fetched_source(random, 0)
    return parent


def fetched_source(random: Random, oddness: float) -> Manifest:
    kind = random.choice(["gitRepository", "gitRepository", "sourceRef"])
    return {kind: value(random, SPEC["properties"]["source"]["properties"][kind], f".{kind}", oddness)}


def fit(parent: Manifest) -> None:
    """Remove from a Function the fields and items that conflict with others, each of which is sound alone."""
    spec = parent["spec"]
    if spec.get("serviceAccountName") == parent["metadata"]["name"]:
        del spec["serviceAccountName"]
    contexts = [spec.get(field) or {} for field in ("podSecurityContext", "containerSecurityContext")]
    if any(name in context for context in contexts for name in NODE):
        for key in OF_PROFILES:
            spec.get("annotations", {}).pop(key, None)
    taken: list[str] = []
    for field in ("secretMounts", "configMapMounts"):
        spec |= {field: [mount for mount in spec[field] if _is_free(mount, taken)]} if field in spec else {}


def _is_free(mount: Manifest, taken: list[str]) -> bool:
    """Return whether a mount overlaps none of `taken`, and add it to them."""
    path = mount["mountPath"].rstrip("/") + "/"
    if any(path.startswith(other) or other.startswith(path) for other in taken):
        return False
    taken.append(path)
    return True


def as_break(broken: list[Example]) -> Break:
    """Break by giving the Function the name and the fields of one of these examples."""

    def apply(random: Random, parent: Manifest) -> None:
        example = random.choice(broken)
        complete = example.parent()
        parent["metadata"]["name"] = complete["metadata"]["name"]
        parent["spec"] |= {field: complete["spec"].get(field) for field in example.spec}

    return apply


BREAKS: dict[str, Break] = {
    **{key: as_break(list(broken)) for key, broken in groupby(examples(), key=lambda example: example.key)},
    "valid": as_break(examples("valid")),
    "null": lambda random, parent: parent["spec"].update({random.choice(list(OPTIONAL)): None}),
}


def break_schema(random: Random, parent: Manifest) -> None:
    """Give some property of the spec, however deep, a value that its schema forbids."""
    found = random.choice(SCHEMA_BREAKS)
    found.apply(parent["spec"], random.choice(found.values))
