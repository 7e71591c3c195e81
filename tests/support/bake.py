"""The images in docker-bake.json."""

import json
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]


class Target(NamedTuple):
    """One image: the folder of its Dockerfile, its build arguments and its tag."""

    context: str
    arguments: dict[str, str]
    tag: str


def targets() -> dict[str, Target]:
    """Return the images of the default group, by target."""
    definition = json.loads((ROOT / "docker-bake.json").read_text(encoding="utf-8"))

    def image(target: dict[str, Any]) -> Target:
        (tag,) = target["tags"]
        return Target(target["context"], target.get("args", {}), tag)

    return {name: image(definition["target"][name]) for name in definition["group"]["default"]["targets"]}
