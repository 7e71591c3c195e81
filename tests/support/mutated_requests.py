"""
Mutated requests, always the same ones for the same seed and number.

A request of a golden case, of a capture, or with pods, Secrets and autoscalers is changed in one to four places at any
depth: values of other types, null, huge values, keys removed, added or renamed, items repeated, subtrees moved. Some
bodies are damaged as bytes. They come from `random`, since a run makes up to 200,000, and Hypothesis is too slow for so
many.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from random import Random
from typing import Any

import orjson
from support.cases import NOW, ROOT, all_cases, complete, settle
from support.failing_pods import FAILING, HEALTHY
from support.offline_metacontroller import World

from hooks.config import Config
from hooks.records import LAST_APPLIED

Manifest = dict[str, Any]
Path = tuple[Any, ...]

HOOKS = {"sync": 6, "finalize": 3, "customize": 1}
"""How often each hook is called."""
LARGEST = 64 * 1024
"""Bytes; larger requests are not mutated, since each change would take too long."""
SMALL = ("request", "metadata")
"""Parts of a request in which most changes are refused: they are changed less often."""
CONFIGS = Config.model_validate({"related": {"configs": True}})


def nested(depth: int, inner: Any) -> Any:
    value: Any = inner
    for _ in range(depth):
        value = [value] if depth % 2 else {"a": value}
    return value


VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30, -(2**63), -(2**70), 0.0, -0.5,
    1e308, float("nan"), float("inf"), "", " ", "x", "0", "1", "True", "False", "null", "\0", "\n", "\x1b[2J", "é",
    "\ufeff", "\u202e", "😀", "\ud800", "\udfff", "a" * 64, "a" * 254, "a/" * 400, "9" * 5000, "-1", "1e9", "NaN",
    "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00",
    "2026-01-01T00:00:00+23:59", "2026-13-01T00:00:00Z", "{", "[]", "{}", "kube-system", "hello", "Deployment", "v1",
    [], {}, [[]], [{}], [None], ["x"], [0], {"": None}, {"a": {}}, {"name": "x"}, {"type": "Ready"}, {"\0": 1},
    {"status": "True"}, {"reason": []}, [{"name": []}], [{"type": {}}], nested(40, None), nested(41, 1),
    nested(300, "x"), nested(601, {}), "((" * 2000, "=" * 3000, "x" * 20_000, ["x"] * 500,
    {str(n): n for n in range(500)},
]  # fmt: skip
PIECES = (b"", b"\0", b"\xff\xfe", b"\xed\xa0\x80", b'"', b"}", b"[" * 3000, b"1e999", b"\\ud800", b"\\u0000")


@dataclass(frozen=True, kw_only=True)
class Body:
    """A body, the hook that it is sent to, and how it was made."""

    hook: str
    data: bytes
    config: Config
    made: str

    def __str__(self) -> str:
        return f"{self.made}\n{self.data[:1000].decode(errors='backslashreplace')}"


def body(seed: int, number: int) -> Body:
    """Return the body with this number."""
    random = Random(f"{seed}:{number}")
    hook = random.choices(list(HOOKS), list(HOOKS.values()))[0]
    name, (config, data, paths) = random.choice(list(_originals().items()))
    request = orjson.loads(data)
    done = [_changed(random, request, paths) for _ in range(random.choice((1, 1, 2, 4)))]
    sent = _encoded(request)
    if random.random() < 0.05:
        sent = _damaged(random, sent)
        done.append("bytes")
    return Body(hook=hook, data=sent, config=config, made=f"seed {seed}, number {number}: {hook} {name} {done}")


def copied(value: Any) -> Any:
    """Return a deep copy; deepcopy() would recurse too deep."""
    return json.loads(json.dumps(value))


def largest() -> Body:
    """Return a body as large as the largest mutated one: a process keeps the memory that it once needed."""
    request = orjson.loads(_originals()["settled"][1])
    request["parent"]["spec"]["secretMounts"] = [{"secretName": "s", "mountPath": "x" * 20_000}] * 40
    return Body(hook="sync", data=orjson.dumps(request), config=Config(), made="largest")


def _encoded(request: Any) -> bytes:
    try:
        return orjson.dumps(request)
    except TypeError:  # orjson refuses NaN, integers of more than 64 bits and lone surrogates
        return json.dumps(request).encode()


def _damaged(random: Random, data: bytes) -> bytes:
    start = random.randrange(len(data) or 1)
    return data[:start] + random.choice(PIECES) + data[start + random.choice((0, 1, 1, 40, len(data))) :]


def _changed(random: Random, request: Any, paths: dict[str, list[Path]]) -> str:
    """Change one place of the request; return what was done."""
    parts = random.choices(list(paths), [1 if part in SMALL else 4 for part in paths])
    path = random.choice(paths[parts[0]])
    parent = request
    for key in path[:-1]:
        parent = parent[key] if _has(parent, key) else None
    if not path or not _has(parent, path[-1]):
        return "nothing"
    change = random.choice(CHANGES) if parts != ["records"] else within
    change(random, parent, path[-1], request)
    return f"{'.'.join(map(str, path))}: {change.__name__}"


def _has(parent: Any, key: Any) -> bool:
    if isinstance(parent, dict):
        return key in parent
    return isinstance(parent, list) and isinstance(key, int) and key < len(parent)


def replaced(random: Random, parent: Any, key: Any, _: Any) -> None:
    parent[key] = copied(random.choice(VALUES))


def removed(_: Random, parent: Any, key: Any, __: Any) -> None:
    del parent[key]


def wrapped(random: Random, parent: Any, key: Any, _: Any) -> None:
    parent[key] = random.choice(([parent[key]], {"a": parent[key]}, {key: parent[key]}, str(parent[key])[:2000]))


def repeated(random: Random, parent: Any, key: Any, _: Any) -> None:
    value = parent[key]
    if isinstance(parent, list):
        parent.extend(copied(value) for _ in range(random.choice((1, 2, 50))))
    elif isinstance(value, (str, list)):
        parent[key] = value * (random.choice((2, 30)) if len(value) < 1000 else 2)
    else:
        parent[key + random.choice((" ", "0", "\0", "s"))] = copied(value)


def renamed(random: Random, parent: Any, key: Any, _: Any) -> None:
    value = parent.pop(key)
    if isinstance(parent, list):
        parent.insert(0, value)
    else:
        parent[random.choice((key.upper(), f" {key}", f"{key}\0", "", "name", "kind", "metadata", "__class__"))] = value


def transplanted(random: Random, parent: Any, key: Any, request: Any) -> None:
    """Replace the value with a copy of another part of the request."""
    found: Any = request
    for _ in range(random.randint(1, 9)):
        inner = list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else []
        if not inner:
            break
        found = random.choice(inner)
    parent[key] = copied(found)


def within(random: Random, parent: Any, key: Any, _: Any) -> None:
    """Change the JSON in a record of what was last applied."""
    try:
        inner = {"record": json.loads(parent[key])}
    except (TypeError, ValueError):
        return
    path = random.choice(list(_places(inner["record"], ("record",))))
    place: Any = inner
    for step in path[:-1]:
        place = place[step]
    random.choice(CHANGES)(random, place, path[-1], inner)
    parent[key] = json.dumps(inner.get("record"))


def inserted(random: Random, parent: Any, key: Any, _: Any) -> None:
    """Add a key to a map, or an item to a list."""
    place, value = parent[key], copied(random.choice(VALUES))
    if isinstance(place, list):
        place.insert(random.randint(0, len(place)), value)
    elif isinstance(place, dict):
        place[random.choice(("x", "", "name", "namespace", "status", "spec", "kind", "deletionTimestamp"))] = value
    else:
        parent[key] = value


CHANGES: tuple[Callable[[Random, Any, Any, Any], None], ...] = (
    replaced, replaced, replaced, replaced, removed, wrapped, repeated, renamed, transplanted, inserted,
)  # fmt: skip


@cache
def _originals() -> dict[str, tuple[Config, bytes, dict[str, list[Path]]]]:
    """Return every request to mutate by name: its config, its body, and its paths by part."""
    found = {}
    for name, (config, request) in _requests():
        data = orjson.dumps(request)
        if len(data) <= LARGEST:
            found[name] = (config, data, {part: list(at) for part, at in _parts(request) if at})
    return found


def _requests() -> Iterator[tuple[str, tuple[Config, Manifest]]]:
    for case in all_cases():
        yield case.name, (case.config, case.request)
    for file in sorted((ROOT / "tests" / "support" / "fixtures" / "metacontroller").glob("*.json")):
        yield file.stem, (Config(), orjson.loads(file.read_bytes()))
    for number, pods in enumerate(_batches()):
        yield f"pods-{number}", (CONFIGS, _with_related(pods))


def _batches() -> Iterator[list[Manifest]]:
    every = [*(row[0] for row in FAILING.values()), *HEALTHY.values()]
    for start in range(0, len(every), 4):
        yield copied(every[start : start + 4])


def _with_related(pods: list[Manifest]) -> Manifest:
    """Return the request of a Function that is not ready and has pods, Secrets, an autoscaler and an old status."""
    source = {"secretKeyRef": {"name": "db", "key": "password"}}
    spec = {"env": [{"name": "A", "valueFrom": source}], "envFrom": [{"configMapRef": {"name": "paint"}}]}
    world = World(complete({"spec": spec | {"scaleConfig": {"minReplicas": 1, "maxReplicas": 5}}}))
    settle(world, CONFIGS, NOW - timedelta(hours=2))
    owner = {"kind": "ReplicaSet", "name": "hello-5d9c"}
    for number, pod in enumerate(pods):
        pod |= {"apiVersion": "v1", "kind": "Pod"}
        pod["metadata"] |= {"name": f"hello-5d9c-{number}", "namespace": "default", "ownerReferences": [owner]}
    status = world.children["Deployment", "hello"]["status"]
    status["availableReplicas"] = 0
    message = 'ReplicaSet "hello-5d9c" is progressing.'
    status["conditions"] = [
        {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": message}
    ]
    idle = {"type": "ScalingActive", "status": "False", "reason": "x", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    world.children["HorizontalPodAutoscaler", "hello"]["status"] = {"conditions": [idle]}
    return world.request() | {"related": {"Pod.v1": _by_name(pods)} | _configs()}


def _configs() -> Manifest:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": {"password": "aHVudGVyMg=="}}
    paint = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "paint"}, "data": {"colour": "red"}}
    return {"Secret.v1": {"db": secret}, "ConfigMap.v1": {"paint": paint}}


def _by_name(objects: list[Manifest]) -> Manifest:
    return {each["metadata"]["name"]: each for each in objects}


def _parts(request: Manifest) -> Iterator[tuple[str, list[Path]]]:
    """Yield the paths in each part of a request, so that small parts are changed as often as large ones."""
    for part in ("status", "metadata", "spec"):
        if part in request["parent"]:
            yield part, list(_places(request["parent"][part], ("parent", part)))
    for part in ("children", "related"):
        for group, members in (request.get(part) or {}).items():
            if members:
                yield group, list(_places(members, (part, group)))
    yield "request", [(key,) for key in request]
    yield "records", [path for path in _places(request.get("children"), ("children",)) if path[-1] == LAST_APPLIED]


def _places(value: Any, path: Path) -> Iterator[Path]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _places(item, (*path, key))
