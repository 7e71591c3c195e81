"""
Random values for the fields of a Function, made from the CRD's schema.

A new field needs its schema only, or an entry in value_pools.py where not every value of its type makes sense.
`oddness` is the share, from 0 to 1, of values that some component may refuse; with 0 a value is sound. `random` is
Python's, or Hypothesis' (strategies.py).
"""

from collections.abc import Callable
from random import Random
from typing import Any

from support.cases import ROOT
from support.value_pools import ENV_FROM, KEYS, MAPS, POOLS, TEXTS, Pool
from support.yaml_files import read_yaml

Manifest = dict[str, Any]

SCHEMA = read_yaml(ROOT / "crds" / "functions.yaml")["spec"]["versions"][0]["schema"]
SPEC = SCHEMA["openAPIV3Schema"]["properties"]["spec"]


def chance(random: Random, share: float) -> bool:
    """Return True with this probability, in steps of a thousandth."""
    return random.randrange(1000) >= 1000 - 1000 * share  # 0, which Hypothesis prefers, is False


def value_of(random: Random, field: str, oddness: float = 0) -> Any:
    """Return a value of this field of the spec."""
    return value(random, SPEC["properties"][field], f".{field}", oddness)


def value(random: Random, schema: Manifest, path: str, oddness: float) -> Any:
    """Return a value of the schema's type; `path` ends with the names of the object and of the property."""
    name = path.rpartition(".")[2]
    kind = schema.get("type")
    if kind == "object" and "additionalProperties" in schema:
        return _map(random, schema, name, oddness)
    if kind == "object":
        return _fitted(random, name, _object(random, schema, name, oddness), oddness)
    if kind == "array":
        items = [value(random, schema["items"], path, oddness) for _ in range(random.choice([0, 1, 1, 2, 4]))]
        return items if chance(random, oddness) else _once(schema, items)
    return picked(random, POOLS.get(path) or POOLS.get(name) or _by_type(schema), oddness)


def _by_type(schema: Manifest) -> Pool:
    """Return the pool of a property that POOLS does not name: what its schema allows, and odd texts."""
    if "enum" in schema:
        return schema["enum"], schema["enum"]
    if schema.get("type") == "boolean":
        return [True, False], [True, False]
    if schema.get("type") == "integer":
        least, most = schema["minimum"], schema.get("maximum", 9)
        found = [least, most, max(1, least), 5, lambda random: random.randint(least, most)]
        return found, found
    return ["a"], TEXTS


def picked(random: Random, pool: Pool, oddness: float) -> Any:
    """Return a value of a pool, or of a function in it."""
    found = random.choice(pool[chance(random, oddness)])
    return found(random) if callable(found) else found


def _map(random: Random, schema: Manifest, name: str, oddness: float) -> Manifest:
    known, strange = MAPS.get(name, (KEYS, KEYS))
    keys = random.sample(known, random.choice([0, 1, 2])) + random.sample(strange, chance(random, oddness))
    return {key: value(random, schema["additionalProperties"], f"{name}.{key}", oddness) for key in keys}


def _object(random: Random, schema: Manifest, name: str, oddness: float) -> Manifest:
    """Return an object with all that is required and some of the rest, seldom null."""
    properties, required = schema["properties"], schema.get("required", [])
    some = random.choice([0.3, 0.6])
    names = [each for each in properties if each in required or chance(random, some)]
    if schema.get("maxProperties") == 1:
        names = [random.choice(list(properties))]
    return {
        each: None if chance(random, oddness / 5) else value(random, properties[each], f"{name}.{each}", oddness)
        for each in names
    }


def _once(schema: Manifest, items: list[Any]) -> list[Any]:
    """Leave out the items that have the same key as another."""
    keys = schema.get("x-kubernetes-list-map-keys", [])
    return list({tuple(item.get(key) for key in keys): item for item in items}.values()) if keys else items


def _fitted(random: Random, name: str, found: Manifest, oddness: float) -> Manifest:
    """Return the object; unless it is to be odd, its parts agree with each other."""
    if name in TOGETHER and not chance(random, oddness):
        TOGETHER[name](random, found)
    return found


def _profile(random: Random, found: Manifest) -> None:
    """A node's profile is named for type Localhost only."""
    found.pop("localhostProfile", None)
    if found["type"] == "Localhost":
        found["localhostProfile"] = random.choice(["a", "a/b.json"])


def _toleration(_: Random, found: Manifest) -> None:
    """A time limit goes with effect NoExecute, and a value with a key and operator Equal."""
    if found.get("tolerationSeconds") is not None:
        found["effect"] = "NoExecute"
    if not found.get("key") or not found.get("value"):
        found.pop("value", None)
        found["operator"] = "Exists"
    else:
        found["operator"] = "Equal"


def _env_from(random: Random, found: Manifest) -> None:
    """One source, and no other."""
    kept = random.choice(ENV_FROM)
    source = next((found.pop(name) for name in ENV_FROM if found.get(name)), {"name": "s"})
    for name in ENV_FROM:
        found.pop(name, None)
    found[kept] = source


def _variable(random: Random, found: Manifest) -> None:
    """A value or a source, not both."""
    found.pop(random.choice(["value", "valueFrom"]), None)


def _resources(random: Random, found: Manifest) -> None:
    """Where both sides are given, the limits are not below the requests, and there is some CPU and memory."""
    if found.get("requests") and found.get("limits"):
        found["requests"] |= {"cpu": "100m", "memory": "64Mi"}
        found["limits"] = found["limits"] | found["requests"]
        found["limits"] |= random.choice([{}, {"cpu": "1", "memory": "2048Mi"}])
    found.pop("claims", None)


def _resource_choice(random: Random, found: Manifest) -> None:
    """A profile or resources, not both."""
    found.pop(random.choice(["profile", "resources"]), None)
    if not found:
        found["profile"] = "XS"


def _container_context(_: Random, found: Manifest) -> None:
    """The API server rejects a privileged container that may not gain privileges."""
    if found.get("privileged"):
        found["allowPrivilegeEscalation"] = True


TOGETHER: dict[str, Callable[[Random, Manifest], None]] = {
    "appArmorProfile": _profile,
    "seccompProfile": _profile,
    "tolerations": _toleration,
    "envFrom": _env_from,
    "env": _variable,
    "resources": _resources,
    "function": _resource_choice,
    "build": _resource_choice,
    "containerSecurityContext": _container_context,
}
"""By the name of an object, the function that makes its parts agree."""
